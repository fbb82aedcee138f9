"""Where an item may be of several classes: sets are labels, with everything that labels have, and are never shown as classes."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from studio.core.errors import BadInput, NotFound
from studio.core.types import NONE_OF_THESE, SPLITS, ItemFilter, LabelEvent, set_of
from studio.data import truth
from studio.data.enter import Candidate, enter
from studio.data.schema import MIGRATIONS, NEWEST
from studio.data.settle import CHUNK, settle
from studio.data.store import Store
from tests.data.test_enter import Stop, stop
from tests.data.test_store import candidate, fill

CLASSES = ("red", "round", "big")


@pytest.fixture
def things(store: Store) -> Store:
    store.let_several()
    for name in CLASSES:
        store.add_class(name)
    fill(store, *(candidate(str(n), split=SPLITS[n % 3]) for n in range(12)))
    return store


def has(store: Store, *items: int) -> list[str | None]:
    return [store.item(item).label for item in items]


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("round | red", "red | round"),
        ("big;red ; round", "red | round | big"),
        ("red|red", "red"),
        (["round", "red", "round"], "red | round"),
        (("big",), "big"),
        ("none of these", NONE_OF_THESE),
        ((), NONE_OF_THESE),
    ],
)
def test_a_set_is_said_in_any_order_and_kept_in_that_of_the_classes(things: Store, said: str | Iterable[str], label: str) -> None:
    for _ in range(2):
        assert things.label(1, said, "ann").after == label  # type: ignore[arg-type]
    item = things.item(1)
    assert (item.label, set_of(item.labels), item.none) == (label, label, False)


def test_sets_are_no_classes_and_an_item_counts_for_each_of_its_classes(things: Store) -> None:
    for item, said in ((1, "red | round"), (2, "round"), (3, "red | round | big"), (4, ())):
        things.label(item, said, "ann")
    assert [(c.name, c.labelled) for c in things.classes()] == [("red", 2), ("round", 3), ("big", 1)]
    counts = things.counts()
    assert (counts.labelled, counts.none, counts.done, counts.total) == (4, 0, 4, 12)
    assert counts.by_class == {"red": {"train": 1, "test": 1}, "round": {"train": 1, "val": 1, "test": 1}, "big": {"test": 1}}
    for label, found in (("round", [1, 2, 3]), ("red", [1, 3]), ("red | round", [1]), (NONE_OF_THESE, [4]), ("blue", [])):
        for mixed in (False, True):
            assert sorted(item.id for item in things.items(ItemFilter(label=label), mixed=mixed)) == found
        assert things.count(ItemFilter(label=label)) == things.count(ItemFilter(label=label, search="name")) == len(found)
    assert things.done(range(1, 13)) == {1, 2, 3, 4}
    assert [item.id for item in things.items(ItemFilter(labelled=True))] == [1, 2, 3, 4]


@pytest.mark.parametrize("said", ["green", "red | green", ["green"], "red | red | x", "red | round | big | ", "|", "", " ; "])
def test_what_is_no_class_is_not_found_and_leaves_nothing_behind(things: Store, said: str) -> None:
    if "big" in said:
        assert things.label(1, said, "ann").after == "red | round | big"
        return
    with pytest.raises(NotFound) as refused:
        things.label(1, said, "ann")
    assert refused.value.hint and has(things, 1) == [None]
    assert things._read("SELECT count(*) FROM classes WHERE parts IS NOT NULL") == [(0,)]


def test_none_of_these_beside_a_class_contradicts_itself(things: Store) -> None:
    with pytest.raises(BadInput):
        things.label(1, "red | None of these", "ann")


@pytest.mark.parametrize("name", ["a|b", "a;b", "None of these"])
def test_signs_between_classes_cannot_be_in_a_name(things: Store, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        things.add_class(name)
    assert refused.value.hint


def test_elsewhere_an_item_is_of_one_class_and_names_are_free(store: Store) -> None:
    fill(store, candidate("a", "x | y"), candidate("b", "x; y"))
    assert [c.name for c in store.classes()] == ["x | y", "x; y"]
    assert store.count(ItemFilter(label="x | y")) == len(store.items(ItemFilter(label="x | y"))) == 1
    assert store.label(1, ["x; y"], "ann").after == "x; y"
    for several in (["x | y", "x; y"], []):
        with pytest.raises(BadInput, match="one class"):
            store.label(1, several, "ann")
    store.label_each([(2, "x | y")], "ann")
    store.none_of_these(1, "ann")
    assert (store.item(2).label, store.item(1).label, store.item(1).none) == ("x | y", None, True)


def test_none_of_these_is_a_label_like_any_other(things: Store) -> None:
    event = things.none_of_these(1, "ann", saw=None)
    assert (event.before, event.after, event.said) == (None, NONE_OF_THESE, NONE_OF_THESE)
    assert (has(things, 1), things.item(1).none, things.counts().labelled) == ([NONE_OF_THESE], False, 1)
    things.settle(2, None, "ann")
    assert has(things, 2) == [NONE_OF_THESE]
    things.undo("ann")
    things.undo("ann")
    assert (has(things, 1, 2), things.counts().labelled) == ([None, None], 0)


def test_undo_and_redo_go_class_by_class(things: Store) -> None:
    for said in ("red", "red | round", "round", None, ()):
        things.label(1, said, "ann")
    seen = []
    for step in (*[things.undo] * 5, *[things.redo] * 5):
        step("ann")
        seen += has(things, 1)
    back = [None, "round", "red | round", "red", None]
    assert seen == [*back, "red", "red | round", "round", None, NONE_OF_THESE]
    assert [e.after for e in things.history(1)][:5] == ["red", "red | round", "round", None, NONE_OF_THESE]


def test_many_items_get_a_class_beside_what_they_have_in_one_act(things: Store) -> None:
    for item, said in ((1, "red"), (2, "red | big"), (3, ()), (5, "round"), (6, "big | round")):
        things.label(item, said, "ann")
    events = things.label_each([(item, "round") for item in range(1, 7)], "ann")
    assert [event.item for event in events] == [1, 2, 3, 4] and len({event.act for event in events}) == 1
    assert has(things, 1, 2, 3, 4) == ["red | round", "red | round | big", "round", "round"]
    things.label_each([(1, None), (2, NONE_OF_THESE), (12, None)], "ann")
    assert has(things, 1, 2) == [None, NONE_OF_THESE]
    things.undo("ann")
    things.undo("ann")
    assert has(things, 1, 2, 3, 4) == ["red", "red | big", NONE_OF_THESE, None]


def test_people_differ_where_one_class_of_a_set_does(things: Store) -> None:
    things.label(1, "red", "ann", saw=None)
    things.label(1, "red | round", "ann", saw=None)
    assert things.label(1, "round;red", "ben", saw=None).stance == "aside"
    assert things.disputes() == 0
    things.label(1, "red", "ben", saw=None)
    ((dispute),) = things.disputed()
    assert [(o.author, o.said) for o in dispute.opinions] == [("ann", "red | round"), ("ben", "red")]
    assert things.agreements() == [("ann", "ben", "red | round", "red", 1)]
    things.settle(1, ["round", "red"], "cleo")
    assert (has(things, 1), things.disputes()) == (["red | round"], 0)
    assert things.label(2, (), "ann", saw=None).stance == "stands"
    assert things.label(2, "red", "ben", saw=None).stance == "aside"
    assert things.label(2, "red", "cleo", saw=NONE_OF_THESE).stance == "over"


def test_acts_at_random_agree_with_a_plain_account_of_them(things: Store) -> None:
    """Labels, counters, lists and the index of classes against the items themselves."""
    draw = random.Random(0)

    def some() -> list[str]:
        return draw.sample(CLASSES, draw.randint(0, 3))

    for _ in range(500):
        who, item = draw.choice("AB"), draw.randint(1, 6)
        match draw.choice(("label", "blind", "none", "away", "undo", "redo", "skip", "many", "settle")):
            case "label":
                said = some()
                assert things.label(item, said, who).after == set_of(name for name in CLASSES if name in said)
            case "blind":
                things.label(item, some(), who, saw=None)
            case "none":
                things.none_of_these(item, who)
            case "away":
                things.label(item, None, who)
            case "undo":
                things.undo(who)
            case "redo":
                things.redo(who)
            case "skip":
                things.skip(item, who)
            case "many":
                before, name = has(things, *range(1, 7)), draw.choice(CLASSES)
                things.label_each([(n, name) for n in range(1, 7)], who)
                for n, had in enumerate(before, 1):
                    assert things.item(n).labels == tuple(c for c in CLASSES if c == name or c in (had or "").split(" | "))
            case "settle":
                things.settle(item, some() or None, who)
        agrees_with_itself(things)
    says: dict[tuple[int, str], LabelEvent] = {}
    for item in range(1, 7):
        events = things.history(item)
        undone = {e.undoes for e in events}
        says |= {(item, e.author): e for e in events if e.kind in ("label", "redo") and e.id not in undone}
    opinions = {(item, o.author): o.said for item in range(1, 7) for o in things.opinions(item)}
    assert opinions == {key: e.said for key, e in says.items() if e.said is not None}


def agrees_with_itself(store: Store) -> None:
    items, counts = list(store.all_items()), store.counts()
    labelled = [item for item in items if item.label is not None]
    assert counts.labelled_by_split == {split: sum(item.split == split for item in labelled) for split in SPLITS}
    by_class = Counter((name, item.split) for item in labelled for name in item.labels)
    assert {(name, s): n for name, of in counts.by_class.items() for s, n in of.items() if n} == dict(by_class)
    for name in CLASSES:
        for split in (None, "train"):
            filter = ItemFilter(split, name)  # type: ignore[arg-type]
            found = [item.id for item in labelled if name in item.labels and split in (None, item.split)]
            assert [item.id for item in store.items(filter, limit=5_000)] == found and store.count(filter) == len(found)
    listed = store._read("SELECT class, split, item FROM set_items")
    names = dict(store._read("SELECT id, name FROM classes"))
    assert {(names[c], s, i) for c, s, i in listed} == {
        (name, item.split, item.id) for item in labelled for name in item.labels if len(item.labels) > 1
    }


def test_pages_of_a_class_meet_every_item_once_in_both_orders(things: Store) -> None:
    for item in range(1, 13):
        things.label(item, ("red", "red | round", "big", "red | round | big")[item % 4], "ann")
    for mixed in (False, True):
        seen: list[int] = []
        while found := things.items(ItemFilter(label="red"), seen[-1] if seen else None, 2, mixed):
            seen += [item.id for item in found]
        assert sorted(seen) == [n for n in range(1, 13) if n % 4 != 2]
        assert (seen == sorted(seen)) is not mixed


# imports


def rows(*labels: str | None, start: int = 100) -> list[Candidate]:
    return [candidate(f"row {start + n}", label) for n, label in enumerate(labels)]


def test_an_import_brings_sets_and_knows_them_again_in_any_order(things: Store) -> None:
    entered = enter(things, rows("round | red", "red", "new | big", NONE_OF_THESE, None), True, True)
    assert has(things, 13, 14, 15, 16, 17) == ["red | round", "red", "big | new", NONE_OF_THESE, None]
    assert entered.by_label == {"red": 2, "round": 1, "new": 1, "big": 1, NONE_OF_THESE: 1}
    agrees_with_itself(things)
    again = enter(things, rows("red|round", "red | round", "big;new", NONE_OF_THESE, "round|new"), True, True)
    assert (again.duplicates, len(again.conflicts), again.labelled) == (4, 1, 1)
    assert "'red'" in again.conflicts[0].reason and "'red | round'" in again.conflicts[0].reason
    assert has(things, 17) == ["round | new"]
    assert things.classes()[-1].name == "new"
    agrees_with_itself(things)


def test_of_a_large_import_every_item_is_counted_once(things: Store) -> None:
    texts = ("red | round", "round", None, NONE_OF_THESE, "a | b | red")
    enter(things, rows(*(texts[n % 5] for n in range(3 * CHUNK))), True, True)
    agrees_with_itself(things)
    assert things.counts().labelled == 4 * 3 * CHUNK // 5


def test_an_import_that_is_cut_off_leaves_no_set_behind(things: Store) -> None:
    enter(things, rows("red | round"), True, True)
    before = things._read("SELECT id, name FROM classes ORDER BY id")
    cut = rows(*("red | new" if n % 2 else "new | x" for n in range(3 * CHUNK)), start=500)
    with pytest.raises(Stop):
        enter(things, cut, True, True, stop)
    assert things._read("SELECT id, name FROM classes ORDER BY id") == before
    assert things._read("SELECT count(*) FROM set_items WHERE item > 13") == [(0,)]
    agrees_with_itself(things)


def test_what_a_person_says_during_an_import_stays_when_it_is_withdrawn(things: Store) -> None:
    def meanwhile(done: int) -> None:
        if done == CHUNK:
            things.label(1, "big | red", "ann")  # the import has brought this set, and hides it
            things.add_class("round-ish")
            things.add_class("new")  # the import has brought this class, and it comes last now
            things.label(2, "new | round-ish", "ann")
        stop(done)

    with pytest.raises(Stop):
        enter(things, rows(*("red | big", "new | round-ish") * 2 * CHUNK), True, True, meanwhile)
    settle(things)
    assert has(things, 1, 2) == ["red | big", "round-ish | new"]
    assert [c.name for c in things.classes()] == [*CLASSES, "round-ish", "new"]
    agrees_with_itself(things)


def test_hidden_truth_is_given_until_each_class_has_enough(things: Store) -> None:
    hidden = {n: ("red", "red | round", "none of these", "round;red;big")[n % 4] for n in range(1, 13)}
    things.write(lambda connection: truth.keep(connection, hidden))
    events = things.write(lambda connection: truth.give(connection, 2, 0, "ann"))
    assert events and all(event.author == "sample" for event in events)
    assert {c.name: c.labelled >= 2 for c in things.classes()} == {"red": True, "round": True, "big": True}
    assert things.count(ItemFilter(label=NONE_OF_THESE)) == 2
    assert len(things.undo("ann", "sample")) == len(events) and things.counts().labelled == 0


def test_a_project_of_the_schema_before_comes_along_whole(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    old = sqlite3.connect(path, isolation_level=None)
    for number, script in enumerate(MIGRATIONS[:4], start=1):
        old.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
    old.execute("INSERT INTO classes (id, name, phrase, position) VALUES (1, 'cat', 'cat', 0), (2, 'a | b', 'a', 1)")
    for n, of in enumerate((1, 2, None), start=1):
        old.execute(
            "INSERT INTO item_rows (id, key, content, split, name, mix, class) VALUES (?, ?, ?, 'train', 'x', ?, ?)",
            (n, f"k{n}", f'{{"text": "{n}"}}', n, of),
        )
        old.execute("INSERT INTO counters VALUES ('train', ?, 0, 1)", (of or 0,))
    old.close()
    store = Store(path)
    assert (tmp_path / "studio.db.schema-4.bak").is_file() and store._read("PRAGMA user_version") == [(NEWEST,)]
    assert has(store, 1, 2, 3) == ["cat", "a | b", None]
    store.label(3, "a | b", "ann")
    store.none_of_these(1, "ann")
    counts = store.counts()
    assert (counts.labelled, counts.none, counts.by_class) == (2, 1, {"cat": {}, "a | b": {"train": 2}})
    assert store._read("SELECT count(*) FROM sets") == store._read("SELECT count(*) FROM set_items") == [(0,)]
    store.close()
