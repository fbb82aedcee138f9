"""The trials of a search: the loss of each, the best marked, and all their settings in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.core.results.training import TrialRow
from studio.ui.widgets.markup import Child, Markup, duration, plural, tag
from studio.ui.widgets.plot import Axis, Plot, figure

TITLE = "Trials of the search"
STATES = {"queued": "waiting", "running": "at work", "done": "done", "pruned": "stopped early", "failed": "failed"}
CUT_OFF, CUT_SHORT = "cut off", "cut short"
"""Without an end, as the search was stopped; ended before its last step, as the time was over, and kept as it stood."""


def trials_plot(rows: Sequence[TrialRow], at_work: bool = True, taken: str | None = None) -> Markup:
    """Lower is better. Trials that were stopped early are faint; those without a loss are in the table alone.

    Where the search is no longer `at_work`, a trial without an end was cut off with it. The run that it has `taken` need not
    have the least loss.
    """
    if not rows:
        return figure(TITLE, (), tag("p", "No trial has started yet.", class_="st-note"))
    done = [row for row in rows if row.state == "done" and row.loss is not None]
    least = min(done, key=_loss, default=None)
    best = next((row for row in done if taken and row.run == taken), least)
    said = _words(rows, best, least)
    words = tag("p", said, class_="lr-words")
    if best is None:
        return figure(TITLE, (), words, _table(rows, None, at_work))
    plot = Plot(_numbers(rows), _losses([_loss(row) for row in done]))
    at = {state: [(r.number, _loss(r)) for r in rows if r.state == state and r.loss is not None] for state in STATES}
    shapes = [
        plot.line(_so_far(done), "line1 dashed"),
        *plot.dots(at["pruned"], "faded"),
        *plot.dots(at["done"], "line0"),
        *plot.dots([(best.number, _loss(best))], "ring"),
        *plot.dots([(best.number, _loss(best))], "line0"),
    ]
    legend = (("trial", "dot line0"), ("stopped early", "dot faded"), ("best so far", "line1 dashed"))
    return figure(TITLE, legend, words, plot.drawn(shapes, said), _table(rows, best, at_work))


def _loss(row: TrialRow) -> float:
    return float("inf") if row.loss is None else row.loss


def _words(rows: Sequence[TrialRow], best: TrialRow | None, least: TrialRow | None) -> str:
    took = sum(row.seconds for row in rows if row.ended)
    said = plural(len(rows), "trial") + (f" in {duration(took)}" if took else "")
    if best is None or least is None:
        return f"{said}; none has finished yet."
    if best is not least:
        less = f"the {_loss(least):.3f} of trial {least.number} is not below the preset's by more than chance"
        return f"{said}; trial {best.number} is taken, with a loss of {_loss(best):.3f}: {less}."
    return f"{said}; trial {best.number} is best, with a loss of {_loss(best):.3f} on items outside the support set."


def _so_far(done: Sequence[TrialRow]) -> list[tuple[float, float]]:
    line: list[tuple[float, float]] = []
    least = float("inf")
    for row in sorted(done, key=lambda r: r.number):
        if line:
            line.append((float(row.number), least))
        least = min(least, _loss(row))
        line.append((float(row.number), least))
    return line


def _numbers(rows: Sequence[TrialRow]) -> Axis:
    numbers = [row.number for row in rows]
    low, high = min(numbers), max(numbers)
    every = -(-(high - low + 1) // 10)
    ticks = tuple((n, str(n)) for n in range(low, high + 1, every))
    return Axis(low - 0.5, high + 0.5, ticks, "Trial")


def _losses(done: Sequence[float]) -> Axis:
    """From the finished trials alone: one that was stopped early with a huge loss lies at the upper edge."""
    low, high = min(done), max(done)
    room = 0.1 * (high - low) or 0.1 * abs(high) or 0.1
    low, high = max(0.0, low - room), high + room
    return Axis(
        low, high, tuple((at, f"{at:.2f}") for at in (low + k * (high - low) / 4 for k in range(5))), "Loss (lower is better)"
    )


def _table(rows: Sequence[TrialRow], best: TrialRow | None, at_work: bool) -> Markup:
    names = list(dict.fromkeys(name for row in rows for name in row.settings))
    heads = ("Trial", "Loss", "State", "Time", *names)
    head = tag("tr", *(tag("th", name, scope="col") for name in heads))
    body = (_row(row, names, row is best, at_work) for row in sorted(rows, key=lambda r: (r.state != "done", _loss(r), r.number)))
    table = tag("table", tag("thead", head), tag("tbody", *body), class_="lr-table")
    return tag("div", table, class_="lr-scroll", tabindex=0, role="region", aria_label="Settings of every trial")


def _row(row: TrialRow, names: Sequence[str], best: bool, at_work: bool) -> Markup:
    state = STATES[row.state] if at_work or row.ended else CUT_OFF
    if row.state == "done" and _cut_short(row):
        state = CUT_SHORT
    badge = tag("span", "best", class_="st-badge on") if best else None
    cells = (
        tag("td", "–" if row.loss is None else f"{row.loss:.3f}"),
        tag("td", tag("span", state, class_=f"lr-state {row.state}")),
        tag("td", duration(row.seconds) if row.ended else "–"),
        *(tag("td", _setting(row, name)) for name in names),
    )
    return tag("tr", tag("th", _number(row), " ", badge, scope="row"), *cells, class_="best" if best else None)


def _setting(row: TrialRow, name: str) -> str:
    """What was set; of the steps also how many were done, where it ended before them."""
    value = row.settings.get(name)
    return f"{row.steps} of {value}" if name == "steps" and _cut_short(row) else _value(value)


def _cut_short(row: TrialRow) -> bool:
    asked = row.settings.get("steps")
    return row.steps is not None and isinstance(asked, int) and row.steps < asked


def _number(row: TrialRow) -> Child:
    """A button for the page's script, where there is a run to show."""
    return (
        tag("button", str(row.number), type="button", data_run=row.run, title=f"Show {row.run}") if row.run else str(row.number)
    )


def _value(value: Any) -> str:
    return "–" if value is None else f"{value:.2g}" if isinstance(value, float) else str(value)
