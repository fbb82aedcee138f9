"""How likely labels are under logits, once these have a temperature: the one scale on which runs and rungs are compared."""

from __future__ import annotations

import torch
from torch import Tensor

TEMPERATURES = tuple(2 ** (n / 4) for n in range(-16, 13))
"""1 / temperature, as a factor of the logits."""
SHARPNESS_TRUST = 1.0
"""Log-likelihood that the factor's squared logarithm costs, so that a handful of labels cannot make anything sure of itself."""


def sharpness(logits: Tensor, labels: Tensor) -> float:
    """1 / temperature under which the labels are most likely (Guo et al. 2017, arXiv:1706.04599).

    To compare by: a coarse grid, as each fold of each rung asks. What people are shown is `calibration.fit_temperature`'s.
    """
    factors = torch.tensor(TEMPERATURES)
    likelihood = torch.stack([of_labels(f * logits, labels).sum() for f in TEMPERATURES]).cpu()
    return float(factors[(likelihood - SHARPNESS_TRUST * factors.log().square()).argmax()])


def of_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """Log-probability of each item's label `[n]`."""
    return logits.log_softmax(-1).gather(1, labels[:, None])[:, 0]
