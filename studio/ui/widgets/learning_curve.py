"""The learning curve: accuracy over the number of labels, with a band, its forecast dashed."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.results.evidence import CurvePoint, LearningCurve
from studio.ui.widgets.markup import Markup, percent, plural, tag
from studio.ui.widgets.plot import Axis, Plot, figure, shares

TITLE, MEASURE = "Accuracy over labels", "Accuracy"
TITLE_OF_SETS, MEASURE_OF_SETS = "Items with exactly their classes, over labels", "Exactly their classes"
NEAR = 1.4
"""Labels are written at the axis where they are this many times the last ones written."""


def learning_curve_plot(curve: LearningCurve, several: bool) -> Markup | None:
    """Labels on a logarithmic axis: each step to the right is as many labels again. None where there is no line to draw.

    `several`: an item may be of several classes, and is right with all of them and no other.
    """
    title, measure = (TITLE_OF_SETS, MEASURE_OF_SETS) if several else (TITLE, MEASURE)
    points = (*curve.measured, *curve.forecast)
    if len({p.labels for p in points}) < 2:
        return None
    plot = Plot(_labels(points), shares(min(p.low for p in points), max(p.high for p in points), measure))
    shapes = [
        plot.line(_line((*curve.measured[-1:], *curve.forecast)), "line1 dashed"),
        plot.line(_line(curve.measured), "line0"),
        *plot.dots(_line(curve.measured), "line0"),
    ]
    legend = [("measured out of fold", "line0")]
    if curve.forecast:
        shapes.insert(0, plot.band([(p.labels, p.low) for p in points], [(p.labels, p.high) for p in points]))
        legend.append(("forecast", "line1 dashed"))
    return figure(title, legend, plot.drawn(shapes, _spoken(curve, title)), _note(curve))


def _line(points: Sequence[CurvePoint]) -> list[tuple[float, float]]:
    return [(p.labels, p.accuracy) for p in points]


def _labels(points: Sequence[CurvePoint]) -> Axis:
    numbers = sorted({p.labels for p in points})
    written = [numbers[-1]]
    for n in reversed(numbers):
        if written[-1] >= NEAR * n:
            written.append(n)
    return Axis(numbers[0], numbers[-1], tuple((n, f"{n:,}") for n in reversed(written)), "Labels learnt from", log=True)


def _spoken(curve: LearningCurve, title: str) -> str:
    said = [f"{percent(p.accuracy)} with {plural(p.labels, 'label')}" for p in (curve.measured[0], curve.measured[-1])]
    ahead = [f"{percent(p.accuracy)} expected with {p.labels:,}" for p in curve.forecast[-1:]]
    return f"{title}: {', '.join([*said, *ahead])}"


def _note(curve: LearningCurve) -> Markup | None:
    if not curve.forecast:
        return None
    last = curve.forecast[-1]
    low, middle, high = (percent(share, 0) for share in (last.low, last.accuracy, last.high))
    said = f"With {last.labels:,} labels {middle} are expected ({low} to {high})."
    band = f"The band is as wide as it had to be to hold the truth about {percent(curve.band, 0)} of the time on other data sets."
    return tag("p", f"{said} {band}", class_="st-note")
