"""When a method says "not sure": calibrated on what it said of items that it had not learnt from, so that new answers keep to
the error rate that a project accepts. Refuses a threshold that too few items vouch for. Imported lazily: it imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from studio.core.results.comparison import Comparison
from studio.core.results.evidence import Abstention, RiskPoint
from studio.learning.calibration import fit_temperature, threshold_for
from studio.learning.ladder import Ladder
from studio.runs.folder import RunFolder
from studio.runs.result import judged
from studio.tasks.objectives.likelihood import probabilities

FEWEST = 2
"""Items below which nothing is calibrated."""
NEVER_SURE = 2.0
"""A threshold above every confidence: where no other surely keeps to the accepted error rate, nothing is answered."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one method said of items that it had not learnt from, calibrated."""

    temperature: float
    probabilities: Tensor  # [n, C]
    labels: Tensor  # [n], or where an item may be of several classes [n, C]

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor) -> Held | None:
        """None where there are too few items. `logits` `[n, C]`, `labels` `[n]`."""
        if len(labels) < FEWEST:
            return None
        temperature = fit_temperature(logits, labels)
        return cls(temperature, probabilities(logits.double() / temperature, labels.ndim == 2), labels)

    @classmethod
    def of_rung(cls, ladder: Ladder, rung: str, labels: Tensor) -> Held | None:
        """A rung's out-of-fold answers; None where no fold could be made."""
        logits = next((e.logits for e in ladder.evidence if e.name == rung), None)
        return None if logits is None else cls.of(logits, labels)

    @classmethod
    def as_it_is(cls, ladder: Ladder, rung: str, labels: Tensor) -> Held | None:
        """The same with the probabilities that the rung gives by itself: zero-shot's are shown so."""
        logits = next((e.logits for e in ladder.evidence if e.name == rung), None)
        return None if logits is None else cls(1.0, probabilities(logits.double(), labels.ndim == 2), labels)

    @classmethod
    def of_run(cls, run: RunFolder) -> Held | None:
        """What a run published of items that it had not learnt from; None where it had none."""
        told = judged(run)
        return None if told is None else cls.of(*told)

    def threshold(self, error_rate: float | None) -> float | None:
        """The confidence below which to say "not sure"; None where no rate is accepted."""
        return None if error_rate is None else threshold_for(error_rate, self.probabilities, self.labels).threshold or NEVER_SURE


def threshold_of(held: Held | None, error_rate: float | None) -> float | None:
    """The same of a method that nothing may be known of: then it is never sure."""
    return held.threshold(error_rate) if held else NEVER_SURE if error_rate is not None else None


def abstention(comparison: Comparison, error_rate: float) -> Abstention | None:
    """What the best method would keep to itself at an error rate; None where nothing was held out. Raises BadInput for no rate.

    From the stored curve, so that it needs no model: where that was thinned, the threshold is the next stricter one.
    """
    if comparison.calibration is None or not comparison.risk:
        return None
    confidence, wrong = _items(comparison.risk, comparison.calibration.n)
    scores = torch.tensor(confidence, dtype=torch.double)
    return threshold_for(error_rate, torch.stack([scores, torch.zeros_like(scores)], 1), torch.tensor(wrong))


def _items(risk: Sequence[RiskPoint], n: int) -> tuple[list[float], list[int]]:
    """(confidence, 1 where wrong) of the items behind a curve."""
    confidence: list[float] = []
    wrong: list[int] = []
    for point in risk:
        count = round(point.coverage * n)
        more, errors = count - len(confidence), round(point.risk * count) - sum(wrong)
        confidence += [point.threshold] * more
        wrong += [1] * errors + [0] * (more - errors)
    return confidence, wrong
