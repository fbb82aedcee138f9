"""Same items and seed, same split; what shares a picture stays together."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from studio.core.types import Item
from studio.data.splits import assign, support, validation


def item(n: int, label: str) -> Item:
    return Item(n, {"text": str(n)}, "train", str(n), label)


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


def test_where_items_may_be_of_several_classes_judging_has_its_share_of_each() -> None:
    draw, names = random.Random(0), [f"c{k}" for k in range(12)]
    items = [item(n, " | ".join(sorted(draw.sample(names, draw.randint(1, 4))))) for n in range(120)]
    train, judged = validation(items, items, said_of=lambda one: one.labels)
    assert 0.1 * 120 <= len(judged) <= 0.25 * 120 and len(train) + len(judged) == 120
    assert len({name for one in judged for name in one.labels}) >= 10
    sizes = [sum(len(one.labels) for one in part) / len(part) for part in (judged, items)]
    assert sizes[0] > 0.7 * sizes[1]
    unlike = [item(n, f"a{n} | b{n}") for n in range(60)]  # no class comes twice
    assert 6 <= len(validation(unlike, unlike, said_of=lambda one: one.labels)[1]) <= 12


def test_shots_are_counted_by_class_and_few_lie_in_many() -> None:
    draw, names = random.Random(1), ("a", "b", "c")
    items = [item(n, " | ".join(sorted(draw.sample(names, draw.randint(1, 3))))) for n in range(90)]
    few, more = ({one.id for one in support(items, shots, said_of=lambda one: one.labels)} for shots in (4, 8))
    assert few < more and len(few) <= 12
    assert all(sum(name in one.labels for one in items if one.id in few) >= 4 for name in names)
