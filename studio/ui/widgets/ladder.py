"""The ladder: every rung on one axis, its loss and its time, the one to use marked."""

from __future__ import annotations

from studio.core.results.evidence import Ladder, RungRow
from studio.ui.widgets.markup import Markup, duration, interval, percent, tag
from studio.ui.widgets.plot import Axis, shares


def ladder_table(ladder: Ladder) -> Markup:
    """One row a rung, simplest first. Dots: `ladder.measure`; whiskers: its 95 % interval."""
    shown = [row for row in ladder.rows if row.accuracy is not None]
    ends = [end for row in shown for end in (row.ci95 or (row.accuracy or 0.0,) * 2)]
    axis = shares(min(ends, default=0.0), max(ends, default=1.0), ladder.measure)
    heads = (("Rung", None), (_scale(axis, ladder.measure), "wide"), ("Loss", None), ("Time", None))
    head = tag("tr", *(tag("th", words, scope="col", class_=kind) for words, kind in heads))
    body = (_row(row, row.rung == ladder.best, axis) for row in ladder.rows)
    table = tag("table", tag("thead", head), tag("tbody", *body), class_="lr-ladder")
    title = tag("h3", "Every rung", tag("small", f" {ladder.judged_on}"))
    note = (
        f"Dot: {ladder.measure.lower()}; line: its 95 % interval. Loss: negative log-likelihood ± standard error; lower is "
        "better. "
        "The rungs' is out of fold; Fine-tuned's is on its run's validation items, which also chose its strength: other items. "
        "Time: to learn."
    )
    if ladder.measure == "Accuracy":  # on those, each item was of one class
        note += (
            " While labels are few, “best” also weighs what each rung gained on other data sets, so that its loss need not be "
            "the lowest."
        )
    return tag(
        "section",
        title,
        table,
        tag("p", note, class_="st-note"),
        class_="st-card lr-rungs",
    )


def _scale(axis: Axis, measure: str) -> Markup:
    ticks = (tag("span", words, style=f"left:{100 * axis.place(at):.2f}%") for at, words in axis.ticks)
    return tag("div", tag("span", measure, class_="st-sr"), tag("div", *ticks, aria_hidden="true"), class_="lr-scale")


def _row(row: RungRow, best: bool, axis: Axis) -> Markup:
    badge = tag("span", "best", class_="st-badge on") if best else None
    name = tag("th", tag("b", row.title), " ", badge, tag("small", row.note), scope="row")
    if row.accuracy is None:
        return tag("tr", name, tag("td", row.why_not or "No result.", colspan=3, class_="lr-without"))
    loss = tag("td", _loss(row.nll), tag("small", f" ± {row.nll_se:.2f}") if row.nll_se is not None else None)
    spent = tag("td", "–" if row.seconds is None else duration(row.seconds))
    return tag(
        "tr", name, tag("td", _whisker(row, row.accuracy, axis), class_="wide"), loss, spent, class_="best" if best else None
    )


def _loss(nll: float | None) -> str:
    return "–" if nll is None else f"{nll:.2f}"


def _whisker(row: RungRow, accuracy: float, axis: Axis) -> Markup:
    low, high = (axis.place(end) for end in (row.ci95 or (accuracy, accuracy)))
    spoken = f"{percent(accuracy)}, 95 % interval {interval(row.ci95)}" if row.ci95 else percent(accuracy)
    at = 100 * axis.place(accuracy)
    return tag(
        "div",
        tag("i", style=f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"),
        tag("b", style=f"left:{at:.2f}%"),
        tag("span", percent(accuracy), style=f"left:{at:.2f}%"),
        class_="lr-dot",
        role="img",
        aria_label=spoken,
    )
