"""The reliability diagram: accuracy over confidence, before and after the temperature, and the calibration error in words."""

from __future__ import annotations

from studio.core.results.evidence import Calibration, Reliability
from studio.ui.widgets.markup import Markup, percent, plural, tag
from studio.ui.widgets.plot import Plot, figure, shares

CHANGED = 0.05
"""A temperature this near to 1 changes nothing that a person would notice."""


def reliability_diagram(calibration: Calibration) -> Markup:
    """A perfectly calibrated method lies on the thin diagonal."""
    plot = Plot(shares(0.0, 1.0, "Confidence of the answer"), shares(0.0, 1.0, "Answers that were right"))
    before, after = _points(calibration.before), _points(calibration.after)
    shapes = [
        plot.line(((0, 0), (1, 1)), "thin"),
        plot.line(before, "line1 dashed"),
        plot.line(after, "line0"),
        *plot.dots(after, "line0"),
    ]
    legend = (("calibrated", "line0"), ("as it was", "line1 dashed"))
    return figure(
        "Right answers over confidence",
        legend,
        plot.drawn(shapes, calibration_words(calibration)),
        tag("p", "On the thin line confidence and accuracy agree.", class_="st-note"),
        _table(calibration),
    )


def _points(found: Reliability) -> list[tuple[float, float]]:
    return [(b.confidence, b.accuracy) for b in found.bins]


def calibration_words(calibration: Calibration) -> str:
    """What the temperature did, and what of the rest is chance."""
    t, after, before = calibration.temperature, calibration.after, calibration.before
    if abs(t - 1) < CHANGED:
        said = "The answers were as sure as they should be"
    else:
        said = f"The answers were too {'sure' if t > 1 else 'cautious'}; a temperature of {t:.2f} mends that"
    error = f"confidence and accuracy now differ by {percent(after.ece)} on average ({percent(before.ece)} before)"
    return f"{said}: {error}. Chance alone would show {percent(after.ece_by_chance)} on {plural(calibration.n, 'item')}."


def _table(calibration: Calibration) -> Markup:
    head = tag("tr", *(tag("th", name, scope="col") for name in ("Confidence", "Right", "Items")))
    rows = (
        tag("tr", tag("td", percent(b.confidence)), tag("td", percent(b.accuracy)), tag("td", f"{b.n:,}"))
        for b in calibration.after.bins
    )
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="lr-table")
    return tag("details", tag("summary", "Figures"), tag("div", table, class_="lr-scroll"), class_="lr-figures-fold")
