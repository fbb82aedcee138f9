from __future__ import annotations

from typing import Any

import pytest

from studio.core.types import ItemFilter
from studio.ui.answers import answering
from studio.ui.widgets.groups import Sorter
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.fixture
def sorter(workspace: Workspace) -> Sorter:
    return Sorter(workspace)


def give(sorter: Sorter, project: OpenProject, /, **changes: Any) -> dict[str, Any]:
    return answering(sorter.give)({"project": project.id, "name": "cat", "items": [1], **changes})


def test_rows_hold_what_has_no_label_and_a_row_gets_one_in_one_act(
    sorter: Sorter, project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    project.choose_model(tiny_ids["open_clip-vit"])
    project.picking.read(tiny_ids["open_clip-vit"])
    project.labelling.label(1, "cat")
    found = answering(sorter.rows)({"project": project.id})
    left = [item.id for item in project.labelling.page(ItemFilter("train", labelled=False)).items]
    assert sorted(item["id"] for row in found["rows"] for item in row["items"]) == left
    row = found["rows"][0]
    assert row["label"] in {"cat", "dog"} and 0 < row["probability"] <= 1
    mine = [item["id"] for item in row["items"] if item["id"] not in row["others"]]
    assert give(sorter, project, items=mine, name=row["label"])["changed"] == len(mine) > 0
    assert {project.labelling.item(i).label for i in mine} == {row["label"]}
    undone = answering(sorter.undo)({"project": project.id})["items"]
    assert sorted(undone) == sorted(mine)


def test_who_is_taken_for_another_class_is_marked(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    project.labelling.label(1, "cat")
    project.labelling.label(4, "dog")
    for group in project.picking.groups(model, 10):
        for item in group.items:
            said = project.testing.suggest(item.id, model)
            answer = next(a for a in reversed(said.answers) if a.probabilities)
            best = said.classes[max(range(2), key=(answer.probabilities or ()).__getitem__)]
            assert (best != group.label) == (item.id in group.others)


def test_without_a_model_or_classes_it_says_so(sorter: Sorter, workspace: Workspace, project: OpenProject) -> None:
    assert "model" in answering(sorter.rows)({})["why"]
    workspace.create_project("Pairs", "image-text")
    assert answering(sorter.rows)({})["why"]


def test_without_a_project_it_says_so(sorter: Sorter) -> None:
    assert answering(sorter.rows)({}) == {"ok": True, "project": None}


def test_where_everything_has_a_label_there_is_no_row(sorter: Sorter, project: OpenProject, tiny_ids: dict[str, str]) -> None:
    project.labelling.label_matching(ItemFilter(), "cat")
    assert project.picking.groups(tiny_ids["open_clip-vit"], 5) == ()


@pytest.mark.parametrize(
    "wrong", [{"items": []}, {"items": [99]}, {"items": [1] * 25}, {"name": "fish"}, {"name": None}, {"project": "x"}]
)
def test_a_row_that_is_none_is_refused(sorter: Sorter, project: OpenProject, wrong: dict[str, Any]) -> None:
    assert give(sorter, project, **wrong)["ok"] is False
    assert project.labelling.counts().labelled == 0
