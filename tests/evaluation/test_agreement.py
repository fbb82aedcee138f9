"""Agreement against published worked examples, and at its edges."""

from __future__ import annotations

from itertools import product

import pytest

from studio.evaluation.agreement import cohen, fleiss
from studio.evaluation.metrics import wilson

# Fleiss (1971) as worked in every textbook: 14 raters, 10 subjects, 5 categories; kappa 0.210
TABLE = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip


def test_cohens_kappa_of_a_worked_example() -> None:
    # 50 proposals: both yes 20, both no 15, one alone 5 and 10: observed 0.7, chance 0.5
    found = cohen([("yes", "yes", 20), ("yes", "no", 5), ("no", "yes", 10), ("no", "no", 15)])
    assert found.observed == pytest.approx(0.7)
    assert found.value == pytest.approx(0.4)
    assert found.items == 50
    assert found.low is not None and found.high is not None and found.low < 0.4 < found.high
    assert (found.low, found.high) == pytest.approx(tuple((share - 0.5) / 0.5 for share in wilson(35, 50)))


def test_three_items_that_agree_prove_little() -> None:
    found = cohen([("a", "a", 2), ("b", "b", 1)])
    assert found.value == 1 and found.low is not None and found.low < 0


def test_fleiss_kappa_of_a_worked_example() -> None:
    spreads = [(tuple((str(c), n) for c, n in enumerate(row) if n), 1) for row in TABLE]
    found = fleiss(spreads)
    assert found is not None
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.observed == pytest.approx(0.378, abs=5e-4)


def test_who_always_agrees_on_several_classes_has_one() -> None:
    assert cohen([("a", "a", 3), ("b", "b", 2)]).value == 1
    found = fleiss([((("a", 3),), 2), ((("b", 2),), 1)])
    assert found is not None and found.value == 1


def test_chance_alone_is_nought() -> None:
    assert cohen([(a, b, 10) for a, b in product("xy", "xy")]).value == pytest.approx(0)


def test_one_class_alone_says_nothing_about_agreement() -> None:
    found = cohen([("a", "a", 9)])
    assert (found.value, found.observed, found.items) == (None, 1.0, 9)
    assert fleiss([((("a", 2),), 5)]).value is None  # type: ignore[union-attr]


def test_without_shared_items_there_is_no_agreement() -> None:
    assert fleiss([((("a", 1),), 7)]) is None
    with pytest.raises(ValueError):
        cohen([])
