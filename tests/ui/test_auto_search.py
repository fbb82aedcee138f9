"""What the search's board is told, on a stored search; nothing is trained here."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from studio.core.results.comparison import Best
from studio.core.results.training import AutoState, TrialRow
from studio.ui.answers import answering
from studio.ui.pages.train import TrainPage
from studio.ui.widgets.auto_search import SearchBoard
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

HOSTILE = "<img src=x onerror=alert(1)>"
MODEL = "open_clip:ViT-B-32/laion2b_s34b_b79k"
DONE = TrialRow(0, {"lr": 2e-4, "layers": HOSTILE}, 0.7, 30.0, "done", "run-1", {"0": 1.0})
CUT = TrialRow(1, {"lr": 1e-3, "layers": "all"}, None, 12.0, "running", "run-2")
STOPPED = AutoState(MODEL, 10.0, 3, "stopped", 1.0, (DONE, CUT))


@pytest.fixture
def stored(project: OpenProject) -> Any:
    """Store a search as a process that is gone left it."""

    def store(state: AutoState) -> None:
        project._project.store.set_meta("auto", asdict(state))

    return store


def look(workspace: Workspace, **payload: Any) -> Any:
    answer = answering(SearchBoard(workspace).look)(payload)
    json.dumps(answer, allow_nan=False)
    return answer


def test_without_a_project_or_a_search_there_is_nothing(workspace: Workspace) -> None:
    assert look(workspace) == {"ok": True, "project": None, "search": None}
    made = workspace.create_project("Empty", "image-classification")
    assert look(workspace) == {"ok": True, "project": made.id, "search": None}


def test_a_search_says_its_trial_and_the_time_that_is_left(workspace: Workspace, stored: Any) -> None:
    stored(STOPPED)
    search = look(workspace)["search"]
    assert (search["status"], search["used_s"], search["left_s"]) == ("stopped", 42.0, 558.0)
    assert search["trial"] == {"number": 1, "run": "run-2"}
    assert search["best"] is None


def test_trials_come_escaped_with_their_runs_and_only_when_they_changed(workspace: Workspace, stored: Any) -> None:
    stored(STOPPED)
    answer = look(workspace)
    assert HOSTILE not in answer["trials"]
    assert 'data-run="run-1"' in answer["trials"] and 'data-run="run-2"' in answer["trials"]
    assert "cut off" in answer["trials"] and "at work" not in answer["trials"]
    stored(replace(STOPPED, trials=(DONE, replace(CUT, seconds=13.0))))
    assert "trials" not in look(workspace, digest=answer["digest"])
    stored(replace(STOPPED, trials=(DONE, replace(CUT, state="failed"))))
    assert "trials" in look(workspace, digest=answer["digest"])


def test_a_search_whose_process_is_gone_is_interrupted(workspace: Workspace, stored: Any) -> None:
    stored(replace(STOPPED, status="running", process={"pid": 2**22 + 1, "started": 1.0, "boot": 0.0}))
    assert look(workspace)["search"]["status"] == "interrupted"


def test_the_best_is_said_in_words(workspace: Workspace, stored: Any) -> None:
    stored(replace(STOPPED, status="done", best=Best("prolip", "Projection (ProLIP)", "It wins.")))
    assert look(workspace)["search"]["best"] == {"title": "Projection (ProLIP)", "reason": "It wins.", "run": None}


def test_a_found_rung_fills_the_form(workspace: Workspace, project: OpenProject, stored: Any) -> None:
    stored(replace(STOPPED, status="done", best=Best("zero_shot", "Zero-shot", "Nothing beats it.")))
    model, method, single, _, seed, *_ = TrainPage(workspace).use_found(project.id)
    assert (model["value"], method["value"], single, seed) == (MODEL, "zero-shot", "zero-shot", 3)


@pytest.mark.parametrize("act", ["stop", "resume", "start", None])
def test_what_cannot_be_done_is_refused(workspace: Workspace, project: OpenProject, act: Any) -> None:
    answer = answering(SearchBoard(workspace).steer)({"project": project.id, "act": act})
    assert answer["ok"] is False and answer["hint"]


def test_a_page_of_another_project_cannot_steer(workspace: Workspace, stored: Any) -> None:
    stored(STOPPED)
    answer = answering(SearchBoard(workspace).steer)({"project": "other", "act": "resume"})
    assert answer["ok"] is False and "another project" in answer["error"]
