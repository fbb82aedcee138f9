"""AutoML on tiny real models: trials are ordinary runs, nothing that was tried is lost, the budget is the trials' own time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.core.errors import BadInput, CannotRun
from studio.core.results.training import AutoState, TrialRow
from studio.core.types import ImportOptions, ItemFilter
from studio.learning.search import HALVINGS
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.auto import COMPARING, TOO_FEW
from studio.workspace.open_project import OpenProject
from studio.workspace.trials import TrialRuns

pytestmark = pytest.mark.slow  # it trains

ROOT = Path(__file__).resolve().parents[2]
NOUNS = {"cat": ("cat", "dog"), "car": ("car", "house")}
ADJECTIVES = "small big red blue one two three sky tree photo".split()
SHORT, LONG = 0.02, 5.0
"""Minutes: the first trial outlasts the one, no test waits for the end of the other."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", device="cpu", offline=True)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    opened = Workspace(settings)
    yield opened
    opened.close()


def project_of(workspace: Workspace, folder: Path, labels: int) -> OpenProject:
    """Messages of two classes, `labels` of each to learn from, and two to test with."""
    rows = ["text,label,split"]
    for label, nouns in NOUNS.items():
        said = [f"{adjective} {noun}" for noun in nouns for adjective in ADJECTIVES]
        rows += [f"the {text},{label},train" for text in said[:labels]]
        rows += [f"a {text},{label},test" for text in said[:2]]
    (folder / "rows.csv").write_text("\n".join(rows))
    project = workspace.create_project("Messages", "text-classification")
    project.labelling.import_data(str(folder / "rows.csv"), ImportOptions())
    return project


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> OpenProject:
    return project_of(workspace, tmp_path, 18)


def seen(project: OpenProject, what: Callable[[AutoState], bool], seconds: float = 60) -> AutoState:
    """The search, once `what` is true of it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = project.auto.state()
        if found is not None and what(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"it never came to that: {project.auto.state()}")


def steps_done(project: OpenProject, number: int) -> Callable[[AutoState], bool]:
    """Whether trial `number` has done a step."""

    def look(found: AutoState) -> bool:
        return len(found.trials) > number and project.training.run(str(found.trials[number].run)).step > 0

    return look


def finished(project: OpenProject) -> AutoState:
    assert project.auto.wait(60)
    found = project.auto.state()
    assert found is not None
    return found


def test_trials_are_ordinary_runs_that_begin_with_the_preset(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    project.auto.start(model, LONG)
    seen(project, lambda found: len(found.trials) > 1)
    project.auto.stop()
    found = finished(project)
    assert found.status == "stopped"
    runs = {run.id: run for run in project.training.runs()}
    assert [row.run for row in found.trials] == sorted(runs, key=lambda name: int(name.split("-")[1]))
    preset = project.training.plan(model).config
    assert found.trials[0].settings["lr"] == preset.lr and found.trials[0].settings["steps"] == preset.steps
    for row in found.trials:
        run = runs[str(row.run)]
        assert run.method == "lora" and run.command
        assert run.config["lr"] == row.settings["lr"] and run.config["lora"]["layers"] == row.settings["layers"]
    first, run = found.trials[0], runs[str(found.trials[0].run)]
    assert (first.state, run.status, run.has_adapter, first.loss) == ("done", "done", True, run.nll)
    assert set(first.looks) == {"0", "1"}


def test_a_stopped_search_goes_on_with_the_trial_that_was_cut_off(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    project.auto.start(tiny_ids["bert"], LONG)
    seen(project, steps_done(project, 0))
    project.auto.stop()
    stopped = finished(project)
    cut = stopped.trials[0]
    assert (stopped.status, len(stopped.trials), cut.state) == ("stopped", 1, "running")
    assert cut.seconds > 0
    assert project.training.run(str(cut.run)).status == "stopped"
    project.auto.resume()
    found = seen(project, lambda state: len(state.trials) > 1)
    assert (found.trials[0].run, found.trials[0].state) == (cut.run, "done")
    assert found.trials[0].seconds > cut.seconds
    assert any("Going on from step" in str(event.values.get("message")) for event in project.training.events(str(cut.run))[0])


def test_closing_leaves_a_search_that_can_be_resumed(
    project: OpenProject, settings: Settings, workspace: Workspace, tiny_ids: dict[str, str]
) -> None:
    project.auto.start(tiny_ids["bert"], LONG)
    cut = seen(project, steps_done(project, 0)).trials[0]
    workspace.close()
    again = Workspace(settings)
    reopened = again.open_project(project.id)
    found = reopened.auto.state()
    assert found is not None and (found.status, found.trials[0].run) == ("interrupted", cut.run)
    reopened.auto.resume()
    assert seen(reopened, lambda state: state.trials[0].state == "done").trials[0].run == cut.run
    again.close()


def test_a_search_that_the_closing_queue_cuts_off_is_not_done(
    project: OpenProject, workspace: Workspace, tiny_ids: dict[str, str]
) -> None:
    project.auto.start(tiny_ids["bert"], LONG)
    seen(project, steps_done(project, 0))
    workspace._queue.close()
    found = finished(project)
    assert (found.status, found.best, found.trials[0].state) == ("interrupted", None, "running")


@pytest.mark.parametrize("steps", [20, 90, 150, 301])
def test_the_first_look_is_just_after_the_first_mark(project: OpenProject, tiny_ids: dict[str, str], steps: int) -> None:
    runs = TrialRuns(project.training, lambda: False, lambda row: None)
    run = str(runs.begin(tiny_ids["bert"], 0, TrialRow(1, {"steps": steps}, None, 0.0, "queued")).run)
    project.training.stop(run)
    every = project.training.run(run).config["evaluate_every"]
    assert HALVINGS[0] * steps <= every < HALVINGS[0] * steps + 1


def test_a_search_whose_process_died_is_interrupted_and_resumes(
    project: OpenProject, settings: Settings, tiny_ids: dict[str, str]
) -> None:
    environment = {**os.environ, "STUDIO_HOME": str(settings.home), "STUDIO_OFFLINE": "1", "STUDIO_DEVICE": "cpu"}
    command = [sys.executable, "-m", "studio", "auto", project.path, "--model", tiny_ids["bert"], "--minutes", str(LONG)]
    other = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        alive = seen(project, steps_done(project, 0))
        assert alive.status == "running"
        with pytest.raises(CannotRun, match="at work already"):
            project.auto.start(tiny_ids["bert"], LONG)
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    found = seen(project, lambda state: state.status == "interrupted")
    project.auto.resume()
    went_on = seen(project, lambda state: state.trials[0].state == "done")
    assert went_on.trials[0].run == found.trials[0].run
    assert len(went_on.trials[: len(found.trials)]) == len(found.trials)


def _heeds_interrupts() -> None:
    """What a shell starts in the background ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_from_the_keyboard_stops_the_search_in_order(
    settings: Settings, project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    environment = {**os.environ, "STUDIO_HOME": str(settings.home), "STUDIO_OFFLINE": "1", "STUDIO_DEVICE": "cpu"}
    command = [
        sys.executable,
        "-m",
        "studio",
        "auto",
        project.path,
        "--model",
        tiny_ids["bert"],
        "--minutes",
        str(LONG),
        "--json",
    ]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=_heeds_interrupts
    ) as other:
        try:
            seen(project, steps_done(project, 0))
            other.send_signal(signal.SIGINT)
            said, _ = other.communicate(timeout=60)
        finally:
            other.kill()
    assert (json.loads(said)["status"], other.returncode) == ("stopped", 1), said


def test_below_16_labels_a_class_only_the_rungs_are_compared(
    workspace: Workspace, tmp_path: Path, tiny_ids: dict[str, str]
) -> None:
    few = project_of(workspace, tmp_path, 15)
    assert few.auto.only_rungs() == TOO_FEW
    few.auto.start(tiny_ids["bert"], LONG)
    found = finished(few)
    assert (found.status, found.trials, found.note, found.best_run) == ("done", (), TOO_FEW, None)
    assert found.best is not None and found.best.rung != "lora" and found.best.reason
    assert few.training.runs() == ()


def test_from_16_labels_a_class_settings_are_searched(workspace: Workspace, tmp_path: Path) -> None:
    assert project_of(workspace, tmp_path, 16).auto.only_rungs() is None


def test_a_class_without_labels_does_not_end_the_search_for_settings(workspace: Workspace, tmp_path: Path) -> None:
    unused = project_of(workspace, tmp_path, 16)
    unused.labelling.add_class("bird")
    assert unused.auto.only_rungs() is None


def test_a_trial_that_outlasts_the_budget_counts_as_far_as_it_came(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    project.auto.start(tiny_ids["bert"], SHORT)
    found = finished(project)
    assert [row.state for row in found.trials] == ["done"]
    run = project.training.run(str(found.trials[0].run))
    assert 0 < run.step < run.total
    assert found.trials[0].steps == run.step
    assert (found.status, found.best_run) == ("done", run.id)
    assert found.best is not None and found.best.run in (None, run.id)


def test_waiting_in_the_queue_is_not_charged_to_a_trial(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    first = project.training.start(model, settings={"steps": 100_000})
    project.auto.start(model, SHORT)
    seen(project, lambda found: len(found.trials) == 1)
    time.sleep(60 * SHORT + 0.5)
    waiting = project.auto.state()
    assert waiting is not None and (waiting.trials[0].state, waiting.trials[0].seconds) == ("queued", 0.0)
    project.training.stop(first)
    found = finished(project)
    assert found.trials[0].state == "done"
    assert project.training.run(str(found.trials[0].run)).step > 0


def test_a_failing_trial_does_not_end_the_search(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    other = project.training.start(model, settings={"steps": 100_000})
    project.auto.start(model, LONG)
    first = seen(project, lambda found: len(found.trials) == 1).trials[0]
    # what the waiting run would learn from is gone before its turn
    Path(project.path, "runs", str(first.run), "snapshot.arrow").write_bytes(b"")
    project.training.stop(other)
    found = seen(project, lambda state: len(state.trials) > 1 and state.trials[1].state == "done")
    assert [row.state for row in found.trials[:2]] == ["failed", "done"]
    assert found.trials[0].loss is None


def test_a_trial_that_a_person_stops_is_left_and_the_next_begins(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    project.auto.start(tiny_ids["bert"], LONG)
    first = seen(project, steps_done(project, 0)).trials[0]
    project.training.stop(str(first.run))
    found = seen(project, lambda state: len(state.trials) > 1)
    assert (found.status, found.trials[0].state) == ("running", "pruned")


def test_the_test_split_is_never_read(workspace: Workspace, tmp_path: Path, tiny_ids: dict[str, str]) -> None:
    for split, count in (("train", 17), ("test", 3)):
        for name, colour in {"red": (220, 30, 30), "blue": (30, 30, 220)}.items():
            folder = tmp_path / "source" / split / name
            folder.mkdir(parents=True)
            for n in range(count):
                Image.new("RGB", (40 if split == "train" else 44, 40 + n), colour).save(folder / f"{split}-{n}.png")
    project = workspace.create_project("Colours", "image-classification")
    project.labelling.import_data(str(tmp_path / "source"), ImportOptions())
    held = [item.key("image") for item in project.labelling.page(ItemFilter(split="test")).items]
    gone = [path for path in Path(project.path).rglob("*") if path.is_file() and any(path.name.startswith(h) for h in held)]
    assert len(gone) >= len(held) == 6
    for path in gone:
        path.unlink()
    project.auto.start(tiny_ids["open_clip-vit"], SHORT)
    found = finished(project)
    assert (found.status, found.note) == ("done", "")
    assert found.best is not None


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), 1e9])
def test_a_budget_that_makes_no_sense_is_refused(project: OpenProject, tiny_ids: dict[str, str], minutes: float) -> None:
    with pytest.raises(BadInput, match="minutes"):
        project.auto.start(tiny_ids["bert"], minutes)
    assert project.auto.state() is None


def test_pairs_have_nothing_to_choose_between(workspace: Workspace, tiny_ids: dict[str, str]) -> None:
    pairs = workspace.create_project("Pairs", "image-text")
    with pytest.raises(CannotRun, match="pairs have none"):
        pairs.auto.start(tiny_ids["open_clip-vit"], 1)


def test_a_search_stored_by_another_version_is_none(project: OpenProject) -> None:
    project._project.store.set_meta("auto", {"model": 3})
    assert project.auto.state() is None


def test_the_command_says_what_was_asked(project: OpenProject) -> None:
    said = project.auto.command("hf:org/a model", 10, 3)
    assert said.endswith("--model 'hf:org/a model' --minutes 10 --seed 3")


def test_what_is_compared_last_is_said(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    project.auto.start(tiny_ids["bert"], SHORT)
    notes: list[Any] = []
    while not project.auto.wait(0.01):
        state = project.auto.state()
        notes.append(state.note if state else None)
    assert COMPARING in notes
