from __future__ import annotations

import time
from typing import Any

import pytest

from studio.ui.answers import answering
from studio.ui.widgets.models import Shelf
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


def ended(shelf: Shelf) -> dict[str, Any]:
    for _ in range(600):
        activity: dict[str, Any] | None = shelf.shelf({})["activity"]
        if activity is None or activity["state"] != "running":
            break
        time.sleep(0.05)
    assert activity is not None
    return activity


def test_the_catalogue_says_what_each_is_good_for(workspace: Workspace, project: OpenProject) -> None:
    shown = answering(Shelf(workspace).shelf)({})
    assert shown["ok"] and shown["offline"] is True
    assert all(m["good_for"] and m["id"] for m in shown["models"])


@pytest.mark.parametrize("payload", [{"act": "load"}, {"act": "load", "model": 7}, {"act": "load", "model": "nonsense"}])
def test_what_is_no_model_is_refused_with_the_forms(workspace: Workspace, payload: dict[str, Any]) -> None:
    answer = answering(Shelf(workspace).shelf_act)(payload)
    assert answer["ok"] is False and answer["hint"]


def test_an_act_that_is_unknown_is_refused(workspace: Workspace) -> None:
    answer = answering(Shelf(workspace).shelf_act)({"act": "delete", "model": "open_clip:ViT-B-32/openai"})
    assert answer["ok"] is False


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_not_chosen(workspace: Workspace, project: OpenProject) -> None:
    shelf = Shelf(workspace)
    assert answering(shelf.shelf_act)({"act": "use", "model": "hf:nobody/nothing-of-that-name", "project": project.id})["ok"]
    activity = ended(shelf)
    assert activity["state"] == "failed" and activity["hint"]
    assert project.model() is None


@pytest.mark.slow
def test_a_loaded_model_is_used_shown_and_unloaded(workspace: Workspace, project: OpenProject, shared_models: Any) -> None:
    shelf, model = Shelf(workspace), f"open_clip:local-dir:{shared_models('miniclip')}"
    assert answering(shelf.shelf_act)({"act": "use", "model": model, "project": project.id})["ok"]
    assert ended(shelf)["state"] == "done"
    card = next(m for m in shelf.shelf({})["models"] if m["loaded"])
    assert card["used"] and project.model() == card["id"]
    assert answering(shelf.shelf_act)({"act": "unload", "model": model})["ok"]
    assert workspace.models.loaded() == ()
