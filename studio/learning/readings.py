"""What a run shows of itself at each step: the loss, steps a second, memory. Reads the loss without making a GPU wait."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil
import torch
from torch import Tensor

from studio.core.errors import ModelError


@dataclass(slots=True)
class Losses:
    """The losses of the steps, in order. With a lag of one, a step's loss is read while the next step computes."""

    lag: int
    sound: bool = True
    """False after a loss that was no number."""
    _waiting: deque[tuple[int, Tensor, float]] = field(default_factory=deque)

    def put(self, step: int, loss: Tensor, rate: float) -> None:
        self._waiting.append((step, loss, rate))

    def take(self, all: bool = False) -> Iterator[tuple[int, dict[str, float]]]:
        """(steps done, loss and learning rate) of what is ready, or of all. Raises ModelError where a loss is no number."""
        while len(self._waiting) > (0 if all else self.lag):
            step, loss, rate = self._waiting.popleft()
            value = float(loss)
            if not math.isfinite(value):
                self.sound = False
                raise ModelError(f"The loss is {value} at step {step}.", "Lower the learning rate, or set precision to fp32.")
            yield step, {"loss": value, "lr": rate}

    def last_are_sound(self) -> bool:
        """Whether everything learnt so far may be kept; waits."""
        return self.sound and all(math.isfinite(float(loss)) for _, loss, _ in self._waiting)


class Clock:
    """Steps a second over the last steps, and what is left."""

    def __init__(self, first: int, total: int) -> None:
        self._total = total
        self._marks: list[tuple[int, float]] = [(first, time.monotonic())]

    def tick(self, step: int) -> dict[str, float]:
        self._marks = [*self._marks[-20:], (step, time.monotonic())]
        (s0, t0), (s1, t1) = self._marks[0], self._marks[-1]
        rate = (s1 - s0) / max(t1 - t0, 1e-9)
        return {"steps_per_s": rate, "eta_s": (self._total - step) / rate}


def memory_mb(device: torch.device) -> float:
    """The device's peak for CUDA, this process's resident memory elsewhere."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return float(psutil.Process().memory_info().rss) / 2**20
