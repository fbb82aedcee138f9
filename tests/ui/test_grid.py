from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import StudioError
from studio.core.types import ImportOptions, ItemFilter
from studio.ui.answers import answering
from studio.ui.widgets.grid import Browser
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

EVERYTHING = {"split": "", "label": "", "labelled": "", "search": "", "after": None}


def browse(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    return answering(Browser(workspace).browse)({**EVERYTHING, **changes})


def test_the_grid_shows_items_and_counts(workspace: Workspace, project: OpenProject) -> None:
    project.labelling.label(1, "cat")
    shown = browse(workspace)
    assert (shown["total"], shown["all"], len(shown["items"]), shown["after"]) == (6, 6, 6, None)
    assert {c["name"]: c["n"] for c in shown["classes"]} == {"cat": 1, "dog": 0}
    assert sum(s["items"] for s in shown["splits"].values()) == 6


def test_filters_and_search_narrow_it(workspace: Workspace, project: OpenProject) -> None:
    project.labelling.label(1, "cat")
    assert browse(workspace, labelled="yes")["total"] == 1
    assert browse(workspace, labelled="no")["total"] == 5
    assert browse(workspace, label="cat")["total"] == 1
    assert browse(workspace, search="DOG1")["total"] == 1
    assert browse(workspace, search="100% _")["total"] == 0


@pytest.mark.parametrize(
    "wrong", [{"split": "all"}, {"split": None}, {"labelled": "may"}, {"search": 7}, {"search": "x" * 501}, {"after": "1"}]
)
def test_unknown_filters_are_refused(workspace: Workspace, project: OpenProject, wrong: dict[str, Any]) -> None:
    assert browse(workspace, **wrong)["ok"] is False


def test_without_a_project_it_says_so(workspace: Workspace) -> None:
    assert browse(workspace) == {"ok": True, "project": None}


def give(workspace: Workspace, project: OpenProject, /, **changes: Any) -> dict[str, Any]:
    return answering(Browser(workspace).label_each)({**EVERYTHING, "project": project.id, "name": "cat", **changes})


def labels(project: OpenProject) -> list[str | None]:
    return [item.label for item in project.labelling.page(ItemFilter()).items]


def test_selected_items_get_one_label_in_one_act_and_undo_takes_it_back(workspace: Workspace, project: OpenProject) -> None:
    project.labelling.label(6, "dog")
    assert give(workspace, project, items=[1, 2, 6])["changed"] == 3
    assert labels(project) == ["cat", "cat", None, None, None, "cat"]
    assert give(workspace, project, items=[1], name=None)["changed"] == 1
    undo = answering(Browser(workspace).undo)
    assert [undo({"project": project.id})["changed"] for _ in range(2)] == [1, 3]
    assert labels(project) == [None] * 5 + ["dog"]


def test_all_that_match_get_the_label_also_beyond_the_page(workspace: Workspace, project: OpenProject) -> None:
    assert give(workspace, project, items=None, search="dog", name="dog")["changed"] == 3
    assert give(workspace, project, items=None, labelled="no")["changed"] == 3
    assert labels(project) == ["cat"] * 3 + ["dog"] * 3


@pytest.mark.parametrize(
    "wrong",
    [{"items": "1"}, {"items": ["1"]}, {"items": [True]}, {"items": [99]}, {"items": [1], "name": "fish"},
     {"items": [1], "name": 7}, {"items": [1], "project": "other"}, {"items": list(range(10_001))},
     {"items": None, "by": "suggested"}],
)  # fmt: skip
def test_a_label_for_nothing_that_is_there_is_refused(workspace: Workspace, project: OpenProject, wrong: dict[str, Any]) -> None:
    assert give(workspace, project, **wrong)["ok"] is False
    assert project.labelling.counts().labelled == 0


def test_a_model_ranks_what_has_no_label(workspace: Workspace, project: OpenProject, tiny_ids: dict[str, str]) -> None:
    assert browse(workspace)["ranks"] is False
    project.choose_model(tiny_ids["open_clip-vit"])
    project.picking.read(tiny_ids["open_clip-vit"])
    asked: dict[str, Any] = {"by": "suggested", "least": 0, "project": project.id}
    unlabelled = {i["id"] for i in browse(workspace, labelled="no", split="train")["items"]}
    found = [browse(workspace, **asked, label=name) for name in ("cat", "dog")]
    assert {i["id"] for one in found for i in one["items"]} == unlabelled
    for one in found:
        scores = [i["score"] for i in one["items"]]
        assert scores == sorted(scores, reverse=True) and one["total"] == len(scores)
        kept = [score for score in scores if score >= 0.52]
        label = "cat" if one is found[0] else "dog"
        assert browse(workspace, **{**asked, "least": 52}, label=label)["total"] == len(kept)
    like = browse(workspace, by="like", like="a photo of a cat", project=project.id)
    assert {i["id"] for i in like["items"]} == unlabelled
    assert browse(workspace, by="like", like=" ", project=project.id)["items"] == []
    most = max(("cat", "dog"), key=lambda name: browse(workspace, **asked, label=name)["total"])
    many = browse(workspace, **asked, label=most)["total"]
    assert give(workspace, project, **asked, label=most, name=most, items=None)["changed"] == many > 0


def test_while_the_model_reads_the_grid_shows_how_far(
    workspace: Workspace, project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    project.choose_model(tiny_ids["open_clip-vit"])
    first = browse(workspace, by="like", like="a cat", project=project.id)
    assert first["items"] == [] and first["activity"]["title"].endswith("reads the items")


@pytest.mark.parametrize(
    "wrong", [{"by": "best"}, {"by": "suggested", "label": "fish", "least": 0}, {"by": "suggested", "label": "cat"}]
)
def test_unknown_rankings_are_refused(
    workspace: Workspace, project: OpenProject, tiny_ids: dict[str, str], wrong: dict[str, Any]
) -> None:
    assert browse(workspace, by="like", like="no model yet", project=project.id)["ok"] is False
    project.choose_model(tiny_ids["open_clip-vit"])
    project.picking.read(tiny_ids["open_clip-vit"])
    assert browse(workspace, **wrong, project=project.id)["ok"] is False


def test_a_model_that_reads_no_texts_finds_nothing_like_one(
    workspace: Workspace, project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    assert project.picking.alike(tiny_ids["open_clip-vit"], "a cat", 3)[1] > 0
    with pytest.raises(StudioError):
        project.picking.alike(tiny_ids["bert"], "a cat", 3)


def test_in_a_multi_label_project_a_class_comes_beside_what_items_have(workspace: Workspace, picture_folder: Path) -> None:
    project = workspace.create_project("Several", "image-multi-label")
    project.labelling.import_data(str(picture_folder), ImportOptions())
    project.labelling.label(1, ())
    browser, ask = Browser(workspace), {**EVERYTHING, "project": project.id}
    assert [item["id"] for item in browse(workspace, labelled="none")["items"]] == [1]
    assert browser.label_each({**ask, "label": "dog", "name": "cat", "items": None})["changed"] == 3
    both = browse(workspace, label="cat")
    assert (both["total"], {item["label"] for item in both["items"]}) == (5, {"cat", "cat | dog"})
    assert {c["name"]: c["n"] for c in both["classes"]} == {"cat": 5, "dog": 3}
    assert browser.undo({"project": project.id})["changed"] == 3


def test_what_somebody_said_since_the_page_was_drawn_is_not_replaced(workspace: Workspace, project: OpenProject) -> None:
    project.labelling.label(1, "cat", "ann")
    browser, ask = Browser(workspace), {**EVERYTHING, "project": project.id, "author": "ben"}
    labelled = answering(browser.label_each)({**ask, "name": "dog", "items": [1, 2], "saw": [None, None]})
    assert (labelled["changed"], labelled["disputed"]) == (2, 1)
    assert [project.labelling.item(n).label for n in (1, 2)] == ["cat", "dog"]
    seen = answering(browser.label_each)({**ask, "name": "dog", "items": [1], "saw": ["cat"]})
    assert (seen["disputed"], project.labelling.item(1).label) == (0, "dog")
    assert answering(browser.label_each)({**ask, "name": "dog", "items": [1, 2], "saw": [None]})["ok"] is False
    mine = {"project": project.id, "author": "ben"}
    assert [answering(browser.undo)(mine)["changed"], answering(browser.redo)(mine)["changed"]] == [1, 1]
