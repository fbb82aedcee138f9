"""Metrics against hand-made answers and against scikit-learn's arithmetic done by hand."""

import numpy as np
import pytest

from studio.evaluation.metrics import (
    confusion,
    macro_f1,
    macro_f1_of_sets,
    mean_average_precision,
    per_class,
    scores_of_sets,
    wilson,
)


def test_confusion_has_truths_as_rows() -> None:
    table = confusion([0, 0, 1, 2], [0, 1, 1, 0], 3)
    assert table.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(("right", "n", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)])
def test_wilson_interval_matches_published_values(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=1e-4)


def test_interval_of_nothing_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_class_without_held_out_items_scores_zero_and_does_not_divide() -> None:
    scores = per_class(confusion([0, 0, 1], [0, 1, 1], 3), ["a", "b", "c"])
    assert (scores[0].precision, scores[0].recall, scores[0].support) == (1.0, 0.5, 2)
    assert (scores[2].precision, scores[2].recall, scores[2].f1, scores[2].support) == (0.0, 0.0, 0.0, 0)


def test_macro_f1_is_the_mean_over_classes_that_occur() -> None:
    value, interval = macro_f1([0, 0, 1, 1], [0, 1, 1, 1], 3)
    assert value == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert interval is not None and interval[0] <= value <= interval[1]


def test_a_class_of_one_item_leaves_no_interval_to_tell() -> None:
    assert macro_f1([0, 0, 1], [0, 0, 1], 2) == (1.0, None)


def test_macro_f1_interval_covers_the_true_value_about_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(0), 0
    for trial in range(60):
        truth = rng.integers(0, 2, 200)
        answer = np.where(rng.random(200) < 0.8, truth, 1 - truth)
        _, interval = macro_f1(truth.tolist(), answer.tolist(), 2, seed=trial)
        assert interval is not None
        inside += interval[0] <= 0.8 <= interval[1]
    assert inside >= 50


def test_perfect_answers_have_no_spread_however_rare_a_class() -> None:
    truth = [0] * 50 + [1] * 50 + [2] * 2
    assert macro_f1(truth, truth, 3) == (1.0, (1.0, 1.0))


def test_classes_of_sets_are_scored_one_by_one() -> None:
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], bool)
    said = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]], bool)
    red, round_, unseen = scores_of_sets(truth, said, ["red", "round", "unseen"])
    assert (red.precision, red.recall, red.support) == (pytest.approx(2 / 3), 1.0, 2)
    assert (round_.precision, round_.recall, round_.f1) == (1.0, 0.5, pytest.approx(2 / 3))
    assert (unseen.precision, unseen.recall, unseen.support) == (0.0, 0.0, 0)
    value, interval = macro_f1_of_sets(truth, said)
    assert value == pytest.approx((4 / 5 + 2 / 3) / 2)  # of the classes that occur
    assert interval is not None and interval[0] <= value <= interval[1]


def test_average_precision_is_of_the_ranking_alone() -> None:
    truth = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], bool)
    probabilities = np.array([[0.9, 0.5], [0.8, 0.5], [0.7, 0.5], [0.1, 0.5]])
    assert mean_average_precision(truth, probabilities) == pytest.approx((1 + 2 / 3) / 2)
    assert mean_average_precision(truth, np.full((4, 2), 0.5)) == pytest.approx((1 / 3 + 2 / 4) / 2)  # nothing for a tie
    assert mean_average_precision(np.zeros((2, 2), bool), np.zeros((2, 2))) is None


def test_the_interval_of_sets_covers_the_true_value_about_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(0), 0
    for trial in range(60):
        truth = rng.random((200, 3)) < 0.4
        said = np.where(rng.random(truth.shape) < 0.8, truth, ~truth)
        _, interval = macro_f1_of_sets(truth, said, seed=trial)
        assert interval is not None
        expected = 2 * 0.4 * 0.8 / (0.4 + 0.4 * 0.8 + 0.6 * 0.2)
        inside += interval[0] <= expected <= interval[1]
    assert inside >= 50
