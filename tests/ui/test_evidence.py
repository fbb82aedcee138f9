"""Plots of evidence: what they say, where they put it, and that names stay text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from studio.core.results.comparison import Best, Comparison
from studio.core.results.evidence import (
    Abstention,
    Calibration,
    CurvePoint,
    Ladder,
    LearningCurve,
    Reliability,
    ReliabilityBin,
    RiskPoint,
    RungRow,
)
from studio.core.results.training import TrialRow
from studio.ui.widgets.evidence import curve_section
from studio.ui.widgets.ladder import ladder_table
from studio.ui.widgets.learning_curve import learning_curve_plot
from studio.ui.widgets.plot import Axis, Plot, shares
from studio.ui.widgets.reliability import calibration_words, reliability_diagram
from studio.ui.widgets.risk_coverage import risk_coverage_plot
from studio.ui.widgets.trials import trials_plot

HOSTILE = "<script>alert(1)</script>"

BEFORE = Reliability((ReliabilityBin(0.7, 0.5, 10), ReliabilityBin(0.95, 0.6, 10)), 0.275, 0.05, 0.08, 1.2)
AFTER = Reliability((ReliabilityBin(0.4, 0.5, 10), ReliabilityBin(0.65, 0.6, 10)), 0.075, 0.06, 0.09, 0.8)
RISKS = (RiskPoint(0.9, 0.2, 0.0), RiskPoint(0.7, 0.5, 0.1), RiskPoint(0.3, 1.0, 0.25))
CHOSEN = Abstention(0.1, 0.7, 50, 100, 2, 0.9)
CURVE = LearningCurve(
    (CurvePoint(20, 0.5, 0.4, 0.6), CurvePoint(40, 0.6, 0.52, 0.68)),
    (CurvePoint(50, 0.62, 0.55, 0.7), CurvePoint(200, 0.7, 0.6, 0.8)),
    0.8,
    f"About 40 more labels of '{HOSTILE}' should bring 3 ± 1 points.",
    HOSTILE,
)
TRIALS = (
    TrialRow(1, {"rank": 8, "lr": 2e-4}, 0.8, 60.0, "done"),
    TrialRow(2, {"rank": 4, "lr": 3e-4}, 0.6, 50.0, "done"),
    TrialRow(3, {"rank": 2, "lr": 1e-3}, 0.5, 9.0, "pruned"),
    TrialRow(4, {"rank": 2, "lr": 9e-4, "layers": HOSTILE}, None, 3.0, "failed"),
)
LADDER = Ladder(
    (
        RungRow("zero_shot", "Zero-shot", "no training", 0.45, (0.4, 0.5), 1.2, 0.1, 0.0),
        RungRow("instant", "Instant", "96 labels", 0.62, (0.55, 0.69), 0.9, 0.08, 0.012),
        RungRow("lora", "LoRA", HOSTILE, why_not="No finished run."),
    ),
    "instant",
    "Instant: the least loss, and nothing costlier was tried.",
    "96 labels, out of fold",
)


def points(html: str, kind: str) -> list[tuple[float, float]]:
    """Of the first shape with these classes."""
    found = re.search(rf'points="([^"]*)" class="{kind}"', html)
    assert found is not None
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in found[1].split())]


def test_a_calibrated_bin_lies_on_the_diagonal_and_an_overconfident_one_below() -> None:
    html = reliability_diagram(replace(CALIBRATION, after=replace(AFTER, bins=(ReliabilityBin(0.5, 0.5, 1),) * 2)))
    assert points(html, "line thin") == [(0.0, 300.0), (600.0, 0.0)]
    assert points(html, "line line0")[0] == (300.0, 150.0)
    x, y = points(html, "line line1 dashed")[1]
    assert y > 300 * (1 - x / 600)


CALIBRATION = Calibration(2.0, 20, BEFORE, AFTER)


def test_the_calibration_error_is_said_with_what_chance_alone_would_show() -> None:
    html = reliability_diagram(CALIBRATION)
    assert "too sure; a temperature of 2.00 mends that" in html
    assert "differ by 7.5 % on average (27.5 % before). Chance alone would show 6.0 % on 20 items." in html
    assert "too cautious" in reliability_diagram(replace(CALIBRATION, temperature=0.5))
    assert "other half" in html


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.058, 0.055, "can be believed as far as 20 items can tell: confidence and accuracy differ by 5.8 % on average; "),
        (0.2, 0.19, "are off: confidence and accuracy differ by 20.0 % on average; chance alone would show 5.0 % on 20 items"),
        (0.2, 0.19, "A temperature of 2.00 hardly lessens that: 19.0 %."),
        (0.2, 0.12, "too sure; a temperature of 2.00 lessens that"),
    ],
)
def test_a_temperature_is_said_to_mend_what_it_mended_alone(before: float, after: float, words: str) -> None:
    found = replace(CALIBRATION, before=replace(BEFORE, ece=before), after=replace(AFTER, ece=after))
    assert words in calibration_words(found)
    assert "mends" not in calibration_words(found)


def test_the_chosen_threshold_is_a_dot_on_the_curve_and_a_sentence() -> None:
    html = risk_coverage_plot(RISKS, CHOSEN)
    assert points(html, "line dot line0")[0][0] == 300.0
    assert "Below 70 % confidence say “not sure”: 50 % of the items get an answer, 2 of these 50 were wrong." in html


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (None, "Where every item gets an answer, 25.0 % of them are wrong."),
        (
            Abstention(0.01, None, 0, 100, 0, 0.9, 130),
            "with 90 % certainty that at most 1.0 % of new answers are wrong. About 130 more labelled ones could",
        ),
        (Abstention(0.01, None, 0, 100, 0, 0.9), "More of them alone would not either"),
        (Abstention(0.4, 0.3, 100, 100, 25, 0.9), "Every item can get an answer: 25 of 100 were wrong"),
        (CHOSEN, "Of answers to new items like these at most 10.0 % are wrong, with 90 % certainty."),
    ],
)
def test_what_a_threshold_promises_is_said(chosen: Abstention | None, words: str) -> None:
    assert words in risk_coverage_plot(RISKS, chosen)


def test_no_answers_make_no_plot() -> None:
    assert "<svg" not in risk_coverage_plot(())


def test_labels_lie_on_a_logarithmic_axis() -> None:
    xs = [x for x, _ in points(learning_curve_plot(CURVE, several=False) or "", "line line0")]
    assert xs == pytest.approx([0.0, 600 * 0.30103], abs=0.2)


def with_curve(curve: LearningCurve) -> Comparison:
    return Comparison("m", "test", (), (), "", best=Best("linear", "Linear head", ""), curve=curve)


def test_the_advice_is_escaped_and_the_forecast_is_dashed_within_a_band() -> None:
    html = curve_section(with_curve(CURVE)) or ""
    assert HOSTILE not in html
    assert "should bring 3 ± 1 points." in html
    assert len(points(html, "line line1 dashed")) == 3
    assert len(points(html, "band")) == 8
    assert "With 200 labels 70 % are expected (60 % to 80 %)" in html


def test_the_band_promises_no_more_than_was_measured() -> None:
    html = learning_curve_plot(CURVE, several=False) or ""
    assert "to hold the truth about 80 % of the time on other data sets" in html


def test_without_a_forecast_the_advice_stands_alone() -> None:
    html = curve_section(with_curve(replace(CURVE, measured=CURVE.measured[:1], forecast=(), advice="Too few labels."))) or ""
    assert "Too few labels." in html
    assert "<svg" not in html and "<details" not in html


def test_the_best_finished_trial_is_marked_not_one_that_was_stopped() -> None:
    html = trials_plot(TRIALS)
    assert "4 trials in 2 min; trial 2 is best, with a loss of 0.600" in html
    assert html.count(">best<") == 1
    assert re.search(r'<tr class="best"><th scope="row">2 ', html)


def test_the_trial_that_the_search_took_is_marked_though_another_has_less_loss() -> None:
    rows = [replace(row, run=f"run-{row.number}") for row in TRIALS]
    html = trials_plot(rows, False, "run-1")
    assert re.search(r'<tr class="best"><th scope="row"><button[^>]*>1<', html)
    assert "trial 1 is taken" in html and "trial 2 is not below the preset&#x27;s by more than chance" in html


def test_a_trial_that_was_kept_before_its_last_step_is_said_to_be_cut_short() -> None:
    short = TrialRow(1, {"steps": 150}, 0.7, 30.0, "done", steps=1)
    html = trials_plot([short, replace(short, number=2, steps=150)])
    assert html.count("cut short") == 1 and html.count(">done<") == 1 and "1 of 150" in html


def test_trials_are_listed_with_all_settings_best_first_and_escaped() -> None:
    html = trials_plot(TRIALS)
    assert HOSTILE not in html
    assert re.findall(r'<th scope="row">(\d)', html) == ["2", "1", "3", "4"]
    assert '<th scope="col">layers</th>' in html


def test_a_search_without_a_finished_trial_has_no_plot() -> None:
    assert "none has finished yet" in trials_plot(TRIALS[2:])
    assert "<svg" not in trials_plot(TRIALS[2:])
    assert "No trial has started yet." in trials_plot(())


def test_the_ladder_marks_one_best_rung() -> None:
    html = ladder_table(LADDER)
    assert html.count('<tr class="best">') == 1
    for figure in ("62.0 %", "0.90", "± 0.08", "12 ms", "96 labels, out of fold"):
        assert figure in html


def test_a_rung_without_a_result_says_why_and_its_note_stays_text() -> None:
    html = ladder_table(LADDER)
    assert "No finished run." in html
    assert HOSTILE not in html
    assert html.count('role="img"') == 2


def test_whiskers_lie_where_the_interval_lies_on_the_axis() -> None:
    # from 40 to 70 %
    assert "left:50.00%;width:46.67%" in ladder_table(LADDER)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        (0.41, 0.68, ["40 %", "50 %", "60 %", "70 %"]),
        (1.0, 1.0, ["99 %", "100 %"]),
    ],
)
def test_axes_have_round_ticks_that_hold_the_figures(low: float, high: float, ticks: list[str]) -> None:
    axis = shares(low, high, "")
    assert [words for _, words in axis.ticks] == ticks
    assert axis.low <= low <= high <= axis.high


def test_what_lies_beyond_an_axis_is_drawn_at_its_edge() -> None:
    plot = Plot(Axis(0, 1, (), ""), Axis(0, 1, (), ""))
    assert 'points="600.0,0.0 600.0,0.0"' in plot.dots([(5, 5)], "line0")[0]
