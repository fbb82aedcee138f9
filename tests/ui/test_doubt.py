"""The sections of evidence on Compare, and what the strength of an adapter does on Test: what they say, what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio.core.errors import BadInput
from studio.core.results.comparison import Best, Comparison
from studio.core.results.evidence import Abstention, Calibration, Reliability, ReliabilityBin, RiskPoint, StrengthRow, Strengths
from studio.ui.widgets.asking import strength_at
from studio.ui.widgets.evidence import NOT_HELD_OUT, Wish, calibration_section, curve_section, doubt_section, wish_of
from studio.ui.widgets.strength import strength_plot

BINS = Reliability((ReliabilityBin(0.6, 0.7, 50), ReliabilityBin(0.9, 0.8, 50)), 0.1, 0.05, 0.07, 0.7)
PAIRS = Comparison("m", "test", (), (), "")
UNTOLD = replace(PAIRS, best=Best("instant", "Instant", "A fixed choice."))
TOLD = replace(
    UNTOLD,
    calibration=Calibration(1.5, 100, BINS, replace(BINS, ece=0.06)),
    risk=(RiskPoint(0.9, 0.5, 0.0), RiskPoint(0.4, 1.0, 0.2)),
)
CHOSEN = Abstention(0.05, 0.9, 50, 100, 0, 0.9)
STRENGTHS = Strengths(
    "run-7",
    0.5,
    (
        StrengthRow(1.0, "prompts", 0.9, 0.6, 0.04),
        StrengthRow(0.5, "prompts", 0.8, 0.65, 0.01),
        StrengthRow(0.0, "prompts", 1.1, 0.5, 0.0),
    ),
)


def test_what_was_forgotten_is_shown_where_it_was_measured() -> None:
    rows = tuple(replace(row, general=0.5 - 0.1 * row.strength) for row in STRENGTHS.rows)
    html = strength_plot(replace(STRENGTHS, rows=rows, general="the sample Catalogue, 100 answers"), 1.0)
    assert "Still known of the sample Catalogue" in html
    assert "The base model finds 50.0 %" in html
    assert "not measured itself" not in html


def test_pairs_have_no_evidence_sections() -> None:
    assert calibration_section(PAIRS) is None
    assert doubt_section(PAIRS, None, Wish(0.05, False)) is None
    assert curve_section(PAIRS) is None


def test_where_nothing_was_held_out_it_says_so_and_asks_nothing() -> None:
    for html in (calibration_section(UNTOLD), doubt_section(UNTOLD, None, Wish(0.05, False)), curve_section(UNTOLD)):
        assert html is not None and NOT_HELD_OUT in html
        assert "<input" not in html and "<details" not in html


def test_results_stand_in_the_summaries() -> None:
    calibrated, doubt = calibration_section(TOLD), doubt_section(TOLD, CHOSEN, Wish(0.05, False))
    assert calibrated is not None and "too sure; a temperature of 1.50 mends that" in calibrated.partition("</summary>")[0]
    assert doubt is not None and "Below 90 % confidence say “not sure”" in doubt.partition("</summary>")[0]


def test_the_wish_is_shown_as_it_is() -> None:
    off, on = (doubt_section(TOLD, CHOSEN, Wish(0.125, flagged)) or "" for flagged in (False, True))
    assert 'value="12.5"' in off and " checked" not in off and " checked" in on


@pytest.mark.parametrize("sent", [None, {}, {"rate": "5"}, {"rate": True}, {"rate": 0}, {"rate": 100}, {"rate": float("nan")}])
def test_a_wish_of_another_form_is_refused(sent: object) -> None:
    with pytest.raises(BadInput):
        wish_of(sent)


def test_a_wish_is_read_in_per_cent() -> None:
    assert wish_of({"rate": 12.5, "flagged": True}) == Wish(0.125, True)
    assert wish_of({"rate": 5, "flagged": "yes"}) == Wish(0.05, False)


def test_the_strength_in_use_is_ringed_and_the_runs_own_is_marked() -> None:
    html = strength_plot(STRENGTHS, 1.0)
    assert 'points="600.0,100.0 600.0,100.0" class="line dot ring"' in html  # moved most; 60 % on an axis from 50 to 65 %
    assert html.count(">chosen<") == 1 and '<th scope="row">0.5 <span' in html
    assert "finds 60.0 % of the validation items, the base model 50.0 %" in html
    assert "What was forgotten is not measured itself." in html


def test_a_model_that_has_not_moved_has_a_plot_too() -> None:
    still = replace(STRENGTHS, rows=tuple(replace(row, drift=0.0) for row in STRENGTHS.rows))
    assert "<svg" in strength_plot(still, 0.5)


def test_a_strength_that_was_not_swept_is_refused_and_none_is_the_runs() -> None:
    assert strength_at(STRENGTHS, None) == 0.5
    assert strength_at(STRENGTHS, 1) == 1.0
    for sent in (0.3, "1", [1], float("nan")):
        with pytest.raises(BadInput):
            strength_at(STRENGTHS, sent)
