"""The reliability diagram: accuracy over confidence, before and after the temperature, and the calibration error in words."""

from __future__ import annotations

from studio.core.results.evidence import Calibration, Reliability
from studio.ui.widgets.markup import Markup, percent, plural, tag
from studio.ui.widgets.plot import Plot, figure, shares

LESS = 0.8
"""Share of the calibration error above which what is left of it is hardly less."""


JUDGED = (
    "On the thin line confidence and accuracy agree. “Calibrated” is each half of the items with the temperature "
    "of the other half; the one in use is of all of them."
)


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
        tag("p", JUDGED, class_="st-note"),
        _table(calibration),
    )


def _points(found: Reliability) -> list[tuple[float, float]]:
    return [(b.confidence, b.accuracy) for b in found.bins]


def calibration_words(calibration: Calibration) -> str:
    """Whether the probabilities can be believed, and what one temperature changed, judged on items that did not choose it."""
    before, after, t = calibration.before, calibration.after, f"a temperature of {calibration.temperature:.2f}"
    differ = f"differ by {percent(before.ece)} on average"
    items, chance = plural(calibration.n, "item"), f"chance alone would show {percent(before.ece_by_chance)}"
    if before.ece <= before.ece_at_most:
        rarely = f"rarely over {percent(before.ece_at_most)}"
        said = (
            f"The probabilities can be believed as far as {items} can tell: confidence and accuracy {differ}; {chance}, {rarely}"
        )
        return f"{said}. With {t} it is {percent(after.ece)}."
    if after.ece > LESS * before.ece:
        said = f"The probabilities are off: confidence and accuracy {differ}; {chance} on {items}"
        return f"{said}. {t.capitalize()} hardly lessens that: {percent(after.ece)}."
    mends = "mends" if after.ece <= after.ece_at_most else "lessens"
    said = f"The answers were too {'sure' if calibration.temperature > 1 else 'cautious'}; {t} {mends} that"
    error = f"confidence and accuracy now differ by {percent(after.ece)} on average ({percent(before.ece)} before)"
    return f"{said}: {error}. Chance alone would show {percent(after.ece_by_chance)} on {items}."


def _table(calibration: Calibration) -> Markup:
    head = tag("tr", *(tag("th", name, scope="col") for name in ("Confidence", "Right", "Items")))
    rows = (
        tag("tr", tag("td", percent(b.confidence)), tag("td", percent(b.accuracy)), tag("td", f"{b.n:,}"))
        for b in calibration.after.bins
    )
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="lr-table")
    return tag("details", tag("summary", "Figures"), tag("div", table, class_="lr-scroll"), class_="lr-figures-fold")
