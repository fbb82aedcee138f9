"""Multi-label projects learn, answer and are compared: on tiny real models, from the import to the shared adapter."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from studio.cli import main
from studio.core.errors import CannotRun
from studio.core.types import NONE_OF_THESE, ImportOptions, ItemFilter, classes_in
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from studio.workspace.shared_model import SharedModel

pytestmark = pytest.mark.slow  # it trains

WORDS = {"cat": "cat", "house": "house", "red": "red"}
SETS = ("cat", "house", "red", "cat | house", "cat | red", "house | red", "cat | house | red", NONE_OF_THESE)


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Texts that say what they are: five of each set to learn from, two to judge by."""
    rows = ["text,label,split"]
    for said in SETS:
        words = " ".join(classes_in(said)) or "sky"
        for n in range(7):
            filler = ("one", "two", "three", "big", "small", "the", "a")[n]
            rows.append(f"{filler} {words} {filler},{said},{'train' if n < 5 else 'test'}")
    (tmp_path / "rows.csv").write_text("\n".join(rows), "utf-8")
    made = workspace.create_project("Several", "text-multi-label")
    report = made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    assert report.added == 56 and not report.rejected
    return made


def trained(project: OpenProject, model: str, method: str, **settings: object) -> str:
    run = project.training.start(model, method, settings)
    while not project.training.wait(run, 5):
        pass
    found = project.training.run(run)
    assert found.status == "done", found.error
    return run


def test_the_whole_ladder_is_compared_on_sets(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    run = trained(project, model, "lora", steps=30, lr=5e-3)
    found = project.testing.compare(model, run)
    assert found.several and found.classes == ("cat", "house", "red")
    answered = {score.method: score for score in found.scores if score.why_not is None}
    assert set(answered) == {"zero_shot", "linear", "instant", "lora"}
    for score in answered.values():
        assert score.n == 16 and score.accuracy is not None and score.macro_f1 is not None
        assert score.mean_average_precision is not None and not score.confusion
        assert [row.support for row in score.per_class] == [8, 8, 8]
    assert (answered["linear"].accuracy or 0) > (answered["zero_shot"].accuracy or 0)
    assert found.best is not None and found.best.rung in answered
    assert found.calibration is not None and found.risk
    assert found.curve is not None and len(found.curve.measured) > 1 and found.curve.advice
    assert project.testing.last_comparison() == found


def test_an_answer_is_every_class_that_is_likelier_than_not(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    trained(project, model, "lora", steps=30, lr=5e-3)
    (table,) = project.testing.predict([{"text": "two cat red two"}], model)
    assert table.several
    few_shot = table.said(table.answers[1])
    assert few_shot is not None and few_shot.labels == ("cat", "red")
    assert all(answer.probabilities is not None for answer in table.answers)
    suggested = project.testing.suggest(1, model)
    assert suggested.several and suggested.said(suggested.answers[1]) is not None


def test_what_comes_next_and_what_looks_alike_is_found(
    project: OpenProject, workspace: Workspace, tiny_ids: dict[str, str]
) -> None:
    model = tiny_ids["bert"]
    project.labelling.label_each({item.id: None for item in project.labelling.page(_training()).items[:6]})
    assert len(project.picking.pick(model, "pick", 4)) == 4
    assert len(project.picking.pick(model, "unsure", 4)) == 4
    hits, _ = project.picking.suggested(model, "cat", 0.5, 60)
    assert hits and all(hit.score >= 0.5 and "cat" not in hit.item.labels for hit in hits)


def test_a_group_is_taken_for_a_set_of_classes(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    items = project.labelling.page(_training(), limit=100).items
    left = [item.id for item in items if item.label == "cat | red"][:3]
    project.labelling.label_each(dict.fromkeys(left))
    model = tiny_ids["bert"]
    (group,) = project.picking.groups(model, 3)
    assert group.label == "cat | red" and len(group.items) - len(group.others) >= 2


def test_who_goes_class_by_class_sees_labelled_items_again(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    item = next(item for item in project.labelling.page(_training(), limit=100).items if item.label == "cat | house | red")
    project.labelling.label(item.id, ("cat", "house"))
    hits, _ = project.picking.suggested(tiny_ids["bert"], "red", 0.5, 60)
    assert item.id in {hit.item.id for hit in hits}


def test_with_a_single_class_zero_shot_says_what_it_lacks(workspace: Workspace, tmp_path: Path, tiny_ids: dict[str, str]) -> None:
    (tmp_path / "one.csv").write_text("text,label,split\na cat,cat,train\nthe sky,none of these,train\n", "utf-8")
    project = workspace.create_project("One", "text-multi-label")
    project.labelling.import_data(str(tmp_path / "one.csv"), ImportOptions())
    zero_shot = project.testing.suggest(1, tiny_ids["bert"]).answers[0]
    assert zero_shot.probabilities is None and "second" in str(zero_shot.why_not)


def test_a_class_that_was_forgotten_is_found_and_given_by_a_key(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    wrong = next(item for item in project.labelling.page(ItemFilter("train")).items if item.label == "cat | house | red")
    project.labelling.label(wrong.id, ("cat", "house"))
    found = project.auditing.audit(tiny_ids["bert"])
    assert not found.why_no_doubts
    doubt = next(one for one in found.doubts if one.item.id == wrong.id)
    assert doubt.suggested == "cat | house | red"
    project.auditing.settle(doubt.key, "change")
    assert project.labelling.item(wrong.id).label == "cat | house | red"


def test_a_rung_of_one_class_is_refused_with_the_reason(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    with pytest.raises(CannotRun, match="several"):
        project.training.start(tiny_ids["bert"], "tip", {})


def test_a_set_says_enough_to_learn_from_where_one_item_has_a_class_and_another_has_not(
    workspace: Workspace, tmp_path: Path, tiny_ids: dict[str, str]
) -> None:
    (tmp_path / "few.csv").write_text("text,label,split\na cat,cat,train\na big cat,cat,train\nthe sky,,train\n", "utf-8")
    project = workspace.create_project("Few", "text-multi-label")
    project.labelling.import_data(str(tmp_path / "few.csv"), ImportOptions())
    why = project.training.plan(tiny_ids["bert"]).why_not
    assert why and "Every labelled item" in why
    project.labelling.none_of_these(3)
    assert project.training.plan(tiny_ids["bert"]).why_not is None


def test_as_many_labels_a_class_as_asked_for(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    plan = project.training.plan(tiny_ids["bert"], "linear", {"shots": 4})
    assert all(n >= 4 for n in plan.per_class.values())
    assert plan.train_items < 40


def test_a_shared_adapter_answers_with_sets(project: OpenProject, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    run = trained(project, tiny_ids["bert"], "lora", steps=20, lr=5e-3)
    packed = project.sharing.model(tmp_path, run)
    with ZipFile(packed) as archive:
        archive.extractall(tmp_path / "out")
    (folder,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    (said,) = SharedModel.load(folder, tiny_ids["bert"]).predict(["one cat one"])
    assert said.several and set(said.labels) <= {"cat", "house", "red"}


def test_commands_say_what_is_measured(
    project: OpenProject, tiny_ids: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", project.path, "--model", tiny_ids["bert"]]) == 0
    said = capsys.readouterr().out
    assert "exact match" in said and "mAP" in said


def _training() -> ItemFilter:

    return ItemFilter("train")
