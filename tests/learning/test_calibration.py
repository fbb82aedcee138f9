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
    fit_temperature,
    reliability,
    risk_coverage,
    threshold_for,
)


def drawn(n: int, classes: int = 5, seed: int = 0, sharp: float = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits, labels): each label is drawn from the softmax of its logits, so the logits are calibrated."""
    generator = torch.Generator().manual_seed(seed)
    logits = sharp * torch.randn(n, classes, generator=generator)
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


def test_what_a_temperature_did_is_judged_on_items_that_did_not_choose_it() -> None:
    """Of calibrated answers, on few items: fitting makes them look better on the items themselves alone."""
    fitted, crossed = [], []
    for seed in range(60):
        logits, labels = drawn(20, seed=seed)
        found = calibrate(logits, labels)
        fitted.append(reliability((logits / found.temperature).softmax(1), labels).nll)
        crossed.append(found.after.nll - found.before.nll)
        fitted[-1] -= found.before.nll
    assert sum(fitted) < 0 < sum(crossed)


def test_the_error_of_calibrated_answers_rarely_exceeds_what_chance_allows() -> None:
    found = [reliability(logits.softmax(1), labels) for logits, labels in (drawn(200, seed=s) for s in range(400))]
    assert 0.02 < sum(f.ece > f.ece_at_most for f in found) / len(found) < 0.09


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


def answered(right: list[bool]) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities of two classes, the surer the earlier, and labels."""
    sure = torch.linspace(0.99, 0.6, len(right), dtype=torch.double)
    return torch.stack([sure, 1 - sure], 1), torch.tensor([0 if r else 1 for r in right])


def test_a_threshold_gives_the_answers_that_it_counted() -> None:
    logits, labels = drawn(2000)
    probabilities = logits.softmax(1)
    found = threshold_for(0.1, probabilities, labels)
    assert found.threshold is not None
    confidence, answer = probabilities.max(1)
    taken = confidence >= found.threshold - 1e-9
    assert int(taken.sum()) == found.accepted
    assert int((answer != labels)[taken].sum()) == found.errors
    assert found.errors < 0.1 * found.accepted


@pytest.mark.parametrize(("n", "rate"), [(96, 0.1), (200, 0.05), (200, 0.1), (1000, 0.1)])
def test_new_items_keep_to_the_accepted_rate_as_often_as_it_says(n: int, rate: float) -> None:
    new = drawn(50_000, seed=999, sharp=4)[0].double().softmax(1).amax(1)
    found = [threshold_for(rate, logits.softmax(1), labels) for logits, labels in (drawn(n, seed=s, sharp=4) for s in range(300))]
    given = [one.threshold for one in found if one.threshold is not None]
    broken = sum(float(1 - new[new >= threshold].mean()) > rate for threshold in given)  # calibrated: 1 − p of them are wrong
    assert len(given) > 180
    assert broken <= 0.1 * len(found)


def test_certainty_costs_coverage() -> None:
    logits, labels = drawn(500)
    hardly, surely = (threshold_for(0.3, logits.softmax(1), labels, certainty) for certainty in (0.5, 0.95))
    assert 0 < surely.accepted < hardly.accepted


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_thresholds_are_tested_by_the_binomial_in_turn_until_one_fails(rate: float) -> None:
    def allowed(k: int) -> int:
        """Wrong answers among k up to which a higher rate is rejected; −1 where none is."""
        tail, wrong = 0.0, -1
        while (tail := tail + comb(k, wrong + 1) * rate ** (wrong + 1) * (1 - rate) ** (k - wrong - 1)) <= 0.1:
            wrong += 1
        return wrong

    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        right = (torch.rand(150, generator=generator) > torch.linspace(0, 2 * rate, 150)).tolist()
        kept = 0
        for k in [k for k in range(15, 151) if allowed(k) > allowed(k - 1) or k == 150]:
            if right[:k].count(False) > allowed(k):
                break
            kept = k
        found = threshold_for(rate, *answered(right))
        assert (found.accepted, found.errors) == (kept, right[:kept].count(False))


def test_with_too_few_items_no_threshold_is_given_and_it_says_how_many_more() -> None:
    few = threshold_for(0.05, *answered([True] * 30))  # 0.95 ** 45 is the first below 0.1
    assert (few.threshold, few.accepted, few.wanted) == (None, 0, 15)
    assert threshold_for(0.05, *answered([True] * 45)).threshold is not None
    half = threshold_for(0.05, *answered([True] * 15 + [False] * 15))
    assert (half.threshold, half.wanted) == (None, 60)


def test_more_items_would_not_help_whom_even_the_surest_answers_mislead() -> None:
    found = threshold_for(0.1, *answered([False] * 60 + [True] * 40))
    assert (found.threshold, found.wanted) == (None, None)


def test_one_wrong_label_among_the_surest_of_many_does_not_forbid_a_threshold() -> None:
    found = threshold_for(0.05, *answered([True] * 3 + [False] + [True] * 796 + [False] * 200))
    assert found.accepted > 700


def test_scores_without_labels_are_refused() -> None:
    with pytest.raises(BadInput, match=r"\(0, 3\)"):
        fit_temperature(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))
    for rate in (0.0, 1.0, 1.5):
        with pytest.raises(BadInput, match="error rate"):
            threshold_for(rate, *drawn(10))


def test_results_are_json() -> None:
    logits, labels = drawn(40)
    json.dumps([asdict(calibrate(logits, labels)), asdict(threshold_for(0.1, logits.softmax(1), labels))], allow_nan=False)
