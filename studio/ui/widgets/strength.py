"""How much of the fine-tuning to use: what each strength of a run's adapter found, against what it forgets."""

from __future__ import annotations

from studio.core.results.evidence import StrengthRow, Strengths
from studio.ui.widgets.markup import Markup, percent, tag
from studio.ui.widgets.plot import Axis, Plot, figure, shares

TITLE = "What each strength finds, and what it forgets"
TICKS = 4
ANSWERS = {"prompts": "class prompts answer", "head": "a head answers"}
"""Who turns the tuned features into answers, by `StrengthRow.answers`."""


def strength_plot(strengths: Strengths, at: float) -> Markup:
    """Dots: strengths, from the base model to the whole adapter; `at`, the one in use, is ringed."""
    rows = sorted(strengths.rows, key=lambda row: row.strength)
    found = [row.accuracy for row in rows]
    plot = Plot(_across(rows, strengths), shares(min(found), max(found), "Accuracy on the validation items"))
    points = {said: [(_place(row), row.accuracy) for row in rows if row.answers == said] for said in ANSWERS}
    used = [(_place(row), row.accuracy) for row in rows if row.strength == at]
    lines = [plot.line(points[said], f"line{n}") for n, said in enumerate(ANSWERS) if len(points[said]) > 1]
    dots = [dot for n, said in enumerate(ANSWERS) for dot in plot.dots(points[said], f"line{n}")]
    shapes = [*lines, *plot.dots(used, "ring"), *dots]
    legend = tuple((title, f"line{n} dot") for n, (said, title) in enumerate(ANSWERS.items()) if points[said])
    words = _words(rows[0], rows[-1], strengths)
    return figure(
        TITLE,
        (*legend, ("in use", "ring dot")),
        tag("p", words, class_="lr-words"),
        plot.drawn(shapes, words),
        _table(rows, at, strengths.chosen),
        tag("p", _note(rows[0], strengths), class_="st-note"),
    )


def _place(row: StrengthRow) -> float:
    """Where it stands from left to right."""
    return row.drift if row.general is None else row.general


def _across(rows: list[StrengthRow], strengths: Strengths) -> Axis:
    known = [row.general for row in rows if row.general is not None]
    if not known:
        return _moved(max(row.drift for row in rows))
    return shares(min(known), max(known), f"Still known of {strengths.general.split(',')[0]}")


def _note(base: StrengthRow, strengths: Strengths) -> str:
    if base.general is not None:
        return (
            f"Still known: zero-shot accuracy on {strengths.general}, which have nothing to do with this project. "
            f"The base model finds {percent(base.general)}; what is less was forgotten. It takes no part in choosing a strength."
        )
    return (
        "What was forgotten is not measured itself. What is: how far the features of the validation items have moved, "
        "1 − mean cosine to the base model's. At 0 nothing is forgotten; the further, the more may be."
    )


def _moved(most: float) -> Axis:
    high = most or 1.0
    ticks = tuple((high * k / TICKS, f"{high * k / TICKS:.2g}") for k in range(TICKS + 1))
    return Axis(0.0, high, ticks, "Moved (1 − mean cosine to the base model's features)")


def _words(base: StrengthRow, whole: StrengthRow, strengths: Strengths) -> str:
    headed = ", each with a head fitted on its features" if base.answers == "head" else ""
    return (
        f"The whole adapter of {strengths.run} finds {percent(whole.accuracy)} of the validation items, "
        f"the base model {percent(base.accuracy)}{headed}. Chosen by the log loss on them: strength {strengths.chosen:g}."
    )


def _table(rows: list[StrengthRow], at: float, chosen: float) -> Markup:
    head = tag(
        "tr", *(tag("th", name, scope="col") for name in ("Strength", "Accuracy", "Still known", "Log loss", "Moved", "By"))
    )
    table = tag("table", tag("thead", head), tag("tbody", *(_row(row, at, chosen) for row in rows)), class_="lr-table")
    return tag("div", table, class_="lr-scroll")


def _row(row: StrengthRow, at: float, chosen: float) -> Markup:
    badge = tag("span", "chosen", class_="st-badge on") if row.strength == chosen else None
    name = tag("th", f"{row.strength:g} ", badge, scope="row")
    figures = (percent(row.accuracy), percent(row.general), f"{row.nll:.3f}", f"{row.drift:.3f}", row.answers)
    return tag("tr", name, *(tag("td", said) for said in figures), class_="best" if row.strength == at else None)
