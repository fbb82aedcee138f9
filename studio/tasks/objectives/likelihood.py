"""How likely labels are under logits, once these have a temperature: the one scale on which runs and rungs are compared.

Labels are `[n]`, the number of each item's class under a softmax; or, where an item may be of several, `[n, C]` of zeros and
ones, under one logistic a class. Everything that learns or judges asks here which of the two it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, one_hot

TEMPERATURES = tuple(2 ** (n / 4) for n in range(-16, 13))
"""1 / temperature, as a factor of the logits."""
SHARPNESS_TRUST = 1.0
"""Log-likelihood that the factor's squared logarithm costs, so that a handful of labels cannot make anything sure of itself."""


def numbered(said: Iterable[Sequence[str]], classes: Sequence[str], several: bool) -> Tensor:
    """Labels of what items are said to be: one class each, or with `several` any number of them."""
    index = {name: n for n, name in enumerate(classes)}
    if not several:
        return torch.tensor([index[names[0]] for names in said], dtype=torch.long)
    rows = [[index[name] for name in names] for names in said]
    found = torch.zeros(len(rows), len(classes))
    for row, numbers in zip(found, rows, strict=True):
        row[numbers] = 1.0
    return found


def target(labels: Tensor, classes: int) -> Tensor:
    """`[n, C]` of zeros and ones."""
    return labels if labels.ndim == 2 else one_hot(labels, classes)


def probabilities(logits: Tensor, several: bool) -> Tensor:
    """`[n, C]`: of one class or another, or of each by itself."""
    return logits.sigmoid() if several else logits.softmax(-1)


def answered(logits: Tensor, several: bool) -> Tensor:
    """What logits say, in the form of labels: the most probable class, or all that are more probable than not."""
    return (logits > 0).to(logits.dtype) if several else logits.argmax(-1)


def right(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether each item is answered as it is labelled, of several classes with all of them and no other: a mask `[n]`."""
    same = answered(logits, labels.ndim == 2) == labels
    return same.all(-1) if labels.ndim == 2 else same


def sharpness(logits: Tensor, labels: Tensor) -> float:
    """1 / temperature under which the labels are most likely (Guo et al. 2017, arXiv:1706.04599).

    To compare by: a coarse grid, as each fold of each rung asks. What people are shown is `calibration.fit_temperature`'s.
    """
    factors = torch.tensor(TEMPERATURES)
    likelihood = torch.stack([of_labels(f * logits, labels).sum() for f in TEMPERATURES]).cpu()
    return float(factors[(likelihood - SHARPNESS_TRUST * factors.log().square()).argmax()])


def of_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """Log-probability of each item's label, of several classes of all that is said of it, `[n]`."""
    if labels.ndim == 2:
        return -binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none").sum(-1)
    return logits.log_softmax(-1).gather(1, labels[:, None])[:, 0]


def loss_and_slope(logits: Tensor, wanted: Tensor, several: bool) -> tuple[Tensor, Tensor]:
    """(negative log-likelihood of all items, its gradient by the logits `[n, C]`); `wanted` as `target` gives it."""
    if several:
        return -(logsigmoid(logits) - (1 - wanted) * logits).sum(), logits.sigmoid() - wanted
    log_p = logits.log_softmax(-1)
    return -(wanted * log_p).sum(), log_p.exp() - wanted
