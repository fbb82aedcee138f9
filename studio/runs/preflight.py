"""Pre-flight: a few real steps on a copy of the model, before a run starts, for its pace, its memory and what fits.

Goes through `fit` itself, so that what is measured is what will run. Nothing that it learns is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from typing import Any

import psutil
import torch

from studio.core.config import TrainConfig
from studio.core.interfaces import FoundationModel, Prior, Snapshot, Task
from studio.core.results.training import Preflight
from studio.core.types import Item, TrainEvent
from studio.learning.finetune import fit
from studio.runs.finish import item_passes

STEPS = 3
"""The first step warms up; the pace is that of the others."""
WARM = 2
"""Items of the steps before, which pay what is paid once: imports, the allocator's first blocks."""
PROBE = 8
"""Items whose memory is measured first, so that the whole batch is tried only where it should fit."""
FORWARD = 1 / 3
"""A forward pass as a share of a step: the backward pass takes about twice its arithmetic."""
ROOM = 0.8
"""Share of the free memory that a batch may take."""


def _risen_mb(device: str, resident: float) -> float:
    if device.startswith("cuda"):
        return (torch.cuda.max_memory_allocated(device) - torch.cuda.memory_allocated(device)) / 2**20
    return _resident_mb() - resident


def _free_mb(device: str) -> float:
    if device.startswith("cuda"):
        return torch.cuda.mem_get_info(device)[0] / 2**20
    return float(psutil.virtual_memory().available) / 2**20


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


@dataclass(frozen=True, slots=True)
class Memory:
    """How a device's memory is read, in MB."""

    risen: Callable[[str, float], float] = _risen_mb
    """(device, what this process held before) → what the probe needed beside the weights: up to CUDA's peak; elsewhere beyond
    what was held."""
    free: Callable[[str], float] = _free_mb


MEMORY = Memory()


@dataclass(frozen=True, slots=True)
class _Few:
    """`core.interfaces.Snapshot`: a few training items, nothing held out."""

    whole: Snapshot
    train: Sequence[Item]
    held_out: Sequence[Item] = ()

    @property
    def hash(self) -> str:
        return self.whole.hash

    def payload(self, item: Item, modality: str) -> Any:
        return self.whole.payload(item, modality)

    def payloads(self, items: Iterable[Item], modality: str) -> list[Any]:
        return self.whole.payloads(items, modality)


def preflight(
    model: FoundationModel,
    task: Task,
    data: Snapshot,
    prior: Prior,
    config: TrainConfig,
    bf16: bool,
    memory: Memory = MEMORY,
    general: int = 0,
    beat: Callable[[], None] = lambda: None,
) -> Preflight:
    """Measure a few steps; `general` items are looked at in the end. `beat` is called after each step, and ends it by what it
    raises.

    Raises what `fit` raises: RunError where one item alone does not fit, ModelError."""
    items = [item for item in data.train if task.trains_on(item)]
    batch = min(config.batch_size, len(items))
    micro = config.micro_batch or batch
    small = min(PROBE, micro)
    device, probe = model.device, _largest(items, task)[:small]
    _events(model, task, data, prior, replace(config, micro_batch=small), bf16, probe[-WARM:], beat, steps=1)  # not counted
    resident = _resident_mb()
    _events(model, task, data, prior, replace(config, micro_batch=small), bf16, probe, beat, steps=2)
    rise = max(1.0, memory.risen(device, resident))
    while micro > 1 and rise * micro / small > ROOM * memory.free(device):
        micro = ceil(micro / 2)
    events = _events(model, task, data, prior, replace(config, micro_batch=micro), bf16, items[:batch], beat)
    steps = [e for e in events if e.kind == "step"]
    pace = min((b.at - a.at for a, b in pairwise(steps)), default=steps[-1].at - events[0].at)
    prefixed = bool(next(e for e in events if e.kind == "start").values.get("prefixes"))
    total, filling = config.total_steps(len(items)), 0.0
    if prefixed and config.views:
        views = min(config.views, ceil(total * batch / len(items)))
        filling = max(0.0, steps[0].at - events[0].at - pace) / batch * len(items) * views
    halved = next((e.values["micro_batch"] for e in reversed(events) if "micro_batch" in e.values), micro)
    passes = item_passes(len(items), len(data.held_out), general, prior.head is not None) if task.classifies else 0
    finishing = passes * FORWARD * pace / batch
    return Preflight(
        device=device,
        step_s=pace,
        fill_s=filling,
        total_s=pace * total + filling + finishing,
        finish_s=finishing,
        memory_mb=max(float(e.values.get("memory_mb", 0.0)) for e in steps),
        micro_batch=0 if halved >= batch else int(halved),
        steps=total,
    )


def _largest(items: Sequence[Item], task: Task) -> list[Item]:
    """The items that need the most memory first: long texts; pictures are all of one size."""
    if "text" not in task.modalities:
        return list(items)
    return sorted(items, key=lambda item: -len(item.key("text")))


def _events(
    model: FoundationModel,
    task: Task,
    data: Snapshot,
    prior: Prior,
    config: TrainConfig,
    bf16: bool,
    items: Sequence[Item],
    beat: Callable[[], None],
    steps: int = STEPS,
) -> list[TrainEvent]:
    copy = model.adapted(config.lora, seed=config.seed)
    try:
        few = replace(config, steps=steps, epochs=0.0, views=min(config.views, 1), batch_size=len(items))
        objective = task.objective(copy, items, prior, few)
        found: list[TrainEvent] = []
        with closing(fit(copy, task, objective, _Few(data, items), few, bf16=bf16)) as events:
            for event in events:
                found.append(event)
                beat()
        return found
    finally:
        copy.close()
