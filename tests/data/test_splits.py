"""Same items and seed, same split; what shares a picture stays together."""

from __future__ import annotations

from collections import Counter

import pytest

from studio.core.types import Item
from studio.data.splits import assign, support, validation


def texts(per_class: dict[str | None, int]) -> list[Item]:
    labels = [label for label, n in per_class.items() for _ in range(n)]
    return [Item(n, {"text": f"{label} {n}"}, "train", str(n), label) for n, label in enumerate(labels, 1)]


def pairs(pictures: int, captions: int = 5) -> list[Item]:
    return [
        Item(p * captions + c, {"image": f"{p:064d}", "text": f"{p} {c}"}, "train", str(p))
        for p in range(pictures)
        for c in range(captions)
    ]


def test_assignment_by_hash_gives_about_the_share_and_never_changes() -> None:
    said = [assign(str(n), 0.2) for n in range(2000)]
    assert 340 < said.count("test") < 460
    assert said[:3] == [assign(str(n), 0.2) for n in range(3)]
    assert {assign(str(n), 0.0) for n in range(50)} == {"train"}


def test_supports_are_nested_balanced_and_independent_of_order() -> None:
    items = texts({"a": 30, "b": 20, "c": 3, None: 9})
    four, eight = support(items, 4, seed=1), support(reversed(items), 8, seed=1)
    assert Counter(item.label for item in eight) == {"a": 8, "b": 8, "c": 3}
    assert {item.id for item in four} < {item.id for item in eight}
    assert support(items, 4, seed=2) != four
    assert len(support(items, 0)) == 53


def test_explicit_validation_items_are_taken_first() -> None:
    items, explicit = texts({"a": 20}), [Item(99, {"text": "val"}, "val", "v", "a")]
    assert validation(items, items, explicit) == (items, explicit)


def test_labelled_items_outside_the_support_validate_in_proportion() -> None:
    items = texts({"a": 900, "b": 300})
    chosen = support(items, 8)
    train, held_out = validation(items, chosen, cap=200)
    assert train == chosen
    assert not {item.id for item in train} & {item.id for item in held_out}
    counted = Counter(item.label for item in held_out)
    assert counted.total() == 200 and 140 <= counted["a"] <= 160


def test_validation_is_held_out_of_the_support_where_that_is_everything() -> None:
    items = texts({"a": 20, "b": 3, "c": 2, "d": 1})
    train, held_out = validation(items, items)
    assert Counter(item.label for item in held_out) == {"a": 3, "b": 1}
    assert Counter(item.label for item in train) == {"a": 17, "b": 2, "c": 2, "d": 1}


@pytest.mark.parametrize("cap", [500, 20])
def test_captions_of_one_picture_never_straddle(cap: int) -> None:
    items = pairs(80)
    train, held_out = validation(items, items, cap=cap)
    assert held_out and len(held_out) <= cap
    assert not {item.key("image") for item in train} & {item.key("image") for item in held_out}
    assert len(train) + len(held_out) == 400
