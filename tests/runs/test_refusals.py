"""A rung that cannot learn: refused before it is queued where that can be told, else failed for good."""

from __future__ import annotations

import pytest

from studio.core.errors import CannotRun, RunError
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.mark.parametrize("loaded", [False, True])
def test_a_rung_for_pictures_is_refused_on_a_text_model_before_a_run_is_made(
    workspace: Workspace, messages: OpenProject, tiny_ids: dict[str, str], loaded: bool
) -> None:
    if loaded:
        workspace.models.load(tiny_ids["bert"])
    why = messages.training.plan(tiny_ids["bert"], "prolip").why_not
    assert why and "last projection of a picture tower" in why
    with pytest.raises(CannotRun, match="last projection of a picture tower"):
        messages.training.start(tiny_ids["bert"], "prolip")
    assert messages.training.runs() == ()
    assert messages.training.plan(tiny_ids["bert"], "linear").why_not is None


def test_a_rung_that_wants_more_labels_says_so_before_a_run_is_made(messages: OpenProject, tiny_ids: dict[str, str]) -> None:
    assert messages.training.plan(tiny_ids["bert"], "gda", {"shots": 2}).why_not is None
    why = messages.training.plan(tiny_ids["bert"], "gda", {"shots": 1}).why_not
    assert why and "label a second item" in why


def test_what_a_loaded_model_lacks_is_known(workspace: Workspace, pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    assert pictures.training.plan(tiny_ids["open_clip-vit"], "prolip").why_not is None
    assert pictures.training.plan(tiny_ids["siglip"], "prolip").why_not is None  # not known before it is loaded
    workspace.models.load(tiny_ids["siglip"])
    assert pictures.training.plan(tiny_ids["siglip"], "prolip").why_not


def test_a_run_that_its_method_cannot_do_is_not_resumable(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = pictures.training.start(tiny_ids["siglip"], "prolip")
    assert pictures.training.wait(run, 60)
    found = pictures.training.run(run)
    assert (found.status, found.resumable) == ("failed", False)
    with pytest.raises(RunError, match="cannot be resumed"):
        pictures.training.resume(run)
