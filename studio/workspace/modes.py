"""What each mode of fine-tuning took and brought in this project, from its finished runs; nothing where there is none.

Leaves out runs that were stopped before their end, and what a search tried and did not choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.core.config import Mode, TrainConfig
from studio.workspace.training import Training


@dataclass(frozen=True, slots=True)
class Measured:
    """The newest finished run with a mode."""

    run: str
    steps: int
    steps_per_s: float | None
    seconds: float | None
    """From its start to its end; None for a run that was resumed, whose clock went on while it rested."""
    accuracy: float | None
    """On items that took no part in learning."""


def measured(training: Training, model: str) -> Mapping[Mode, Measured]:
    """For each mode that a finished run with this model had."""
    found: dict[Mode, Measured] = {}
    preset = training.preset(model)
    for run in training.runs():
        if run.stands and run.whole and run.model == model:
            mode = TrainConfig.from_json(run.config).modes(preset)[0]
            if mode not in found:
                found[mode] = Measured(run.id, run.step, run.steps_per_s, training.folder(run.id).seconds(), run.accuracy)
    return found
