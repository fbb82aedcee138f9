"""One input's answers as a table: rows are classes, columns are methods, so that the three can be compared by eye."""

from __future__ import annotations

from studio.core.results.answers import MethodAnswer, PredictionTable
from studio.core.types import Prediction
from studio.ui.widgets.markup import Markup, join, percent, tag, took

ROWS_AT_FIRST = 10
"""With more classes than this, the most probable ones come first and the rest fold away."""


def prediction_table(table: PredictionTable) -> Markup:
    """The table, and a sentence for screen readers that says who won."""
    order = _order(table)
    head = tag("tr", tag("th", "Class", scope="col"), *(_column(answer) for answer in table.answers))
    body = join(_row(table, index, rank) for rank, index in enumerate(order))
    grid = tag(
        "table",
        tag("caption", "Probability of each class by method", class_="st-sr"),
        tag("thead", head),
        tag("tbody", body),
        class_="lr-answers",
    )
    return tag("div", tag("p", _sentence(table), class_="st-sr", aria_live="polite"), _fold(len(order)), grid, class_="st-card")


def _order(table: PredictionTable) -> list[int]:
    indices = list(range(len(table.classes)))
    if len(indices) <= ROWS_AT_FIRST:
        return indices
    return sorted(
        indices, key=lambda index: -max((a.probabilities[index] for a in table.answers if a.probabilities), default=0.0)
    )


def _fold(classes: int) -> Markup | None:
    """A check box that the style sheet reads: it keeps its state when the table below it changes."""
    if classes <= ROWS_AT_FIRST:
        return None
    return tag("label", tag("input", type="checkbox", class_="lr-all"), f" Show all {classes} classes", class_="lr-fold")


def _column(answer: MethodAnswer) -> Markup:
    time = took(answer.milliseconds) if answer.milliseconds is not None else None
    note = tag("span", " · ".join(part for part in (answer.note, time) if part), class_="lr-note")
    return tag("th", tag("span", answer.title, class_="lr-method"), _doubt(answer), note, scope="col")


def _doubt(answer: MethodAnswer) -> Markup | None:
    why = "Its confidence is below the threshold that keeps to the error rate you accept; see Compare."
    return tag("span", "not sure", class_="st-badge lr-unsure", title=why) if answer.sure is False else None


def _row(table: PredictionTable, index: int, rank: int) -> Markup:
    cells = (_cell(table, answer, index, first=rank == 0) for answer in table.answers)
    more = rank >= ROWS_AT_FIRST and len(table.classes) > ROWS_AT_FIRST
    return tag("tr", tag("th", table.classes[index], scope="row"), *cells, class_="more" if more else None)


def _cell(table: PredictionTable, answer: MethodAnswer, index: int, first: bool) -> Markup | None:
    if answer.probabilities is None:
        return (
            tag("td", tag("p", answer.why_not or "No answer."), class_="lr-mute", rowspan=len(table.classes)) if first else None
        )
    said = table.said(answer)
    share, won = answer.probabilities[index], said is not None and table.classes[index] in _chosen(said)
    return tag(
        "td",
        tag("span", class_="lr-bar", style=f"--w:{100 * share:.2f}%"),
        tag(
            "span",
            percent(share, 1 if share < 0.1 else 0),
            tag("b", " ✓", aria_label="chosen") if won else None,
            class_="lr-share",
        ),
        class_="won" if won else None,
    )


def _chosen(said: Prediction) -> tuple[str, ...]:
    return said.labels if said.several else (said.label,)


def _sentence(table: PredictionTable) -> str:
    said = []
    for answer in table.answers:
        if (found := table.said(answer)) is not None and table.classes:
            doubt = "not sure, " if answer.sure is False else ""
            said.append(f"{answer.title}: {doubt}{found.label}, {percent(found.confidence, 0)}.")
    return " ".join(said)
