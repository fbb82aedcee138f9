"""The one training loop. A generator: iterate it to train, stop iterating to cancel; its `finally` still saves.

Owns optimisation, precision, determinism and held-out looks; refuses to read files, to choose items and to look at the
test split. Every random draw is a function of (seed, step), so a resumed run repeats an uninterrupted one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch

from studio.core.config import TrainConfig
from studio.core.errors import CannotRun
from studio.core.interfaces import AdaptedModel, Objective, Snapshot, Task
from studio.core.types import Item, TrainEvent
from studio.learning.checkpoint import Checkpoint
from studio.learning.loop import Loop
from studio.learning.readings import Readings
from studio.learning.rows import Rows
from studio.learning.sources import Shelf, Sources

LOOKS = 5
"""Looks at the validation items in a run, beside the first one."""
CHECKPOINT_EVERY_S = 30.0
"""A slow run loses no more than this to a kill, however far apart its checkpoints are set."""


def fit(
    model: AdaptedModel,
    task: Task,
    objective: Objective,
    data: Snapshot,
    config: TrainConfig,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] | None = None,
    bf16: bool = False,
    scratch: Path | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Generator[TrainEvent, None, None]:
    """Train `model` and `objective.module` in place on `data.train`; yields one event a step and more between.

    `save` is called with a checkpoint every `config.checkpoint_every` steps, at the end, and when iteration stops early.
    `beat` is called between the parts of a look at held-out items, and ends the run by what it raises.
    What is computed once and does not fit into memory goes into a nameless file in the folder `scratch`.
    Raises CannotRun without items, ModelError where nothing trains or the loss is no longer finite.
    """
    items = [item for item in data.train if task.trains_on(item)]
    if not items:
        raise CannotRun("No item of the training split can be learnt from.", "Label some items first.")
    loop = Loop(model, task, objective, config, bf16)
    shelf = Shelf(model, data, Rows(scratch), Rows(scratch), loop.autocast, kept_as(config))
    train = Sources(shelf, "train", items, task.modalities, config)
    held_out = Sources(shelf, "validation", data.held_out, task.modalities, config)
    first = loop.restore(resume) if resume else 0
    readings = Readings(loop.device, first, config.total_steps(len(items)))
    look = partial(_look, loop, readings, data.held_out, held_out, beat)
    try:
        about = {**loop.description(), "prefixes": train.prefixes}
        yield readings.event("start", items=len(items), held_out=len(data.held_out), **about)
        if config.views and not train.prefixes:
            yield readings.event("log", message="No frozen layers come before the first adapter: each step computes all of them.")
        if first in (0, readings.total):  # also where a run was cut off after its last step
            yield from look()
        yield from _steps(loop, readings, train, items, look, config, save)
    finally:
        # also where the caller stopped iterating: what was learnt is kept
        if save and readings.done > first and readings.sound():
            save(loop.checkpoint(readings.done))
        loop.close()
        shelf.close()


def _steps(
    loop: Loop,
    readings: Readings,
    sources: Sources,
    items: Sequence[Item],
    look: Callable[[], Iterator[TrainEvent]],
    config: TrainConfig,
    save: Callable[[Checkpoint], None] | None,
) -> Iterator[TrainEvent]:
    """The steps that are left, with looks at held-out items and checkpoints in between."""
    first, total = readings.done, readings.total
    every = config.evaluate_every or max(1, -(-total // LOOKS))
    saved = time.monotonic()
    readings.start_clock()
    for step, (places, fresh) in enumerate(sources.steps(config.batch_size, first, total, loop.together), first):
        for message in sources.compute(places):
            yield readings.event("log", message=message)
        readings.put(*loop.step(step, total, [items[i] for _, i in places], {**fresh, **sources.kept(places)}))
        done = readings.done
        looks = done % every == 0 or done == total
        late = time.monotonic() - saved > CHECKPOINT_EVERY_S
        saves = save is not None and done < total and (late or done % config.checkpoint_every == 0)
        yield from readings.steps(all=looks or saves)
        for message in loop.messages():
            yield readings.event("log", message=message, micro_batch=loop.micro_batch)
        if looks:
            yield from look()
        if save and saves:
            save(loop.checkpoint(done))
            saved = time.monotonic()
            yield readings.event("checkpoint")


def _look(
    loop: Loop, readings: Readings, items: Sequence[Item], sources: Sources, beat: Callable[[], None]
) -> Iterator[TrainEvent]:
    """Scores on the held-out items."""
    for message in sources.everything():
        yield readings.event("log", message=message)
    yield readings.event("eval", **loop.evaluate(items, sources, beat))


def kept_as(config: TrainConfig) -> torch.dtype:
    """In which a run keeps what its frozen layers made."""
    return torch.float32 if config.precision == "fp32" else torch.bfloat16
