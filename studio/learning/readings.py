"""What a run shows of itself: the loss, steps a second, memory. Reads the loss without making a GPU wait for it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import psutil
import torch
from torch import Tensor

from studio.core.errors import ModelError
from studio.core.types import TrainEvent


class Readings:
    """Where a run is. On a GPU a step's loss is read while the next step computes, so its event comes one step late."""

    def __init__(self, device: torch.device, first: int, total: int) -> None:
        self.done, self.total = first, total
        self._device = device
        self._lag = int(device.type == "cuda")
        self._waiting: deque[tuple[int, Tensor, float]] = deque()
        self._sound = True
        self._marks: list[tuple[int, float]] = []

    def put(self, loss: Tensor, rate: float) -> None:
        """One more step is done, with this loss (on the device) and learning rate."""
        self.done += 1
        self._waiting.append((self.done, loss, rate))

    def steps(self, all: bool) -> Iterator[TrainEvent]:
        """The events of the steps that are ready, or of all. Raises ModelError where a loss is no number."""
        while len(self._waiting) > (0 if all else self._lag):
            step, loss, rate = self._waiting.popleft()
            value = float(loss)
            if not math.isfinite(value):
                self._sound = False
                raise ModelError(f"The loss is {value} at step {step}.", "Lower the learning rate, or set precision to fp32.")
            yield self.event("step", step, loss=value, lr=rate, **self._pace(step), memory_mb=_memory_mb(self._device))

    def sound(self) -> bool:
        """Whether what was learnt so far may be kept; waits for it."""
        return self._sound and all(math.isfinite(float(loss)) for _, loss, _ in self._waiting)

    def event(self, kind: Any, step: int | None = None, /, **values: Any) -> TrainEvent:
        """An event of now, or of an earlier step."""
        return TrainEvent(kind, self.done if step is None else step, self.total, time.time(), values)

    def start_clock(self) -> None:
        """What follows counts as time of the steps."""
        self._marks = [(self.done, time.monotonic())]

    def _pace(self, step: int) -> dict[str, float]:
        """Over the last steps."""
        self._marks = [*self._marks[-20:], (step, time.monotonic())]
        (s0, t0), (s1, t1) = self._marks[0], self._marks[-1]
        rate = (s1 - s0) / max(t1 - t0, 1e-9)
        return {"steps_per_s": rate, "eta_s": (self.total - step) / rate}


def _memory_mb(device: torch.device) -> float:
    """The device's peak for CUDA, this process's resident memory elsewhere."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return float(psutil.Process().memory_info().rss) / 2**20
