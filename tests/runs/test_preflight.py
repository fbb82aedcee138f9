"""Pre-flight: what a run will take is measured on the run's own path, and a batch that does not fit is cut before it starts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from studio.core.config import TrainConfig
from studio.core.interfaces import AdaptedModel, Objective, Prior, Snapshot, Task
from studio.core.types import Item
from studio.learning.features import FeatureCache
from studio.learning.zero_shot import StartingPoint
from studio.models import load_model
from studio.runs.execution import Materials, execute
from studio.runs.folder import RunFolder
from studio.runs.preflight import Memory, preflight
from studio.tasks import task
from studio.workspace.open_project import OpenProject
from tests.runs.test_execution import finish

pytestmark = pytest.mark.slow  # it trains

QUICK = {"steps": 6, "batch_size": 4}
OBJECTIVES = 4
"""A run makes: three of pre-flight, then its own."""


def test_a_run_says_what_it_will_take_before_its_first_step(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = pictures.training.start(tiny_ids["open_clip-vit"], settings=QUICK)
    finish(pictures, run)
    found = pictures.training.folder(run).preflight()
    assert found is not None and found.steps == 6 and found.device == "cpu" and found.micro_batch == 0
    assert found.step_s > 0 and found.memory_mb > 0 and found.total_s >= found.step_s * 6
    events, _ = pictures.training.events(run)
    kinds = [e.kind for e in events]
    said = [n for n, e in enumerate(events) if str(e.values.get("message", "")).startswith("Measured:")]
    assert len(said) == 1 and said[0] < kinds.index("step")


def test_what_is_measured_leaves_the_run_as_it_was(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    one, two = (pictures.training.start(tiny_ids["open_clip-vit"], settings=QUICK) for _ in range(2))
    finish(pictures, one)
    finish(pictures, two)
    losses = [[e.values["loss"].hex() for e in pictures.training.events(r)[0] if e.kind == "step"] for r in (one, two)]
    assert losses[0] == losses[1] and len(losses[0]) == 6


@pytest.mark.parametrize(("free", "least", "most"), [(1.0, 1, 7), (1e6, 0, 0)])
def test_a_batch_that_would_not_fit_goes_through_in_parts(
    pictures: OpenProject, tiny_ids: dict[str, str], free: float, least: int, most: int
) -> None:
    folder, data, prior = materials(pictures, tiny_ids["open_clip-vit"], 8)
    memory = Memory(lambda device, resident: 1.0, lambda device: free)
    model = load_model(tiny_ids["open_clip-vit"])
    found = preflight(model, task("image-classification"), data, prior, folder.spec.train, False, memory)
    assert least <= found.micro_batch <= most  # 0: the whole batch
    assert isfinite(found.step_s)


def test_memory_is_probed_on_the_longest_texts_after_what_is_paid_once(messages: OpenProject, tiny_ids: dict[str, str]) -> None:
    folder, data, prior = materials(messages, tiny_ids["open_clip-vit"], 3)
    longest = sorted((len(item.key("text")) for item in data.train), reverse=True)[:3]
    assert len(data.train) > 3
    read: list[list[int]] = []
    probes: list[list[int]] = []

    @dataclass(frozen=True)
    class Noted:
        """The snapshot; notes the lengths of what is read together."""

        train: Sequence[Item] = data.train
        held_out: Sequence[Item] = ()
        hash: str = data.hash

        def payload(self, item: Item, modality: str) -> Any:
            return self.payloads([item], modality)[0]

        def payloads(self, items: Iterable[Item], modality: str) -> list[Any]:
            asked = list(items)
            read.append(sorted((len(item.key("text")) for item in asked), reverse=True))
            return data.payloads(asked, modality)

    def risen(device: str, resident: float) -> float:
        probes.extend(read)
        return 1.0

    model = load_model(tiny_ids["open_clip-vit"])
    prior = replace(prior, head=(torch.eye(2, model.info.dim), torch.zeros(2)))
    preflight(model, task("text-classification"), Noted(), prior, folder.spec.train, False, Memory(risen))
    assert len(probes[0]) == 2  # the warm-up
    assert probes[-1] == longest


@dataclass
class RunsOut:
    """A task whose last objective, the run's own, finds no memory for its first whole batch."""

    whole: Task
    made: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def objective(self, model: AdaptedModel, items: Sequence[Item], prior: Prior, config: TrainConfig) -> Objective:
        self.made += 1
        made = self.whole.objective(model, items, prior, config)
        return Full(made) if self.made == OBJECTIVES else made


@dataclass
class Full:
    whole: Objective
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        self.calls += 1
        if self.calls == 1:
            raise torch.OutOfMemoryError("out of memory")
        return self.whole.loss(model, features, batch)


def test_a_resumed_run_goes_on_in_the_parts_that_fitted(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    folder, data, _ = materials(pictures, tiny_ids["open_clip-vit"], 4)
    again = RunFolder.create(Path(folder.path).parent, folder.spec)
    model, features = load_model(tiny_ids["open_clip-vit"]), FeatureCache(Path(pictures.path, "features"))
    short = RunsOut(task("image-classification"))
    execute(again, lambda spec, progress: Materials(model, short, data, features), lambda: False)
    assert again.state()["status"] == "done" and short.made == OBJECTIVES
    found = again.preflight()
    assert found is not None and found.micro_batch == 2


def materials(
    project: OpenProject, model: str, batch: int, settings: Mapping[str, Any] = QUICK
) -> tuple[RunFolder, Snapshot, StartingPoint]:
    """A finished run's folder, items and class prompts."""
    run = project.training.start(model, settings={**settings, "batch_size": batch})
    finish(project, run)
    folder = project.training.folder(run)
    return folder, project.training.snapshot(folder), StartingPoint(folder.spec.classes, folder.spec.prompts)
