from __future__ import annotations

from typing import Any

import pytest

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
