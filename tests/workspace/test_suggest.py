"""What the Label page is told of an item while people label, on a tiny real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.errors import CannotRun, NotFound
from studio.core.types import ImportOptions, ItemFilter
from studio.ui.widgets.label import Desk
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Ten texts without labels, two classes."""
    rows = [f"{noun} {n},{noun},train" for noun in ("cat", "dog") for n in range(5)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    made = workspace.create_project("Few", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions(keep_labels=False))
    return made


def label(project: OpenProject, text: str) -> None:
    items = project.labelling.page(ItemFilter()).items
    project.labelling.label(next(i.id for i in items if i.content["text"] == text), text.split()[0])


def test_zero_shot_answers_before_the_first_label_and_few_shot_says_what_it_waits_for(
    project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    zero_shot, few_shot = project.testing.suggest(1, tiny_ids["bert"]).answers
    assert zero_shot.probabilities and few_shot.probabilities is None and few_shot.why_not


def test_few_shot_learns_from_every_label_as_it_comes(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    seen = []
    for text in ("cat 0", "dog 0", "cat 1", "dog 1"):
        label(project, text)
        seen.append(project.testing.suggest(10, tiny_ids["bert"]).answers[1])
    assert "2 labels" in seen[1].note
    assert "4 labels" in seen[3].note and seen[3].probabilities != seen[1].probabilities
    project.labelling.undo()
    assert "3 labels" in project.testing.suggest(10, tiny_ids["bert"]).answers[1].note


def test_what_cannot_be_suggested_is_refused(project: OpenProject, workspace: Workspace, tiny_ids: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        project.testing.suggest(99, tiny_ids["bert"])
    with pytest.raises(CannotRun):
        workspace.create_project("Pairs", "image-text").testing.suggest(1, tiny_ids["bert"])


def test_the_page_is_told_both_answers_or_that_no_model_is_chosen(
    project: OpenProject, workspace: Workspace, tiny_ids: dict[str, str]
) -> None:
    desk = Desk(workspace)
    asked = {"project": project.id, "item": 1}
    unchosen = desk.suggest(asked)
    assert unchosen["model"] is None and unchosen["answers"] == [] and unchosen["why"]
    project.choose_model(tiny_ids["bert"])
    label(project, "cat 0")
    label(project, "dog 0")
    answer = desk.suggest(asked)
    assert [one["title"] for one in answer["answers"]] == ["Zero-shot", "Few-shot"]
    assert all(one["label"] in ("cat", "dog") and one["probability"] >= 0.5 for one in answer["answers"])
