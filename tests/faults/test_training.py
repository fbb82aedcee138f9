"""A run survives kills to the last bit, stops when it is told to, and goes on in smaller parts where memory runs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from studio.core.config import TrainConfig
from studio.core.interfaces import AdaptedModel, Objective, Prior, Task
from studio.core.types import Item, TrainEvent
from studio.learning.features import FeatureCache
from studio.models import load_model
from studio.runs.execution import Materials, execute
from studio.runs.folder import RunFolder
from studio.tasks import task
from studio.workspace.open_project import OpenProject
from tests.faults.lives import needs_kill, repeats
from tests.faults.served_runs import kills_of_the_server
from tests.faults.training import cancels, kills_in_trainings
from tests.runs.conftest import pictures, workspace
from tests.runs.test_execution import QUICK, losses
from tests.runs.test_preflight import materials

__all__ = ["pictures", "workspace"]
STEPS, FAILS = 8, (4, 6)
"""Memory runs out at these steps of the run, counted from 1."""


@needs_kill
@pytest.mark.slow
def test_a_run_that_is_killed_anywhere_is_offered_for_resume_and_ends_as_if_it_never_was(tmp_path: Path) -> None:
    kills = repeats(2, 30)
    found = kills_in_trainings(tmp_path, kills)
    assert (found.pop("kills"), found.pop("in_a_save")) == (kills, min(8, (kills + 1) // 2))
    assert found == dict.fromkeys(found, 0)


@needs_kill
@pytest.mark.slow
def test_every_tab_is_told_the_truth_of_a_run_whose_server_is_killed_and_started_again(tmp_path: Path) -> None:
    kills = repeats(1, 20)
    found = kills_of_the_server(tmp_path, kills)
    assert found.pop("kills") == kills
    assert found == dict.fromkeys(found, 0)


@needs_kill
@pytest.mark.slow
def test_a_cancelled_run_stops_within_five_seconds_and_leaves_nothing_running(tmp_path: Path) -> None:
    found = cancels(tmp_path, repeats(5, 100))
    wrong = ("over_5_s", "not_stopped", "zombies", "processes_left", "threads_more", "stuck")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)


class StopsWhileMeasured(RunFolder):
    """Somebody cancels it at the first step of the measurement."""

    def append(self, event: TrainEvent) -> None:
        super().append(event)
        if event.values.get("message") == "Measuring a few steps":
            self.ask_to_stop(False)


class StopsAtTheEnd(RunFolder):
    """Somebody cancels it after its last step, while it is finished."""

    def publish_checkpoint(self, write: Mapping[str, bytes], step: int) -> None:
        super().publish_checkpoint(write, step)
        if step == self.spec.train.steps:
            self.ask_to_stop(False)


@pytest.mark.slow
def test_a_run_is_cancelled_also_while_it_is_measured_and_while_it_is_finished(
    pictures: OpenProject, tiny_ids: dict[str, str]
) -> None:
    """Both take minutes with a large model."""
    first, data, _ = materials(pictures, tiny_ids["open_clip-vit"], 4)
    model, features = load_model(tiny_ids["open_clip-vit"]), FeatureCache(Path(pictures.path, "features"))
    for kind in (StopsWhileMeasured, StopsAtTheEnd):
        watched = Short(task("image-classification"), fails=())
        run = kind.create(Path(first.path).parent, first.spec)
        data.save(run.path)
        execute(run, lambda spec, progress, w=watched: Materials(model, w, data, features), lambda: False)  # type: ignore[misc]
        assert (run.snapshot().status, run.snapshot().resumable, run.snapshot().has_adapter) == ("stopped", True, False)
        steps = sum(len(objective.batches) for objective in watched.made)
        assert steps <= (1 if kind is StopsWhileMeasured else 6 + STEPS)
        pictures.training.resume(run.id)
        assert pictures.training.wait(run.id, 60)
        assert pictures.training.run(run.id).status == "done"


@dataclass
class Short:
    """The task, whose memory runs out at some steps of whatever is trained with a batch that is whole."""

    whole: Task
    fails: tuple[int, ...] = FAILS
    made: list[Watched] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def objective(self, model: AdaptedModel, items: Sequence[Item], prior: Prior, config: TrainConfig) -> Objective:
        self.made.append(Watched(self.whole.objective(model, items, prior, config), self.fails))
        return self.made[-1]


@dataclass
class Watched:
    whole: Objective
    fails: tuple[int, ...]
    batches: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        step = 1 + len(self.batches)
        if step in self.fails and step not in self.failed:
            self.failed.append(step)
            raise torch.OutOfMemoryError("out of memory")
        self.batches.append(len(batch))
        return self.whole.loss(model, features, batch)


@pytest.mark.slow
def test_where_memory_runs_out_at_a_step_parts_halve_the_batch_stays_and_the_log_says_so(
    pictures: OpenProject, tiny_ids: dict[str, str]
) -> None:
    settings = {**QUICK, "dropout": 0.0, "steps": STEPS}
    folder, data, _ = materials(pictures, tiny_ids["open_clip-vit"], 4, settings)
    again, short = RunFolder.create(Path(folder.path).parent, folder.spec), Short(task("image-classification"))
    model, features = load_model(tiny_ids["open_clip-vit"]), FeatureCache(Path(pictures.path, "features"))
    execute(again, lambda spec, progress: Materials(model, short, data, features), lambda: False)
    assert again.state()["status"] == "done"
    run = short.made[-1]
    assert run.failed == list(FAILS) and run.batches == [4] * STEPS
    said = [(e.step, e.values["message"]) for e in again.events()[0] if "micro_batch" in e.values]
    words = "Out of memory: going on with {} items at a time; the batch stays the same."
    assert said == [(FAILS[0], words.format(2)), (FAILS[1], words.format(1))]
    measured = again.preflight()
    assert measured is not None and measured.micro_batch == 1
    one, other = losses(pictures, folder.id), losses(pictures, again.id)
    assert len(one) == len(other) == STEPS
    for step, loss in one.items():
        assert float.fromhex(other[step]) == pytest.approx(float.fromhex(loss), abs=1e-4)
