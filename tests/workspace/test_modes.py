"""What a mode took is read from runs that ended, on a tiny real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.types import ImportOptions
from studio.ui.answers import answering
from studio.ui.widgets.run_status import Monitor
from studio.workspace import Workspace
from studio.workspace.modes import measured
from studio.workspace.open_project import OpenProject

pytestmark = pytest.mark.slow  # it trains


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> OpenProject:
    words = {"cat": "small big red blue", "car": "one two three sky"}
    rows = [f"{word} {label},{label},train" for label, said in words.items() for word in said.split()]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    made = workspace.create_project("Messages", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    return made


def trained(project: OpenProject, model: str, method: str, **settings: object) -> str:
    run = project.training.start(model, method, settings)
    assert project.training.wait(run, 60)
    return run


def test_each_mode_has_the_figures_of_its_newest_run(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    assert measured(project.training, model) == {}
    trained(project, model, "lora", steps=2, mode="fast")
    newest = trained(project, model, "lora", steps=3, mode="fast")
    trained(project, model, "few-shot")
    found = measured(project.training, model)
    run = project.training.run(newest)
    assert set(found) == {"fast"}
    assert (found["fast"].run, found["fast"].steps, found["fast"].accuracy) == (newest, 3, run.accuracy)
    assert run.started and run.ended and found["fast"].seconds == run.ended - run.started
    assert measured(project.training, tiny_ids["distilbert"]) == {}


def test_a_resumed_run_claims_no_time(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    run = project.training.start(model, settings={"steps": 60})
    while project.training.run(run).step < 1:
        project.training.wait(run, 0.01)
    project.training.stop(run)
    assert project.training.wait(run, 60)
    assert project.training.run(run).status == "stopped"
    project.training.resume(run)
    assert project.training.wait(run, 60)
    found = measured(project.training, model)["preset"]
    assert (found.run, found.seconds) == (run, None)


def test_what_was_not_trained_to_its_end_or_only_tried_by_a_search_measures_no_mode(
    project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    model = tiny_ids["bert"]
    early = project.training.start(model, settings={"steps": 100_000})
    while project.training.run(early).step < 1:
        project.training.wait(early, 0.05)
    project.training.stop(early, keep=True)
    tried = project.training.start(model, settings={"steps": 2}, trial=True)
    assert project.training.wait(early, 60) and project.training.wait(tried, 60)
    assert {project.training.run(run).status for run in (early, tried)} == {"done"}
    assert measured(project.training, model) == {}


def test_a_finished_rung_says_which_it_is_and_why(workspace: Workspace, project: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = trained(project, tiny_ids["bert"], "best")
    chosen = project.training.chosen(run)
    assert chosen is not None and chosen[1]
    shown = answering(Monitor(workspace).since)({"run": run})["run"]
    assert (shown["title"], shown["rung"]["reason"]) == ("Let the evidence choose", chosen[1])
    tuned = trained(project, tiny_ids["bert"], "lora", steps=2)
    assert project.training.chosen(tuned) is None
    assert answering(Monitor(workspace).since)({"run": tuned})["run"]["rung"] is None
