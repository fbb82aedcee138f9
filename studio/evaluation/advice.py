"""What to do next, in one plain sentence, from forecasts. Measures nothing and promises nothing that was not measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 0.01
"""A gain that is worth a person's labelling."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What more labels should bring."""

    labels: int
    """More than today's."""
    of: str | None
    """The class that gets them; None: all classes in their shares."""
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a costlier rung brought at this size: its out-of-fold accuracy less the best cheaper one's."""

    gain: float
    standard_error: float
    items: int = 0
    """Validation items that say so."""
    chosen: bool = False
    """It is the method to use: by its log loss, whatever its accuracy."""


def advise(
    gains: Sequence[Gain],
    weakest: tuple[str, float] | None = None,
    tuning: Tuning | None = None,
    without: Sequence[str] = (),
) -> str:
    """One sentence. `gains` in order of preference, each wish from few labels to many; `weakest` is (class, its recall);
    `without` are the classes that have no label."""
    if without:
        named = ", ".join(repr(name) for name in without[:3]) + (f" and {len(without) - 3} more" if len(without) > 3 else "")
        have = "has" if len(without) == 1 else "have"
        return f"Label {named} first: {'it' if len(without) == 1 else 'they'} {have} no label yet; {_tuning(tuning)}."
    found_least = weakest if weakest and weakest[1] < 1 else None
    return f"{_labels(gains, found_least)}; {_tuning(tuning)}."


def _labels(gains: Sequence[Gain], weakest: tuple[str, float] | None) -> str:
    sure = [g for g in gains if g.low > 0 and g.accuracy >= LEAST]
    if sure:
        return _promise(sure[0])
    if gains and all(g.high < LEAST for g in gains):
        most = max(gains, key=lambda g: g.labels)
        return f"More labels should bring little: less than 1 point for {most.labels:,} more"
    first = "Too few labels to say yet what more would bring"
    if not gains:
        return first if weakest is None else f"{first}: start with {weakest[0]!r}, found least ({100 * weakest[1]:.0f} %)"
    widest = max(gains, key=lambda g: g.labels)
    said = f"{widest.labels:,} more could bring between {_points(widest.low)} and {_points(widest.high)} points"
    least = "" if weakest is None else f" (of the labels, {weakest[0]!r} are found least, {100 * weakest[1]:.0f} %, out of fold)"
    return f"It cannot be said yet what more labels bring: {said}{least}"


def _promise(gain: Gain) -> str:
    of = "over all classes" if gain.of is None else f"of {gain.of!r}"
    around = max(1, round(100 * (gain.high - gain.low) / 2))
    brings = max(1, round(100 * gain.accuracy))
    points = "point" if brings == around == 1 else "points"
    return f"About {gain.labels:,} more labels {of} should bring {brings} ± {around} {points}"


def _points(share: float) -> str:
    return f"{100 * share:.0f}".replace("-0", "0").replace("-", "−")


def _tuning(tuning: Tuning | None) -> str:
    if tuning is None:
        return "whether fine-tuning helps at this size is not known yet"
    around = max(1, round(100 * tuning.standard_error))
    brought = f"{_points(tuning.gain)} ± {around} points on {tuning.items} validation items" if tuning.items else ""
    brought = brought or f"{_points(tuning.gain)} ± {around} points when tried"
    if tuning.gain > tuning.standard_error:
        return f"fine-tuning helps already ({brought})"
    if tuning.chosen:
        return f"fine-tuning answers about as many rightly ({brought}), but with better probabilities"
    return f"fine-tuning is unlikely to help yet ({brought})"
