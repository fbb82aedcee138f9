"""Metrics with 95 % intervals: accuracy, macro-F1, per-class scores, confusion, recall. Plain arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studio.core.results.comparison import ClassScore

Z95 = 1.959964
RESAMPLES = 1000

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


def confusion(truth: Sequence[int], answer: Sequence[int], classes: int) -> Counts:
    """`[C, C]`: rows are truths, columns answers."""
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (np.asarray(truth, np.int64), np.asarray(answer, np.int64)), 1)
    return table


def wilson(right: float, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927): right at the ends and for small n, where the normal one is not."""
    if n == 0:
        return (0.0, 1.0)
    p = right / n
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * float(np.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n)))
    # rounding may put the bound a hair beyond the observed share at 0 and 1
    return (min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)))


def per_class(table: Counts, names: Sequence[str]) -> tuple[ClassScore, ...]:
    """Precision, recall, F1 and held-out items of each class; 0 where a ratio has no denominator."""
    right = np.diag(table).astype(float)
    precision = _ratio(right, table.sum(0))
    recall = _ratio(right, table.sum(1))
    f1 = _ratio(2 * precision * recall, precision + recall)
    return tuple(
        ClassScore(name, float(precision[i]), float(recall[i]), float(f1[i]), int(table[i].sum())) for i, name in enumerate(names)
    )


def macro_f1(
    truth: Sequence[int], answer: Sequence[int], classes: int, seed: int = 0
) -> tuple[float, tuple[float, float] | None]:
    """Mean F1 over the classes that occur in the truths, and its 95 % percentile bootstrap interval.

    Resampled within each true class: a class that is missing from a resample would count as an F1 of 0.
    No interval where a class has a single item: it would be drawn every time, so that its chance would not be seen.
    """
    t, a = np.asarray(truth, np.int64), np.asarray(answer, np.int64)
    by_class = np.argsort(t, kind="stable")
    t, a = t[by_class], a[by_class]
    present, first, size = np.unique(t, return_index=True, return_counts=True)
    low_of, size_of = np.repeat(first, size), np.repeat(size, size)
    value = float(_f1(t[None], a[None], classes)[0, present].mean())
    if size.min() == 1:
        return value, None
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(RESAMPLES // 100):  # in parts, so that 77 classes × 3,000 items stay small
        pick = low_of + (rng.random((100, len(t))) * size_of).astype(np.int64)
        means.append(_f1(t[pick], a[pick], classes)[:, present].mean(1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return value, (float(low), float(high))


def scores_of_sets(truth: Flags, said: Flags, names: Sequence[str]) -> tuple[ClassScore, ...]:
    """`per_class` where an item may be of several: `truth` and `said` `[n, C]`."""
    right, given, there = (flags.sum(0).astype(float) for flags in (truth & said, said, truth))
    precision, recall, f1 = _ratio(right, given), _ratio(right, there), _ratio(2 * right, given + there)
    return tuple(
        ClassScore(name, float(precision[i]), float(recall[i]), float(f1[i]), int(there[i])) for i, name in enumerate(names)
    )


def macro_f1_of_sets(truth: Flags, said: Flags, seed: int = 0) -> tuple[float, tuple[float, float] | None]:
    """`macro_f1` where an item may be of several: `[n, C]` each; items are resampled, and a class that none of them has is left
    out of that mean. No interval where a class has a single item."""
    parts = [flags.astype(float) for flags in (truth & said, said, truth)]
    present = truth.any(0)

    def mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        right, given, there = (weights @ part for part in parts)  # [resamples, C]
        counted = there > 0
        found: NDArray[np.float64] = (_ratio(2 * right, given + there) * counted).sum(1) / np.maximum(counted.sum(1), 1)
        return found

    value = float(mean(np.ones((1, len(truth))))[0])
    if not present.any() or truth.sum(0)[present].min() == 1:
        return value, None
    drawn = np.random.default_rng(seed).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), RESAMPLES)
    low, high = np.percentile(mean(drawn.astype(float)), [2.5, 97.5])
    return value, (float(low), float(high))


def mean_average_precision(truth: Flags, probabilities: NDArray[np.float64]) -> float | None:
    """Mean over the classes that occur of their average precision: the precision at each of a class's items, ranked by its
    probability, averaged. `[n, C]` each; None where no class occurs. Of equal probabilities the wrong items come first."""
    found = []
    for has, p in zip(truth.T, probabilities.T, strict=True):
        if has.any():
            ranked = has[np.lexsort((has, -p))]
            found.append(float((np.cumsum(ranked)[ranked] / (np.flatnonzero(ranked) + 1)).mean()))
    return float(np.mean(found)) if found else None


def _f1(truth: NDArray[np.int64], answer: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """F1 by class `[resamples, C]` of truths and answers `[resamples, n]`."""
    offset = np.arange(len(truth))[:, None] * classes
    size = len(truth) * classes

    def tally(index: NDArray[np.int64], weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        flat = np.bincount((index + offset).ravel(), None if weight is None else weight.ravel(), size)
        return flat.reshape(len(truth), classes).astype(float)

    right = tally(truth, (truth == answer).astype(float))
    return _ratio(2 * right, tally(truth) + tally(answer))


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64] | Counts) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.divide(above, below, out=np.zeros_like(above, float), where=np.asarray(below) > 0)
    return found
