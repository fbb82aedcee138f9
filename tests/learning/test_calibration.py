"""Calibration against answers whose true probabilities are known."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import comb

import pytest
import torch

from studio.core.errors import BadInput
from studio.learning.calibration import (
    calibrate,
    clopper_pearson_upper,
    fit_temperature,
    reliability,
    risk_coverage,
    threshold_for,
)


def drawn(n: int, classes: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits, labels): each label is drawn from the softmax of its logits, so the logits are calibrated."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, classes, generator=generator)
    return logits, torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)


@pytest.mark.parametrize("stretch", [0.1, 1.0, 7.0])
def test_the_temperature_undoes_a_stretch_of_calibrated_logits(stretch: float) -> None:
    logits, labels = drawn(5000)
    assert fit_temperature(stretch * logits, labels) == pytest.approx(stretch, rel=0.05)


def test_the_temperature_is_where_the_loss_is_least() -> None:
    logits, labels = drawn(2000, seed=3)
    best = fit_temperature(4 * logits, labels)
    losses = [float(torch.nn.functional.cross_entropy(4 * logits / (best * f), labels)) for f in (0.9, 1.0, 1.1)]
    assert losses[1] == min(losses)


def test_a_few_answers_that_are_all_right_do_not_claim_certainty() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.5, 0.0], [0.0, 1.0]])
    sure = (logits / fit_temperature(logits, torch.tensor([0, 1, 0, 1]))).softmax(1).max()
    assert sure < 0.99


def test_overconfident_logits_are_mended_and_no_answer_changes() -> None:
    logits, labels = drawn(3000, seed=1)
    found = calibrate(5 * logits, labels)
    assert found.after.ece < 0.03 < 0.15 < found.before.ece
    assert found.after.nll < found.before.nll
    assert sum(b.accuracy * b.n for b in found.after.bins) == pytest.approx(sum(b.accuracy * b.n for b in found.before.bins))


def test_bins_hold_equally_many_answers_and_all_of_them() -> None:
    logits, labels = drawn(1000)
    sizes = [b.n for b in reliability(logits.softmax(1), labels).bins]
    assert (len(sizes), sum(sizes)) == (15, 1000)
    assert max(sizes) - min(sizes) <= 1


def test_calibrated_answers_show_the_error_that_chance_explains() -> None:
    found = [reliability(logits.softmax(1), labels) for logits, labels in (drawn(300, seed=s) for s in range(40))]
    assert sum(f.ece for f in found) == pytest.approx(sum(f.ece_by_chance for f in found), rel=0.1)


def test_the_error_by_hand() -> None:
    probabilities = torch.tensor([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]])
    found = reliability(probabilities, torch.tensor([0, 1, 0, 0]))
    assert [(b.confidence, b.accuracy) for b in found.bins] == [pytest.approx((0.6, 0.5)), pytest.approx((0.9, 1.0))]
    assert found.ece == pytest.approx(0.1)


def test_risk_over_coverage_by_hand() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    points = risk_coverage(probabilities, torch.tensor([0, 1, 0, 1]))
    assert [(p.threshold, p.coverage, p.risk) for p in points] == [
        pytest.approx((0.9, 0.25, 0.0)),
        pytest.approx((0.8, 0.75, 1 / 3)),
        pytest.approx((0.6, 1.0, 0.5)),
    ]


def test_a_curve_ends_at_all_items_however_many_there_are() -> None:
    logits, labels = drawn(3000)
    points = risk_coverage(logits.softmax(1), labels)
    wrong = float((logits.argmax(1) != labels).double().mean())
    assert len(points) == 200
    assert (points[-1].coverage, points[-1].risk) == (1.0, pytest.approx(wrong))


def test_the_threshold_keeps_to_the_rate_and_accepts_all_it_can() -> None:
    logits, labels = drawn(2000)
    probabilities = logits.softmax(1)
    found = threshold_for(0.1, probabilities, labels)
    assert found.threshold is not None
    confidence, answer = probabilities.max(1)
    taken = confidence >= found.threshold - 1e-9
    assert int(taken.sum()) == found.accepted
    assert int((answer != labels)[taken].sum()) == found.errors
    assert found.errors <= 0.1 * found.accepted
    for lower in risk_coverage(probabilities, labels):
        assert lower.threshold >= found.threshold or lower.risk > 0.1


def test_a_certain_threshold_holds_on_new_items_about_as_often_as_it_says() -> None:
    new_logits, new_labels = drawn(20_000, seed=999)
    confidence, answer = new_logits.softmax(1).max(1)
    kept, given = 0, 0
    for seed in range(200):
        logits, labels = drawn(300, seed=seed)
        found = threshold_for(0.3, logits.softmax(1), labels, certainty=0.9)
        if found.threshold is None:
            continue
        given += 1
        kept += float((answer != new_labels)[confidence >= found.threshold].double().mean()) <= 0.3
    assert given > 150
    assert kept >= 0.9 * given


def test_certainty_costs_coverage() -> None:
    logits, labels = drawn(500)
    plain, certain = (threshold_for(0.3, logits.softmax(1), labels, c) for c in (None, 0.95))
    assert certain.accepted < plain.accepted
    assert certain.upper <= 0.3 < plain.upper


def test_where_even_the_surest_answers_are_wrong_there_is_no_threshold() -> None:
    logits, labels = drawn(50)
    found = threshold_for(0.0, logits.softmax(1), (logits.argmax(1) + 1) % 5)
    assert (found.threshold, found.accepted) == (None, 0)
    assert threshold_for(0.01, logits.softmax(1), labels, certainty=0.95).threshold is None


@pytest.mark.parametrize(("errors", "n"), [(0, 10), (3, 40), (50, 200)])
def test_clopper_pearson_solves_the_binomial(errors: int, n: int) -> None:
    upper = clopper_pearson_upper(errors, n, 0.05)
    tail = sum(comb(n, k) * upper**k * (1 - upper) ** (n - k) for k in range(errors + 1))
    assert tail == pytest.approx(0.05, rel=1e-6)


def test_scores_without_labels_are_refused() -> None:
    with pytest.raises(BadInput, match=r"\(0, 3\)"):
        fit_temperature(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))
    with pytest.raises(BadInput, match=r"1\.5"):
        threshold_for(1.5, *drawn(10))


def test_results_are_json() -> None:
    logits, labels = drawn(40)
    json.dumps([asdict(calibrate(logits, labels)), asdict(threshold_for(0.1, logits.softmax(1), labels))], allow_nan=False)
