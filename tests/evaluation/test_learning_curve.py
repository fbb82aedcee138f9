"""Learning curves of real predictors on made-up clouds, where more labels can be bought to see whether the forecast held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest

from studio.evaluation.advice import Gain, Tuning, advise
from studio.evaluation.learning_curve import (
    FEWEST,
    FOLDS,
    WIDENED,
    Forecast,
    fit,
    forecast,
    learning_curve,
    learning_curve_of_sets,
    measure,
)

CLASSES = ("metal", "glass", "paper")
Points = np.ndarray


def clouds(per_class: Sequence[int], seed: int, spread: float = 1.6) -> tuple[Points, Points]:
    """(features `[n, 24]`, labels `[n]`): 'glass' lies close to 'metal'."""
    centres = np.random.default_rng(5).standard_normal((3, 24))
    centres[1] = centres[0] + 0.35 * (centres[1] - centres[0])
    labels = np.repeat(np.arange(3), per_class)
    return centres[labels] + spread * np.random.default_rng(seed).standard_normal((len(labels), 24)), labels


def nearest_mean(x: Points, y: Points, judge: Points) -> Points:
    means = np.stack([x[y == c].mean(0) if (y == c).any() else np.full(x.shape[1], 99.0) for c in range(3)])
    return np.asarray(((judge[:, None] - means) ** 2).sum(2).argmin(1))


def answering(x: Points, y: Points):  # type: ignore[no-untyped-def]
    return lambda learn, judge: nearest_mean(x[learn], y[learn], x[judge]) == y[judge]


def test_no_item_is_judged_by_what_learnt_from_it_and_each_once_a_size() -> None:
    labels = np.repeat(np.arange(3), 8)
    judged: list[tuple[int, int]] = []

    def answer(learn: Sequence[int], judge: Sequence[int]) -> list[bool]:
        assert not set(learn) & set(judge)
        judged.extend((len(learn), place) for place in judge)
        return [False] * len(judge)

    nested = measure(labels, answer)
    repeats, sizes, n = nested.right.shape
    assert len(judged) == repeats * sizes * n
    assert sum(place == 0 for _, place in judged) == repeats * sizes


def test_subsets_are_nested_and_keep_the_classes_shares() -> None:
    labels = np.repeat(np.arange(3), (30, 20, 10))
    seen: dict[tuple[int, ...], list[set[int]]] = {}

    def answer(learn: Sequence[int], judge: Sequence[int]) -> list[bool]:
        seen.setdefault(tuple(judge), []).append(set(learn))
        return [False] * len(judge)

    measure(labels, answer)
    for chain in seen.values():
        assert all(a < b for a, b in pairwise(chain))
        for subset in chain:
            counts = np.bincount(labels[list(subset)], minlength=3) / len(subset)
            assert counts == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=2 / len(subset))


def test_with_one_class_growing_the_others_keep_all_their_labels() -> None:
    labels = np.repeat(np.arange(3), 10)
    others: set[int] = set()
    grown: set[int] = set()

    def answer(learn: Sequence[int], judge: Sequence[int]) -> list[bool]:
        counts = np.bincount(labels[list(learn)], minlength=3)
        others.update(int(c) for c in counts[[0, 2]])
        grown.add(int(counts[1]))
        return [False] * len(judge)

    measure(labels, answer, only=1)
    assert others == {8}
    assert min(grown) < 8 == max(grown)


def test_the_law_is_found_where_it_holds() -> None:
    sizes = np.array([20.0, 40.0, 80.0, 160.0, 320.0])
    a, b, c = fit(sizes, (0.9 - 1.2 * sizes**-0.5)[None])
    assert float((a + b * 1280.0**-c)[0]) == pytest.approx(0.9 - 1.2 * 1280**-0.5, abs=0.01)


@pytest.mark.parametrize("curve", [[0.5, 0.45, 0.4, 0.3], [0.2, 0.6, 0.95, 1.0]])
def test_no_forecast_falls_with_more_labels_or_exceeds_one(curve: list[float]) -> None:
    a, b, c = fit(np.array([10.0, 20.0, 40.0, 80.0]), np.array([curve]))
    ahead = [float((a + b * n**-c)[0]) for n in (80.0, 160.0, 1e6)]
    assert ahead == sorted(ahead)
    assert ahead[-1] <= 1.0


def test_the_band_holds_what_twice_the_labels_bring_about_as_often_as_it_says() -> None:
    held, truth = clouds((600, 600, 600), 999)
    inside = 0
    for seed in range(25):
        x, y = clouds((24, 24, 24), seed)
        first = np.concatenate([np.flatnonzero(y == c)[:12] for c in range(3)])
        found = forecast(measure(y[first], answering(x[first], y[first]), seed))
        assert found is not None
        _, low, high = found.accuracy(len(y))
        inside += low <= float((nearest_mean(x, y, held) == truth).mean()) <= high
    assert 15 <= inside <= 25


def test_an_accuracys_band_is_widened_as_measured_within_what_can_be_and_a_gains_is_not() -> None:
    laws = np.linspace(-0.1, 0.1, 400)
    level, flat = np.ones(400), np.zeros(400)
    assert Forecast(0.5 + laws, flat, level, 0.0).accuracy(100) == pytest.approx(
        (0.5, 0.5 - 0.08 * WIDENED, 0.5 + 0.08 * WIDENED)
    )
    assert Forecast(0.95 + laws, flat, level, 0.0).accuracy(100)[2] == 1.0
    assert Forecast(0.05 + laws, flat, level, 0.0).accuracy(100)[1] == 0.0
    assert Forecast(level, laws, level, 0.0).gain(1, 2) == pytest.approx((0.0, -0.04, 0.04))


def test_a_few_labels_give_no_forecast_and_the_advice_says_so() -> None:
    x, y = clouds((2, 2, 2), 0)
    found = learning_curve(y.tolist(), CLASSES, answering(x, y))
    assert len(found.measured) < FEWEST
    assert found.forecast == ()
    assert found.advice.startswith("Too few labels to say yet")


def test_the_class_that_is_found_least_is_named() -> None:
    x, y = clouds((30, 5, 30), 3)
    found = learning_curve(y.tolist(), CLASSES, answering(x, y))
    assert found.weakest in ("metal", "glass")
    assert found.forecast[0].labels == 65


def test_of_sets_a_rare_class_does_not_shorten_the_curve() -> None:
    x, y = clouds((20, 19, 20), 0)
    x, rarest = np.concatenate([x, x[:1]]), [*y.tolist(), 3]  # a set that one item alone has
    y = np.append(y, 0)
    found = learning_curve_of_sets(rarest, (), answering(x, y))
    assert found.measured[-1].labels == 60 * (FOLDS - 1) // FOLDS and len(found.measured) >= FEWEST
    assert found.forecast[0].labels == 60 and found.weakest is None
    assert learning_curve_of_sets(rarest, ("red",), answering(x, y)).advice.startswith("Label 'red' first")


def test_the_same_labels_give_the_same_curve_and_it_is_json() -> None:
    x, y = clouds((10, 10, 10), 0)
    one, two = (learning_curve(y.tolist(), CLASSES, answering(x, y)) for _ in range(2))
    assert one == two
    json.dumps(asdict(one), allow_nan=False)


def test_advice_promises_the_fewest_labels_that_surely_help() -> None:
    gains = [
        Gain(10, "glass", 0.012, -0.004, 0.03),
        Gain(40, "glass", 0.031, 0.02, 0.042),
        Gain(80, "glass", 0.05, 0.03, 0.07),
    ]
    said = advise(gains, ("glass", 0.4), Tuning(-0.01, 0.02))
    assert said == (
        "About 40 more labels of 'glass' should bring 3 ± 1 points; "
        "fine-tuning is unlikely to help yet (−1 ± 2 points when tried)."
    )


@pytest.mark.parametrize(
    ("gains", "tuning", "words"),
    [
        ([Gain(80, None, 0.004, 0.0, 0.008)], None, "More labels should bring little: less than 1 point for 80 more"),
        (
            [Gain(80, None, 0.02, -0.01, 0.06)],
            None,
            "It cannot be said yet what more labels bring: 80 more could bring between −1 and 6",
        ),
        ([], None, "start with 'glass', found least (40 %)"),
        ([], None, "whether fine-tuning helps at this size is not known yet"),
        ([], Tuning(0.04, 0.01), "fine-tuning helps already (4 ± 1 points when tried)"),
        ([], Tuning(0.0, 0.01, chosen=True), "about as many rightly (0 ± 1 points when tried), but with better probabilities"),
    ],
)
def test_advice_says_what_is_not_known(gains: list[Gain], tuning: Tuning | None, words: str) -> None:
    assert words in advise(gains, ("glass", 0.4), tuning)


def test_a_few_labels_of_which_some_are_single_give_one_size_and_no_forecast() -> None:
    """Each class's label may be the one that is held out."""
    labels = [0, 0, 1, 1, 2, 3]
    found = learning_curve(labels, ("a", "b", "c", "d"), lambda learn, judge: [True] * len(judge))
    assert len(found.measured) == 1 and found.forecast == ()
