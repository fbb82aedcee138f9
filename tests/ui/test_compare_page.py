from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.core.errors import BadInput
from studio.core.types import ImportOptions
from studio.ui.pages.compare import ComparePage, kind_of
from studio.ui.widgets.model_choice import AS_THE_RUN, NEWEST
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

MODEL = "open_clip:ViT-B-32/laion2b_s34b_b79k"


@pytest.fixture
def comparable(workspace: Workspace, picture_folder: Path) -> OpenProject:
    """An open project of six labelled test pictures, with a model chosen."""
    made = workspace.create_project("Held out", "image-classification")
    made.labelling.import_data(str(picture_folder), ImportOptions(split="test"))
    made.choose_model(MODEL)
    return made


def test_without_a_comparison_the_page_says_how_to_get_one(workspace: Workspace, comparable: OpenProject) -> None:
    *_, result, _, _, button, _ = ComparePage(workspace).on_load()
    assert "press Compare" in result
    assert button["interactive"] is True


@pytest.mark.parametrize(
    ("split", "said", "link"),
    [
        (None, "Nothing has been imported yet.", "/data"),
        ("train", "Import items into the test split.", "/data"),
        ("test", "Label some of the 6 items of the test split.", "/label"),
        ("val", "Label some of the 6 items of the validation split.", "/label"),
    ],
)
def test_what_is_missing_is_said_and_compare_is_not_offered(
    workspace: Workspace, picture_folder: Path, split: Any, said: str, link: str
) -> None:
    project = workspace.create_project("Pets", "image-classification")
    project.choose_model(MODEL)
    if split:
        project.labelling.import_data(str(picture_folder), ImportOptions(split=split, keep_labels=False))
    *_, result, _, _, button, _ = ComparePage(workspace).on_load()
    assert said in result and f'href="{link}"' in result and "press Compare" not in result
    assert button["interactive"] is False
    assert ComparePage(workspace).finished(project.id)[-1]["interactive"] is False


def test_without_a_project_the_page_says_so(workspace: Workspace) -> None:
    choices, *_, result, _, _, _, _ = ComparePage(workspace).on_load()
    assert choices["visible"] is False and "No project is open." in result


def test_a_model_that_is_not_on_the_list_is_refused(workspace: Workspace, project: OpenProject) -> None:
    with pytest.raises(BadInput, match="not on the list"):
        ComparePage(workspace).start(project.id, "hf:/etc", NEWEST, AS_THE_RUN, 0)


def test_a_reload_finds_the_running_comparison_and_does_not_start_a_second(workspace: Workspace, comparable: OpenProject) -> None:
    page, project = ComparePage(workspace), comparable
    running = workspace.activities.start(kind_of(project), "Comparing", lambda progress: time.sleep(1))
    assert page.on_load()[-2]["interactive"] is False
    assert page.start(project.id, MODEL, NEWEST, AS_THE_RUN, 0)[0] == running


def test_a_comparison_that_cannot_be_made_says_why(workspace: Workspace, comparable: OpenProject) -> None:
    page, project = ComparePage(workspace), comparable
    activity, button = page.start(project.id, MODEL, NEWEST, AS_THE_RUN, 0)
    assert button["interactive"] is False
    while workspace.activities.get(activity).state == "running":
        time.sleep(0.02)
    ended = page.activity()
    assert ended is not None and ended.state == "failed" and ended.error
    assert page.finished(project.id)[-1]["interactive"] is True


def test_the_error_rate_that_a_person_accepts_is_kept_and_shown_again(
    workspace: Workspace, tmp_path: Path, tiny_ids: dict[str, str]
) -> None:
    project = workspace.create_project("Animals", "text-classification")
    rows = [
        {"text": f"{n} {noun}", "label": noun, "split": "test" if n == "three" else "train"}
        for n in ("one", "two", "small", "big", "three")
        for noun in ("cat", "dog")
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    project.labelling.import_data(str(tmp_path / "rows.jsonl"), ImportOptions())
    project.testing.compare(tiny_ids["bert"])
    page = ComparePage(workspace)
    report, doubt, curve = page.on_load()[5:8]
    assert "Best method" in report and "How far can the probabilities be believed?" in report
    assert "Do I need more labels?" in curve
    assert 'value="5"' in doubt and " checked" not in doubt

    kept = page.accept(gr.EventData(None, {"rate": 40, "flagged": True}), project.id)
    assert project.testing.accepted_errors() == 0.4
    assert 'value="40"' in kept and " open" in kept
    assert 'value="40"' in page.on_load()[6] and " checked" in page.on_load()[6]
    page.accept(gr.EventData(None, {"rate": 10, "flagged": False}), project.id)
    assert project.testing.accepted_errors() is None
