"""Learning curves: out-of-fold accuracy over nested subsets of the labels, and a power law through it.

Asks a callable for answers and trains nothing itself; refuses to forecast from too few sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.core.results.evidence import CurvePoint, LearningCurve
from studio.evaluation.advice import Gain, Tuning, advise

Array = NDArray[np.float64]
Places = NDArray[np.int64]

Answer = Callable[[Sequence[int], Sequence[int]], Sequence[bool]]
"""`answer(learn, judge)` → which of the items `judge` are answered rightly by a predictor that learnt from the items `learn`
alone. Both are places in the support set; they never overlap."""

FOLDS = 5
REPEATS = 5
RATIO = 2**0.5
SIZES = 5
"""Two octaves: what happens at a handful of labels says little of what happens after many."""
FEWEST = 4
"""Sizes below which three numbers cannot be fitted, let alone doubted."""
EXPONENTS = np.geomspace(0.05, 0.5, 12)
"""Steeper laws level off sooner than curves of a few labels do: seen on training items of three sets outside the support set."""
RESAMPLES = 400
BAND = 0.8
WIDENED = 1.2
"""Of the half-widths of an accuracy's band. As the resampled laws give it, the band held 0.81, 0.76 and 0.70 of what 1, 2 and
4 times the labels brought; for 0.80 it needed ×0.96, ×1.10 and ×1.15 over all, at most ×1.2 on four of five sets, and up to
×1.6 on the fifth; with ×1.2 it held 0.88, 0.84 and 0.83. Gains up to twice the labels, which the advice speaks of, needed
×0.86: theirs is left as it is. Measured by `python -m tests.bench.curve … --on train`, on training items of five sets outside
the support set; see tests/bench/README.md."""
AHEAD = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
"""Multiples of today's labels over which the forecast is drawn."""
WISHES = (10, 20, 40, 80, 150, 300, 600, 1000)
"""Numbers of labels that a person may be asked for, up to as many as there are."""


@dataclass(frozen=True, slots=True)
class Nested:
    """What was measured over growing subsets."""

    sizes: Array
    """`[S]` labels learnt from, ascending: means over the folds, the last is all that lie outside a fold."""
    right: NDArray[np.bool_]
    """`[repeats, S, n]`: whether each item was answered rightly while it lay outside."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Resampled power laws a + b·n^(−c), `[RESAMPLES]` each; one draw of n labels adds a variance of `spread` / n."""

    a: Array
    b: Array
    c: Array
    spread: float

    def accuracy(self, labels: float) -> tuple[float, float, float]:
        """(middle, low, high) of the accuracy on new items after learning from `labels` labels."""
        middle, low, high = _band(self._at(labels), self.spread / labels)
        return middle, max(0.0, middle - WIDENED * (middle - low)), min(1.0, middle + WIDENED * (high - middle))

    def gain(self, now: float, then: float) -> tuple[float, float, float]:
        """(middle, low, high) of what going on from `now` to `then` labels brings."""
        return _band(self._at(then) - self._at(now), self.spread * (1 / now - 1 / then))

    def _at(self, labels: float) -> Array:
        return np.asarray(self.a + self.b * labels**-self.c)


def learning_curve(
    labels: Sequence[int], classes: Sequence[str], answer: Answer, tuning: Tuning | None = None, seed: int = 0
) -> LearningCurve:
    """Measure, fit, forecast, advise. `labels` are the support set's class numbers `[n]`, places in `classes`."""
    of = np.asarray(labels, np.int64)
    nested = measure(of, answer, seed)
    weakest, recall = _weakest(nested, of)
    said = (classes[weakest], recall)
    without = [name for number, name in enumerate(classes) if number not in of]
    whole = forecast(nested, seed)
    if whole is None:
        return LearningCurve(_measured(nested, None), (), BAND, advise((), said, tuning, without), said[0])
    alone = forecast(measure(of, answer, seed, only=weakest), seed)
    gains = _gains(int((of == weakest).sum()), alone, classes[weakest]) + _gains(len(of), whole, None)
    return LearningCurve(_measured(nested, whole), _ahead(len(of), whole), BAND, advise(gains, said, tuning, without), said[0])


def learning_curve_of_sets(
    rarest: Sequence[int], without: Sequence[str], answer: Answer, tuning: Tuning | None = None, seed: int = 0
) -> LearningCurve:
    """The same where an item may be of several classes, and is answered rightly with all of them and no other.

    `rarest` is of each item the rarest of its classes `[n]`, by which subsets keep their shares; `without` are the classes that
    no item has. No class by itself is forecast.
    """
    nested = measure(np.asarray(rarest, np.int64), answer, seed, folds=FOLDS)
    whole = forecast(nested, seed)
    gains = _gains(len(rarest), whole, None)
    return LearningCurve(_measured(nested, whole), _ahead(len(rarest), whole), BAND, advise(gains, None, tuning, without))


def measure(labels: Places, answer: Answer, seed: int = 0, only: int | None = None, folds: int | None = None) -> Nested:
    """Out-of-fold answers over growing subsets of `labels` `[n]`. Each repeat splits and orders anew, into so many `folds`, or
    as many as the rarest class has labels, two to five.

    With `only`, the labels of that class alone grow, beside all of the others'. Folds are stratified on purpose: leaving out
    one item leaves its class one label short, and with few labels a predictor then gives the answer of any other class.
    """
    k = folds or int(np.clip(np.unique(labels, return_counts=True)[1].min(), 2, FOLDS))
    splits = [_folds(labels, k, seed + r) for r in range(REPEATS)]
    smallest = len(np.unique(labels)) if only is None else 1
    room = min(int(_grows(labels, split != f, only).sum()) for split in splits for f in np.unique(split))
    # where classes have single labels, a fold may leave fewer than one of each: then there is one size, and no forecast
    steps = sorted({round(room / RATIO**k) for k in range(SIZES) if round(room / RATIO**k) >= smallest}) or [room]
    right = np.zeros((len(splits), len(steps), len(labels)), bool)
    taken: list[list[int]] = [[] for _ in steps]
    for r, split in enumerate(splits):
        for fold in np.unique(split):
            judge = np.flatnonzero(split == fold)
            grows = _grows(labels, split != fold, only)
            growing = _nested_order(labels, np.flatnonzero(grows), seed + r)
            beside = np.flatnonzero((split != fold) & ~grows)
            for s, step in enumerate(steps):
                part = growing[: round(step / room * len(growing))]
                taken[s].append(len(part))
                right[r, s, judge] = answer([*beside.tolist(), *part.tolist()], judge.tolist())
    return Nested(np.array([np.mean(sizes) for sizes in taken]), right)


def forecast(nested: Nested, seed: int = 0) -> Forecast | None:
    """Power laws through resampled measurements; None where there are too few sizes to say anything.

    a + b·n^(−c) is the usual form of learning curves (Viering & Loog 2021, arXiv:2103.10948). The bootstrap draws repeats and
    judged items, so the laws differ by what other subsets and other items would have shown.
    """
    if len(nested.sizes) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    repeats, _, n = nested.right.shape
    draws = np.empty((RESAMPLES, len(nested.sizes)))
    for k in range(RESAMPLES):
        chains = nested.right[rng.integers(0, repeats, repeats)].mean(0)  # [S, n]
        draws[k] = chains @ rng.multinomial(n, np.full(n, 1 / n)) / n
    # subsets of a finite set vary less than draws from the world: the finite population correction
    between = nested.right.mean(2).var(0, ddof=1) / (1 - nested.sizes / (nested.sizes[-1] + 1))
    return Forecast(*fit(nested.sizes, draws), float(np.mean((between * nested.sizes)[:-1])))


def fit(sizes: Array, curves: Array) -> tuple[Array, Array, Array]:
    """(a, b, c), each `[B]`, of curves `[B, S]` over sizes `[S]`: least squares weighted by size, in closed form but for c.

    More labels never hurt (b ≤ 0) and nothing is better than right (a ≤ 1).
    """
    weights = sizes / sizes.sum()
    middle = curves @ weights
    best = (middle, np.zeros_like(middle), np.ones_like(middle))
    least = np.asarray(((curves - middle[:, None]) ** 2) @ weights)
    for c in EXPONENTS:
        x = sizes**-c
        lever = (x - x @ weights) * weights
        b = np.minimum(curves @ lever / (lever @ x), 0)
        a = middle - b * (x @ weights)
        b = np.where(a > 1, np.minimum((curves - 1) @ (weights * x) / (weights @ x**2), 0), b)
        a = np.minimum(a, 1)
        loss = ((curves - a[:, None] - b[:, None] * x) ** 2) @ weights
        better = loss < least
        least = np.where(better, loss, least)
        best = (np.where(better, a, best[0]), np.where(better, b, best[1]), np.where(better, c, best[2]))
    return best


def _folds(labels: Places, k: int, seed: int) -> Places:
    """Which of k folds each item is in `[n]`, each with the classes' shares."""
    rng = np.random.default_rng(seed)
    folds = np.empty(len(labels), np.int64)
    for c in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == c))
        folds[members] = (np.arange(len(members)) + rng.integers(k)) % k
    return folds


def _nested_order(labels: Places, places: Places, seed: int) -> Places:
    """`places`, so that every beginning of them has the classes' shares."""
    rng = np.random.default_rng(seed)
    key = np.empty(len(places))
    for c in np.unique(labels[places]):
        members = rng.permutation(np.flatnonzero(labels[places] == c))
        key[members] = (np.arange(len(members)) + rng.random(len(members))) / len(members)
    return places[np.argsort(key)]


def _grows(labels: Places, outside: NDArray[np.bool_], only: int | None) -> NDArray[np.bool_]:
    return outside if only is None else outside & (labels == only)


def _measured(nested: Nested, found: Forecast | None) -> tuple[CurvePoint, ...]:
    points = []
    for size, mean in zip(nested.sizes.tolist(), nested.right.mean((0, 2)).tolist(), strict=True):
        _, low, high = (mean, mean, mean) if found is None else found.accuracy(size)
        points.append(CurvePoint(round(size), mean, low, high))
    return tuple(points)


def _ahead(now: int, found: Forecast | None) -> tuple[CurvePoint, ...]:
    return () if found is None else tuple(CurvePoint(round(now * by), *found.accuracy(now * by)) for by in AHEAD)


def _gains(now: int, found: Forecast | None, of: str | None) -> list[Gain]:
    return [] if found is None else [Gain(more, of, *found.gain(now, now + more)) for more in WISHES if more <= now]


def _weakest(nested: Nested, labels: Places) -> tuple[int, float]:
    """(class, recall) of the class that is found least with all labels; among equals the one with the fewest labels."""
    found = nested.right[:, -1].mean(0)
    recall = {int(c): (float(found[labels == c].mean()), int((labels == c).sum())) for c in np.unique(labels)}
    least = min(recall, key=lambda c: recall[c])
    return least, recall[least][0]


def _band(draws: Array, variance: float) -> tuple[float, float, float]:
    # fixed quantiles of a normal instead of random ones: the same forecast at every call
    noise = np.sqrt(variance) * _NORMAL
    middle, low, high = np.quantile(draws + noise, (0.5, (1 - BAND) / 2, (1 + BAND) / 2))
    return float(middle), float(low), float(high)


_NORMAL = np.random.default_rng(7).standard_normal(RESAMPLES)
