"""How far the best method can be believed: its calibration, when it should say "not sure", and whether more labels help.

Shows what was judged on items outside learning and outside the test split; chooses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.core.errors import BadInput
from studio.core.results.comparison import Comparison
from studio.core.results.evidence import Abstention
from studio.ui import theme
from studio.ui.widgets.fold import fold
from studio.ui.widgets.learning_curve import learning_curve_plot
from studio.ui.widgets.markup import Markup, plural, tag
from studio.ui.widgets.reliability import calibration_words, reliability_diagram
from studio.ui.widgets.risk_coverage import abstention_words, risk_coverage_plot

USUAL_ERRORS = 0.05
"""The error rate that is shown before a person says one."""
CURVE_OF = (
    "The linear head alone, on the labels themselves: each answered by a head that had not learnt from it. The held-out items "
    "above may be easier or harder than these labels, so compare the curve's points with each other, not with the figures above."
)
NOT_HELD_OUT = "It cannot be told yet: give two classes or more a second label, so that one can be held out."
NOT_HELD_OUT_OF_SETS = (
    "It cannot be told yet: label two items that are of a class and two that are not, so that one of each can be held out."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says about mistakes."""

    rate: float
    """Share of the answers that may be wrong."""
    flagged: bool
    """Whether the Test page is to say "not sure" by it."""


def calibration_section(comparison: Comparison) -> Markup | None:
    """None where there is no best method, as for pairs."""
    if comparison.best is None:
        return None
    found, question = comparison.calibration, "How far can the probabilities be believed?"
    if found is None:
        return fold(question, _not_held_out(comparison))
    return fold(question, calibration_words(found), _of(comparison), reliability_diagram(found))


def doubt_section(comparison: Comparison, chosen: Abstention | None, wish: Wish, unfolded: bool = False) -> Markup | None:
    """`chosen` is what keeping to `wish.rate` means."""
    if comparison.best is None:
        return None
    question = "When should it say “not sure”?"
    if chosen is None:
        return fold(question, _not_held_out(comparison))
    rate = tag(
        "label",
        tag("span", "Wrong answers that you accept, in %"),
        tag("input", type="number", min="0.1", max="99", step="any", value=f"{100 * wish.rate:g}", class_="st-field"),
    )
    use = tag("label", tag("input", type="checkbox", checked=wish.flagged), "Say “not sure” on the Test page by this")
    note = "There, each method keeps to it by a threshold of its own; one for which none can be given is never sure."
    asked = tag("div", rate, use, class_="lr-wish")
    plot = risk_coverage_plot(comparison.risk, chosen)
    parts = (_of(comparison), asked, tag("p", note, class_="st-note"), plot)
    return fold(question, abstention_words(chosen), *parts, unfolded=unfolded)


def curve_section(comparison: Comparison) -> Markup | None:
    """None where there is no best method, as for pairs."""
    if comparison.best is None:
        return None
    curve, question = comparison.curve, "Do I need more labels?"
    if curve is None:
        return fold(question, _not_held_out(comparison))
    plot = learning_curve_plot(curve, comparison.several)
    return fold(question, curve.advice, tag("p", CURVE_OF, class_="st-note") if plot else None, plot)


def doubt_desk(elem_id: str) -> gr.HTML:
    """Its value is the Markup of `doubt_section`; triggers `edit` with what `wish_of` reads; see `assets/js/doubt.js`."""
    return gr.HTML("", js_on_load=theme.script("doubt"), apply_default_css=False, elem_id=elem_id)


def wish_of(sent: Any) -> Wish:
    """From what the browser sent. Raises BadInput for another form, or a rate that is none."""
    per_cent = sent.get("rate") if isinstance(sent, Mapping) else None
    if isinstance(per_cent, bool) or not isinstance(per_cent, int | float) or not 0 < per_cent < 100:
        raise BadInput("That is no error rate.", "Give per cent between 0 and 100, as 5.")
    return Wish(per_cent / 100, sent.get("flagged") is True)


def _not_held_out(comparison: Comparison) -> str:
    return NOT_HELD_OUT_OF_SETS if comparison.several else NOT_HELD_OUT


def _of(comparison: Comparison) -> Markup:
    best, found = comparison.best, comparison.calibration
    what = f"{best.title if best else ''}, judged on {plural(found.n if found else 0, 'item')} that it did not learn from."
    return tag("p", what, class_="st-note")
