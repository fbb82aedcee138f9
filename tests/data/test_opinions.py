"""Several people on one item: what was said first stays, what else was said is kept, and somebody settles it."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from studio.core.errors import BadInput
from studio.core.types import NONE_OF_THESE, ItemFilter
from studio.data import labels
from studio.data.schema import MIGRATIONS, NEWEST
from studio.data.store import Store
from tests.data.test_store import candidate, fill


@pytest.fixture
def pets(store: Store) -> Store:
    fill(store, *(candidate(text) for text in "abcdef"))
    store.ensure_classes(["cat", "dog"])
    return store


def said(store: Store) -> list[list[tuple[str, str]]]:
    return [[(o.author, o.said) for o in dispute.opinions] for dispute in store.disputed()]


def test_who_had_not_seen_anothers_label_does_not_replace_it(pets: Store) -> None:
    assert pets.label(1, "cat", "ann", saw=None).stance == "stands"
    event = pets.label(1, "dog", "ben", saw=None)
    assert (event.stance, event.said, event.after) == ("aside", "dog", "cat")
    assert pets.item(1).label == "cat"
    assert said(pets) == [[("ann", "cat"), ("ben", "dog")]]


def test_who_says_the_same_without_having_seen_it_agrees(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    assert pets.label(1, "cat", "ben", saw=None).stance == "aside"
    assert pets.disputes() == 0
    assert pets.agreements() == [("ann", "ben", "cat", "cat", 1)]


def test_who_has_seen_it_says_it_over_the_other_and_settles_it(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    assert pets.label(1, "dog", "cleo", saw="cat").stance == "over"
    assert (pets.item(1).label, pets.disputes()) == ("dog", 0)
    assert pets.agreements() == [("ann", "ben", "cat", "dog", 1)]  # cleo's is no independent opinion
    pets.undo("cleo")
    assert (pets.item(1).label, pets.disputes()) == ("cat", 1)
    pets.redo("cleo")
    assert (pets.item(1).label, pets.disputes()) == ("dog", 0)


def test_who_says_the_standing_label_again_settles_it_too(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    pets.label(1, "cat", "cleo", saw="cat")
    assert (pets.item(1).label, pets.disputes()) == ("cat", 0)


def test_a_label_of_ones_own_is_changed_and_not_disputed(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    assert pets.label(1, "dog", "ann", saw=None).stance == "stands"  # from another tab of hers
    assert (pets.item(1).label, pets.disputes()) == ("dog", 0)


def test_an_imported_label_is_nobodys(store: Store) -> None:
    fill(store, candidate("a", "cat"), candidate("b", "dog"))
    assert store.label(1, "dog", "ann", saw=None).stance == "stands"
    assert (store.item(1).label, store.disputes()) == ("dog", 0)


def test_undo_takes_back_what_was_put_aside(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    pets.undo("ben")
    assert (pets.item(1).label, pets.disputes(), pets.agreements()) == ("cat", 0, [])
    pets.redo("ben")
    assert said(pets) == [[("ann", "cat"), ("ben", "dog")]]


def test_undo_leaves_the_item_with_what_somebody_else_says(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    pets.undo("ann")
    assert (pets.item(1).label, pets.disputes()) == ("dog", 0)
    pets.redo("ann")
    assert (pets.item(1).label, pets.disputes()) == ("cat", 1)


def test_who_settles_their_own_dispute_does_not_agree_the_more_for_it(pets: Store) -> None:
    for item, ben in ((1, "cat"), (2, "dog")):
        pets.label(item, "cat", "ann", saw=None)
        pets.label(item, ben, "ben", saw=None)
    pets.settle(2, "dog", "ann")
    pets.label(2, "cat", "ben", saw="dog")
    assert pets.agreements() == [("ann", "ben", "cat", "cat", 1), ("ann", "ben", "cat", "dog", 1)]
    assert pets.shared() == [((("cat", 2),), 1), ((("cat", 1), ("dog", 1)), 1)]
    assert (pets.disputes(), pets.item(2).label) == (0, "cat")


def test_who_is_told_and_says_it_again_has_seen_it(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    assert pets.label(1, "cat", "ben", saw="cat").stance == "over"
    assert pets.agreements() == [("ann", "ben", "cat", "dog", 1)]


def test_what_nobody_says_any_more_is_gone(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    pets.undo("ann")
    pets.undo("ben")
    assert (pets.item(1).label, pets.people()) == (None, [])


def test_anothers_skip_does_not_stand_in_the_way_of_undo(pets: Store) -> None:
    pets.label(1, "cat", "ann")
    pets.label(2, "cat", "ann")
    pets.skip(2, "ben")
    (undone,) = pets.undo("ann")
    assert undone.item == 2
    assert pets.item(2).label is None


def test_what_was_cleared_is_not_disputed(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "cat", "ben", saw=None)
    pets.write(lambda connection: labels.drop(connection, 1, "ann"))
    assert (pets.item(1).label, pets.disputes()) == (None, 0)
    pets.undo("ann")
    assert pets.item(1).label == "cat"
    pets.redo("ann")
    assert pets.item(1).label is None


def test_the_datas_own_labels_are_nobodys_opinion(pets: Store) -> None:
    pets.label_each([(1, "cat")], "sample")
    assert pets.label(1, "dog", "ann", saw=None).stance == "stands"
    assert [(p.name, p.labels) for p in pets.people()] == [("ann", 1)]


def test_who_skips_an_item_is_not_asked_for_a_second_opinion_again(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    assert [i.id for i in pets.wanting("ben", 2, 1.0, 0, 9)] == [1]
    pets.skip(1, "ben")
    assert pets.wanting("ben", 2, 1.0, 0, 9) == []
    pets.undo("ben")
    assert [i.id for i in pets.wanting("ben", 2, 1.0, 0, 9)] == [1]


def test_what_another_has_written_meanwhile_stays(pets: Store) -> None:
    pets.note(1, "blurred", "ann", saw="")
    pets.note(1, "ask Jo", "ben", saw="")
    assert pets.item(1).note == "blurred / ask Jo"
    pets.note(1, "clear", "ben", saw="blurred / ask Jo")
    assert pets.item(1).note == "clear"
    pets.set_guideline("cat", "has whiskers", saw="")
    pets.set_guideline("cat", "meows", saw="")
    assert pets.classes()[0].guideline == "has whiskers / meows"


def test_a_third_opinion_does_not_overrule_what_was_settled(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw="cat")
    pets.label(1, "cat", "cleo", saw=None)
    assert (pets.item(1).label, pets.disputes()) == ("dog", 1)


def test_none_of_these_is_done_and_no_label(pets: Store) -> None:
    event = pets.none_of_these(1, "ann", saw=None)
    assert (event.after, event.said) == (NONE_OF_THESE, NONE_OF_THESE)
    counts = pets.counts()
    assert (counts.none, counts.labelled, counts.skipped, counts.done) == (1, 0, 0, 1)
    waiting = ItemFilter(labelled=False, skipped=False)
    assert [item.id for item in pets.items(waiting)] == [2, 3, 4, 5, 6]
    assert pets.count(waiting) == 5
    assert [item.none for item in pets.items(ItemFilter(none=True))] == [True]
    assert pets.count(ItemFilter(labelled=False, skipped=True)) == 0
    pets.label(1, "cat", "ben", saw=None)
    assert said(pets) == [[("ann", NONE_OF_THESE), ("ben", "cat")]]
    pets.label(1, "cat", "ben", saw=NONE_OF_THESE)
    assert (pets.item(1).label, pets.item(1).none, pets.disputes()) == ("cat", False, 0)
    pets.undo("ben")
    assert pets.item(1).none


def test_a_class_cannot_be_called_none_of_these(pets: Store) -> None:
    with pytest.raises(BadInput):
        pets.add_class("None of these")


def test_a_note_is_an_act_beside_the_label(pets: Store) -> None:
    pets.label(1, "cat", "ann")
    pets.note(1, "blurred", "ben")
    pets.note(1, "blurred, ask Jo", "ben")
    assert (pets.item(1).note, pets.item(1).label) == ("blurred, ask Jo", "cat")
    assert [item.id for item in pets.items(ItemFilter(search="jo"))] == [1]
    assert [item.id for item in pets.items(ItemFilter(noted=True))] == [1]
    pets.undo("ann")  # nobody has replaced her label
    pets.undo("ben")
    assert (pets.item(1).note, pets.item(1).label) == ("blurred", None)
    assert [e.kind for e in pets.history(1)] == ["label", "note", "note", "undo", "undo"]
    with pytest.raises(BadInput):
        pets.note(1, "x" * 2_001, "ben")


def test_people_are_counted_along(pets: Store) -> None:
    for item in (1, 2, 3):
        pets.label(item, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    pets.undo("ann")
    pets.label_each([(4, "cat"), (5, "dog")], "ben")
    assert [(p.name, p.labels) for p in pets.people()] == [("ben", 3), ("ann", 2)]


def test_opinions_are_what_the_events_say_whatever_happened(pets: Store) -> None:
    """Three people at random against a plain account of it."""
    draw = random.Random(0)
    for _ in range(600):
        who, item = draw.choice("ABC"), draw.randint(1, 4)
        match draw.choice(("label", "blind", "none", "undo", "redo", "skip", "many")):
            case "label":
                pets.label(item, draw.choice(("cat", "dog")), who)
            case "blind":
                pets.label(item, draw.choice(("cat", "dog")), who, saw=None)
            case "none":
                pets.none_of_these(item, who, saw=draw.choice((None, "cat", ...)))
            case "undo":
                pets.undo(who)
            case "redo":
                pets.redo(who)
            case "skip":
                pets.skip(item, who)
            case "many":
                pets.label_each([(n, draw.choice(("cat", "dog"))) for n in (1, 2, 3)], who)
    events = [e for item in range(1, 7) for e in pets.history(item)]
    undone = {e.undoes for e in events if e.undoes is not None}
    newest = {(e.item, e.author): e for e in events if e.kind in ("label", "none", "redo") and e.id not in undone}
    assert {p.name: p.labels for p in pets.people()} == {
        who: n for who in "ABC" if (n := sum(author == who for _, author in newest))
    }
    has = {i: pets.item(i) for i in range(1, 7)}
    over = {
        i: max([e.id for e in events if e.item == i and e.stance == "over" and e.kind != "undo" and e.id not in undone] or [0])
        for i in has
    }
    disputed = {
        i for (i, _), e in newest.items() if e.id > over[i] and e.said != (NONE_OF_THESE if has[i].none else has[i].label)
    }
    assert {d.item.id for d in pets.disputed()} == {i for i in disputed if has[i].label or has[i].none}
    says = {(i, e.said) for (i, _), e in newest.items()}
    assert all((i, NONE_OF_THESE if item.none else item.label) in says for i, item in has.items() if item.label or item.none)


def test_second_opinions_are_asked_of_who_has_not_spoken_and_of_no_settled_item(store: Store) -> None:
    """Four people at random against a plain account of it, for every number of people, share and place."""
    fill(store, *(candidate(f"text {n}") for n in range(30)))
    store.ensure_classes(["cat", "dog"])
    draw, seen = random.Random(3), 0
    for _ in range(300):
        who, item = draw.choice("ABCD"), draw.randint(1, 30)
        match draw.choice(("blind", "blind", "blind", "over", "undo", "redo", "skip")):
            case "blind":
                store.label(item, draw.choice(("cat", "dog")), who, saw=None)
            case "over":
                store.label(item, draw.choice(("cat", "dog")), who)
            case "undo":
                store.undo(who)
            case "redo":
                store.redo(who)
            case "skip":
                store.skip(item, who)
        author, people, share, after = draw.choice("ABCDE"), draw.randint(2, 4), draw.choice((0.3, 1.0)), draw.choice((0, 9))
        expected = [item for item in range(after + 1, 31) if _wants(store, item, author, people, share)]
        assert [i.id for i in store.wanting(author, people, share, after, 4)] == expected[:4]
        seen += len(expected)
    assert seen > 300


def _wants(store: Store, item: int, author: str, people: int, share: float) -> bool:
    rows = store.write(lambda c: c.execute("SELECT author, independent FROM opinions WHERE item = ?", (item,)).fetchall())
    mix = store.write(lambda c: c.execute("SELECT mix FROM items WHERE id = ?", (item,)).fetchone()[0])
    events = store.history(item)
    undone = {e.undoes for e in events}
    skipped = any(e.kind == "skip" and e.author == author and e.id not in undone for e in events)
    said = {who for who, _ in rows}
    settled = not all(own for _, own in rows)
    return 0 < len(said) < people and author not in said and not settled and not skipped and abs(mix) % 1000 < 1000 * share


def test_an_older_project_keeps_its_labels_and_counts_them_as_opinions(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    old = sqlite3.connect(path, isolation_level=None)
    for number, script in enumerate(MIGRATIONS[:3], start=1):
        old.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
    old.execute("INSERT INTO classes (id, name, phrase, position) VALUES (1, 'cat', 'cat', 0), (2, 'dog', 'dog', 1)")
    for n in (1, 2, 3, 4):
        old.execute(
            "INSERT INTO item_rows (id, key, content, split, name, mix, class) VALUES (?, ?, ?, 'train', 'x', 1, ?)",
            (n, f"k{n}", f'{{"text": "{n}"}}', None if n > 2 else 1),
        )
    event = (
        "INSERT INTO label_events (id, item, kind, author, at, undoes, class_before, class_after, skipped_before, skipped_after)"
        " VALUES (?, ?, ?, 'me', ?, ?, ?, ?, 0, 0)"
    )
    for row in ((1, 1, "label", 5.0, None, None, 2), (2, 1, "label", 6.0, None, 2, 1), (3, 2, "label", 7.0, None, None, 1),
                (4, 4, "label", 7.1, None, None, 1), (5, 4, "label", 7.2, None, 1, None), (6, 3, "label", 8.0, None, None, 1),
                (7, 3, "undo", 9.0, 6, 1, None)):  # fmt: skip
        old.execute(event, row)
    old.execute(event.replace("'me'", "'bob'"), (8, 2, "label", 9.7, None, 1, 1))
    old.close()
    store = Store(path)
    try:
        assert [store.item(n).label for n in (1, 2, 3)] == ["cat", "cat", None]
        assert [(p.name, p.labels, p.latest) for p in store.people()] == [("me", 2, 7.0), ("bob", 1, 9.7)]
        assert store.agreements() == []  # he saw what stood there
        assert [i.id for i in store.wanting("cleo", 3, 1.0, 0, 9)] == [1]
        assert store.label(2, "dog", "ann", saw=None).stance == "aside"
        assert store.disputes() == 1
        store.redo("me")
        assert store.item(3).label == "cat"
        assert store.undo("me")[0].item == 3
        assert (tmp_path / "studio.db.schema-3.bak").is_file() and NEWEST >= 4
    finally:
        store.close()


def test_an_item_keeps_what_somebody_still_says_of_it(pets: Store) -> None:
    """An own earlier word comes back, and another's comes up."""
    pets.ensure_classes(["cow"])
    pets.label(1, "cat", "ann", saw=None)
    pets.label(1, "dog", "ben", saw=None)
    pets.label(1, "cow", "ben", saw=None)
    pets.undo("ann")
    assert pets.item(1).label == "cow"
    pets.undo("ben")
    assert pets.item(1).label == "dog" and [o.said for o in pets.opinions(1)] == ["dog"]

    pets.label(2, "cat", "ann", saw=None)
    pets.label(2, "dog", "ben", saw=None)
    pets.label(2, None, "ann", saw="cat")  # takes back her own word
    assert pets.item(2).label == "dog"
    pets.label(2, None, "ann", saw="dog")  # takes his away, having seen it
    assert pets.item(2).label is None


def test_a_label_that_nobody_says_any_more_does_not_come_back(pets: Store) -> None:
    pets.ensure_classes(["cow"])
    pets.label(1, "cow", "ben", saw=None)
    pets.label(1, "cat", "ann", saw=None)
    pets.undo("ben")
    assert pets.item(1).label == "cat"
    pets.redo("ben")
    pets.undo("ann")
    pets.undo("ben")
    assert pets.item(1).label is None and pets.opinions(1) == ()


def test_who_labels_many_items_unseen_overrules_nobody(pets: Store) -> None:
    pets.label(1, "cat", "ann", saw=None)
    events = pets.label_each([(1, "dog"), (2, "dog")], "ben", {1: None, 2: None})
    assert [event.stance for event in events] == ["aside", "stands"]
    assert (pets.item(1).label, pets.item(2).label, pets.disputes()) == ("cat", "dog", 1)
