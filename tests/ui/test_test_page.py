from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import ImageData

from studio.core.errors import BadInput
from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.ui.widgets.asking import AskingDesk, example_items
from studio.ui.widgets.model_choice import AS_THE_RUN, NEWEST, few_shot, run_choices
from studio.ui.widgets.phrases import phrase_rows, phrases_of
from studio.ui.widgets.picture import as_sent
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

MODEL = "open_clip:ViT-B-32/laion2b_s34b_b79k"


def choices(project: OpenProject, model: str) -> list[Any]:
    rows = phrase_rows(project.labelling.classes())
    return [project.id, model, NEWEST, AS_THE_RUN, 0, rows, "\n".join(project.labelling.templates())]


def pick(item: Any) -> gr.EventData:
    return gr.EventData(None, {"id": item})


def test_a_picture_arrives_as_the_bytes_that_were_sent(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"not a picture")
    assert as_sent(ImageData(path=str(tmp_path / "x.jpg"))) == b"not a picture"
    assert as_sent(ImageData(url="data:image/png;base64," + base64.b64encode(b"snap").decode())) == b"snap"
    assert as_sent(None) is None


def test_a_picture_that_arrived_in_part_is_refused() -> None:
    with pytest.raises(BadInput):
        as_sent(ImageData(url="data:image/png;base64,%%%"))


def test_a_model_that_is_not_loaded_is_said_and_not_loaded_by_asking(workspace: Workspace, project: OpenProject) -> None:
    project.choose_model(MODEL)
    answers, activity, _ = AskingDesk(workspace).answer({"image": b"x"}, *choices(project, MODEL))
    assert "Load the model" in answers and activity == ""
    assert workspace.models.loaded() == ()


def test_a_model_that_is_not_on_the_list_is_refused_in_the_answers_place(workspace: Workspace, project: OpenProject) -> None:
    answers, _, _ = AskingDesk(workspace).answer({"image": b"x"}, *choices(project, "hf:/<etc>"))
    assert "not on the list" in answers and 'role="alert"' in answers


def test_examples_come_from_each_class_in_turn(workspace: Workspace, picture_folder: Path) -> None:
    project = workspace.create_project("Labelled", "image-classification")
    project.labelling.import_data(str(picture_folder), ImportOptions(split="test"))
    assert [item.label for item in example_items(project)] == ["cat", "dog"] * 3


@pytest.mark.parametrize("number", [None, "1", True, 99, -1])
def test_an_example_that_is_not_there_is_refused(workspace: Workspace, project: OpenProject, number: Any) -> None:
    with pytest.raises(BadInput):
        AskingDesk(workspace).example(pick(number), *choices(project, MODEL))


@pytest.mark.parametrize("value", [None, [], {"rows": "x"}, {"rows": [1]}, {"rows": [{"name": "a", "phrase": " "}]}])
def test_class_names_of_another_form_are_refused(value: Any) -> None:
    with pytest.raises(BadInput):
        phrases_of(value)


NO_WORDS = {"rows": [{"name": "cat", "phrase": ""}]}


@pytest.mark.parametrize(("field", "wrong"), [(6, "a photo of"), (6, " "), (6, "{} and {}"), (5, NO_WORDS)])
def test_words_that_do_not_work_are_said_beside_them_and_keep_the_last_answers(
    workspace: Workspace, project: OpenProject, field: int, wrong: Any
) -> None:
    project.choose_model(MODEL)
    asked = choices(project, MODEL)
    said, answers, *_ = AskingDesk(workspace).worded({"image": b"x"}, *asked)
    assert said == "" and "Load the model" in answers
    asked[field] = wrong
    said, *kept = AskingDesk(workspace).worded({"image": b"x"}, *asked)
    assert 'role="alert"' in said and kept == [gr.skip()] * 3


def test_words_are_kept_for_the_project(workspace: Workspace, project: OpenProject) -> None:
    rows = {"rows": [{"name": "cat", "phrase": "a small cat"}, {"name": "dog", "phrase": "dog"}]}
    AskingDesk(workspace).keep(project.id, rows, "a photo of {}\n\nart of {}")
    assert project.labelling.classes()[0].phrase == "a small cat"
    assert project.labelling.templates() == ("a photo of {}", "art of {}")


def test_few_shot_takes_the_runs_labels_unless_told() -> None:
    assert few_shot(AS_THE_RUN, 5) == (None, None)
    assert few_shot("16", 5) == (16, 5)
    with pytest.raises(BadInput):
        few_shot("-1", 0)


def test_only_finished_runs_of_the_model_are_offered() -> None:
    assert run_choices([], MODEL) == [("Newest finished", NEWEST)]


def test_without_classes_there_is_no_table_and_a_way_to_some(workspace: Workspace) -> None:
    project = workspace.create_project("Bare", "image-classification")
    project.choose_model(MODEL)
    assert 'href="/data"' in AskingDesk(workspace).answer({"image": b"x"}, *choices(project, MODEL))[0]


def test_items_without_classes_lead_to_label(workspace: Workspace, picture_folder: Path) -> None:
    project = workspace.create_project("Bare", "image-classification")
    flat = picture_folder / "cat"
    project.labelling.import_data(str(flat), ImportOptions(keep_labels=False))
    project.choose_model(MODEL)
    said, *_ = AskingDesk(workspace).answer({"image": b"x"}, *choices(project, MODEL))
    assert "There are no classes yet." in said and 'href="/label"' in said
    assert said in AskingDesk(workspace).on_load()


def test_without_a_project_the_page_says_so(workspace: Workspace) -> None:
    message, body, *_ = AskingDesk(workspace).on_load()
    assert "No project is open." in message["value"] and body["visible"] is False


def test_beside_answers_of_the_demo_model_stands_what_it_knows_and_beside_no_others(
    workspace: Workspace, project: OpenProject, tiny_ids: dict[str, str], picture_folder: Path
) -> None:
    demo = workspace.models.first_choice("image-classification")
    if demo is None or not workspace.models.knows(demo):
        pytest.skip("the demo model is not made")
    picture = next(picture_folder.rglob("*.png")).read_bytes()
    for model, told in ((demo, True), (tiny_ids["open_clip-vit"], False)):
        project.choose_model(model)
        workspace.models.load(model)
        answers, _, _ = AskingDesk(workspace).answer({"image": picture}, *choices(project, model))
        assert "Zero-shot" in answers
        assert ("knows small parts and shapes, nothing else" in answers and 'href="/models"' in answers) == told


@pytest.mark.slow
def test_a_loaded_model_answers_an_example_and_zero_shot_follows_the_words(
    tmp_path: Path, picture_folder: Path, shared_models: Callable[[str], Path]
) -> None:
    model = f"open_clip:local-dir:{shared_models('miniclip')}"
    workspace = Workspace(Settings(home=tmp_path / "home", offline=True))
    project = workspace.create_project("Pets", "image-classification")
    project.labelling.import_data(str(picture_folder), ImportOptions(split="train"))
    project.choose_model(model)
    desk = AskingDesk(workspace)
    activity = desk.load(project.id, model)
    while workspace.activities.get(activity).state == "running":
        time.sleep(0.05)
    assert desk.is_loaded(model)
    asked = choices(project, model)
    _, _, subject, before, _, _ = desk.example(pick(example_items(project)[0].id), *asked)
    assert "Zero-shot" in before and "labelled cat" in before and "No finished" in before
    asked[5] = {"rows": [{"name": "cat", "phrase": "a blue square"}, {"name": "dog", "phrase": "a dog"}]}
    assert desk.answer(subject, *asked)[0] != before
    broken, _, _ = desk.answer({"image": b"no picture"}, *asked)
    assert 'role="alert"' in broken
    workspace.close()
