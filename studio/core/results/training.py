"""What use cases return of a run before it starts, and of a search over settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studio.core.results.comparison import Best


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a few steps on a copy of the model showed, before a run."""

    device: str
    step_s: float
    """Seconds a step."""
    fill_s: float
    """Seconds to compute the frozen layers once, for all views; 0 where none are."""
    total_s: float
    """Of the steps, that and the end; looks at the validation items come on top."""
    memory_mb: float
    """At most."""
    micro_batch: int
    """Items a forward pass, so that it fits; 0: the whole batch does."""
    steps: int
    finish_s: float = 0.0
    """Seconds at the end, while the adapter's strength is chosen: about."""

    def __str__(self) -> str:
        size = f", {self.micro_batch} items at a time so that it fits" if self.micro_batch else ""
        return f"Measured: {self.step_s:.2f} s a step, about {_time(self.total_s)} in all, {self.memory_mb:,.0f} MB at most{size}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial of a search."""

    number: int
    settings: Mapping[str, Any]
    loss: float | None
    """Negative log-likelihood on items outside the support set; None where it failed or still works."""
    seconds: float
    state: Literal["queued", "running", "done", "pruned", "failed"]
    run: str | None = None
    """The run that it was."""
    looks: Mapping[str, float] = field(default_factory=dict)
    """Loss at each point at which trials are compared on their way."""
    steps: int | None = None
    """Optimiser steps that it did: fewer than asked for where it was ended early; None before its end."""

    @property
    def ended(self) -> bool:
        return self.state not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class AutoState:
    """A search over settings: its trials are ordinary runs."""

    model: str
    minutes: float
    """Budget."""
    seed: int
    status: Literal["running", "done", "stopped", "failed", "interrupted"]
    started: float
    """Seconds since 1970."""
    trials: tuple[TrialRow, ...]
    process: Mapping[str, Any] | None = None
    """Which process works on it."""
    note: str = ""
    best: Best | None = None
    """The method to use, once it is known."""
    best_run: str | None = None
    """The run of the trial that was taken: the preset's, or one that was better by more than chance."""
