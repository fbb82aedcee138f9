"""The risk–coverage curve: how often answers are wrong against how many items get one, and the threshold that was chosen."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.results.evidence import Abstention, RiskPoint
from studio.ui.widgets.markup import Markup, percent, plural, tag
from studio.ui.widgets.plot import Plot, figure, shares

TITLE = "Errors over the share of items that get an answer"


def risk_coverage_plot(points: Sequence[RiskPoint], chosen: Abstention | None = None) -> Markup:
    """`chosen` is marked by a dot; the error rate that was asked for is dashed."""
    if not points:
        return figure(TITLE, (), tag("p", "No answers to judge by yet.", class_="st-note"))
    asked = chosen.error_rate if chosen else 0.0
    plot = Plot(
        shares(0.0, 1.0, "Items that get an answer"),
        shares(0.0, max(0.05, asked, *(p.risk for p in points)), "Wrong among these"),
    )
    shapes = [plot.line([(p.coverage, p.risk) for p in points], "line0")]
    legend = [("error rate", "line0")]
    if chosen:
        shapes.insert(0, plot.line(((0.0, asked), (1.0, asked)), "line1 dashed"))
        legend.append((f"accepted: {percent(asked)}", "line1 dashed"))
        if chosen.threshold is not None:
            at = chosen.accepted / chosen.n
            shapes += [
                plot.line(((at, 0.0), (at, plot.y.high)), "thin"),
                *plot.dots([(at, chosen.errors / chosen.accepted)], "line0"),
            ]
    return figure(TITLE, legend, plot.drawn(shapes, _words(points[-1], chosen)))


def _words(everything: RiskPoint, chosen: Abstention | None) -> str:
    if chosen is None:
        return f"Where every item gets an answer, {percent(everything.risk)} of them are wrong."
    return abstention_words(chosen)


def abstention_words(chosen: Abstention) -> str:
    """What a threshold does, and what it promises."""
    kept = f"at most {percent(chosen.error_rate)}"
    if chosen.threshold is None:
        items = plural(chosen.n, "item")
        none = f"No threshold can be given: {items} cannot show with {_sure(chosen)} that {kept} of new answers are wrong."
        if chosen.wanted is None:
            return f"{none} More of them alone would not either: it errs too often even where it is surest. Accept more errors."
        return f"{none} About {chosen.wanted:,} more labelled ones could, if they are answered as well. Or accept more errors."
    if chosen.accepted == chosen.n:
        first = f"Every item can get an answer: {chosen.errors:,} of {chosen.n:,} were wrong"
    else:
        share = percent(chosen.accepted / chosen.n, 0)
        first = (
            f"Below {percent(chosen.threshold, 0)} confidence say “not sure”: {share} of the items get an answer, "
            f"{chosen.errors:,} of these {chosen.accepted:,} were wrong"
        )
    return f"{first}. Of answers to new items like these {kept} are wrong, with {_sure(chosen)}."


def _sure(chosen: Abstention) -> str:
    return f"{percent(chosen.certainty, 0)} certainty"
