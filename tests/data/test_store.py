"""Labels are history, undo restores, counts are kept, pages are by key."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import BadInput, NotFound, Overtaken, ProjectError
from studio.core.types import SPLITS, ItemFilter
from studio.data import labels, query, undo
from studio.data.content import canonical, content_key
from studio.data.enter import Candidate, enter
from studio.data.schema import MIGRATIONS, NEWEST
from studio.data.store import Store


def candidate(text: str, label: str | None = None, split: str = "train") -> Candidate:
    content = {"text": text}
    return Candidate(canonical(content), split, f"name of {text}", label, "rows.csv", 2)  # type: ignore[arg-type]


def fill(store: Store, *rows: Candidate) -> None:
    enter(store, rows, keep_labels=True, add_classes=True)


def test_label_and_undo_restore_label_and_skip(store: Store) -> None:
    fill(store, candidate("a"), candidate("b", "cat"))
    store.skip(1, "ann")
    event = store.label(1, "cat", "ann")
    assert (event.before, event.after, store.item(1).label) == (None, "cat", "cat")
    assert store.counts().skipped == 0
    (undone,) = store.undo("ann")
    assert undone.undoes == event.id
    assert (store.item(1).label, store.counts().skipped) == (None, 1)
    store.undo("ann")
    assert store.counts().skipped == 0
    assert store.undo("ann") == ()
    assert [event.kind for event in store.history(1)] == ["skip", "label", "undo", "undo"]


@pytest.mark.parametrize("imported", [None, "cat", "dog"])
def test_a_skip_that_is_done_again_takes_back_no_label(store: Store, imported: str | None) -> None:
    fill(store, candidate("a", imported), candidate("b", "dog"))
    store.label(1, "dog", "ann")
    store.skip(1, "ann")
    store.undo("ann")
    store.redo("ann")
    store.none_of_these(1, "ann")
    store.undo("ann")
    assert (store.item(1).label, store.count(ItemFilter(skipped=True))) == ("dog", 1)


def test_undo_takes_back_only_the_authors_own_acts(store: Store) -> None:
    fill(store, candidate("a", "cat"), candidate("b", "dog"))
    store.label(1, "dog", "ann")
    store.label(2, "cat", "ben")
    store.undo("ann")
    assert (store.item(1).label, store.item(2).label) == ("cat", "cat")


def test_undo_never_overwrites_a_later_label_of_somebody_else(store: Store) -> None:
    fill(store, candidate("a", "cat"), candidate("b", "dog"))
    store.label(1, "dog", "ann")
    store.label(1, "cat", "ben")
    assert store.undo("ann") == ()
    assert store.item(1).label == "cat"
    store.undo("ben")
    store.undo("ann")
    assert store.item(1).label == "cat"


def test_what_was_undone_can_be_done_again_until_something_new_is_done(store: Store) -> None:
    fill(store, candidate("a", "cat"), candidate("b", "dog"))
    assert store.redo("ann") == ()
    store.label(1, "dog", "ann")
    store.label(2, "cat", "ann")
    for _ in range(3):  # to and fro, as often as one likes
        store.undo("ann")
        store.undo("ann")
        assert (store.item(1).label, store.item(2).label) == ("cat", "dog")
        (first,) = store.redo("ann")
        assert (first.kind, first.item, store.item(1).label, store.item(2).label) == ("redo", 1, "dog", "dog")
        store.redo("ann")
        assert (store.item(2).label, store.redo("ann")) == ("cat", ())
    store.undo("ann")
    store.skip(1, "ann")
    assert store.redo("ann") == () and store.item(2).label == "dog"


def test_an_act_on_many_items_is_undone_and_redone_as_one(store: Store) -> None:
    fill(store, *(candidate(str(n)) for n in range(4)), candidate("b", "cat"))
    store.label(1, "cat", "ann")
    events = store.label_each([(item, "cat") for item in (1, 2, 3, 4, 5)], "ann")
    assert [event.item for event in events] == [2, 3, 4] and len({event.act for event in events}) == 1  # 1 and 5 had it
    assert sorted(event.item for event in store.undo("ann")) == [2, 3, 4]
    assert [store.item(n).label for n in range(1, 6)] == ["cat", None, None, None, "cat"]
    store.label(3, "cat", "ben")
    assert sorted(event.item for event in store.redo("ann")) == [2, 4]  # what somebody else has changed stays as it is
    store.undo("ann")
    assert [store.item(n).label for n in range(1, 6)] == ["cat", None, "cat", None, "cat"]
    with pytest.raises(NotFound):
        store.label_each([(2, "cat"), (99, "cat")], "ann")
    assert store.item(2).label is None


def test_nobody_waits_for_the_whole_of_a_large_act_and_it_stays_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MOST", 3)
    monkeypatch.setattr(undo, "_OF_THE_ACT", undo._OF_THE_ACT.replace("LIMIT 250", "LIMIT 3"))
    fill(store, *(candidate(str(n)) for n in range(11)), candidate("b", "cat"))
    lengths: list[int] = []
    whole = labels.label_each

    def seen(connection: sqlite3.Connection, given: Any, author: str, **more: Any) -> Any:
        lengths.append(len(given))
        return whole(connection, given, author, **more)

    monkeypatch.setattr(labels, "label_each", seen)
    assert len({event.act for event in store.label_each([(item, "cat") for item in range(1, 12)], "ann")}) == 1
    assert lengths == [3, 3, 3, 2]
    store.label(4, "cat", "ben")
    for _ in range(2):
        assert sorted(event.item for event in store.undo("ann")) == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
        assert [store.item(n).label for n in range(1, 12)] == [None, None, None, "cat", *[None] * 7]
        assert len({event.act for event in store.redo("ann")}) == 1
        assert all(store.item(n).label == "cat" for n in range(1, 12))
    with pytest.raises(NotFound):
        store.label_each([*((item, None) for item in range(1, 12)), (99, None)], "ann")
    assert all(store.item(n).label == "cat" for n in range(1, 12))


def test_what_others_have_replaced_since_is_known_before_an_older_act_is_taken_back(store: Store) -> None:
    fill(store, *(candidate(str(n)) for n in range(6)), candidate("b", "cat"), candidate("c", "dog"))
    store.label_each([(item, "cat") for item in (3, 4, 5)], "ann")
    assert store.replaced("ann") is None
    mine = store.label(1, "cat", "ann")
    store.label(1, "dog", "ben", saw="cat")
    assert store.replaced("ann") == (mine.id, 1)
    assert store.replaced("ben") is None
    store.label(3, "dog", "ben", saw="cat")  # one of several: the rest of that act can be taken back
    newest = store.label(2, "cat", "ann")
    assert store.replaced("ann") is None
    assert [event.undoes for event in store.undo("ann")] == [newest.id]
    assert store.replaced("ann") == (mine.id, 1)


def test_a_caption_that_somebody_else_has_changed_stays_until_it_was_seen(store: Store) -> None:
    fill(store, candidate("a"))
    store.caption(1, "b", "ann", saw="a")
    with pytest.raises(Overtaken, match="“b”"):
        store.caption(1, "c", "ben", saw="a")
    assert store.item(1).content == {"text": "b"}
    store.caption(1, "c", "ben", saw="b")
    store.caption(1, "d", "ann")
    assert store.item(1).content == {"text": "d"}


def test_a_caption_is_done_again_too(store: Store) -> None:
    fill(store, candidate("a"), candidate("b"))
    store.caption(1, "c", "ann")
    store.undo("ann")
    store.redo("ann")
    assert store.item(1).content == {"text": "c"}


def plan(store: Store, sql: str, values: dict[str, Any]) -> list[str]:
    rows = store.write(lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall())
    return [row[3] for row in rows]


def test_undo_and_redo_ask_for_no_scan_and_no_sort_of_the_log(store: Store) -> None:
    values = {"authors": '["ann"]', "author": "ann", "event": 1, "act": 1, "fresh": 1, "after": 1}
    for sql in (undo._NEWEST_STANDING, undo._NEWEST_UNDONE, undo._NEWEST_FRESH, undo._NEWEST_REPLACED):
        steps = plan(store, sql, values)
        assert not [step for step in steps if step.startswith("SCAN e")], steps
        assert sum("label_events_done" in step or "label_events_undone" in step for step in steps) == 1 + ("UNION" in sql)
        assert not [step for step in steps if "TEMP B-TREE" in step and "UNION" not in sql], steps
    for which in ("e.id = :event", "e.act = :act", "e.act = :act AND e.id < :before"):
        steps = plan(store, undo._OF_THE_ACT.format(which), {**values, "before": 9})
        assert not [step for step in steps if step.startswith("SCAN e") or "TEMP B-TREE" in step], steps


FILTERS = [
    ItemFilter(split, label, labelled, skipped, none)
    for split in (None, "val")
    for label, labelled in ((None, None), (None, True), (None, False), ("cat", None))
    for skipped in (None, True, False)
    for none in (None, True, False)
]


@pytest.mark.parametrize("mixed", [False, True])
def test_a_page_reads_what_it_shows_and_no_more(store: Store, mixed: bool) -> None:
    for filter in (*(f for f in FILTERS if query.parts(f, mixed) != [f"{query._FROM_ITEMS} 0"]), ItemFilter(noted=True)):
        steps = plan(store, *query.page(filter, mixed, 0, 60))
        assert not [step for step in steps if step.startswith("SCAN item_rows")], (filter, steps)
        # those of the parts' ends, and none of a part as a whole
        assert sum("TEMP B-TREE" in step for step in steps) <= max(2, len(query.parts(filter, mixed))), (filter, steps)


def test_every_filter_pages_through_what_matches_in_both_orders(store: Store) -> None:
    fill(store, *(candidate(str(n), ("cat", "dog", None, None)[n % 4], SPLITS[n % 3]) for n in range(48)))
    for item in range(3, 40, 4):
        (store.skip if item % 3 else store.none_of_these)(item, "ann")
    store.skip(1, "ann")  # keeps its label
    rows = store.write(lambda c: c.execute("SELECT id, split, name, class, skipped, mix FROM items ORDER BY id").fetchall())
    for filter in FILTERS:
        matching = [
            (row[0], row[5])
            for row, item in ((row, store.item(row[0])) for row in rows)
            if filter.split in (None, item.split)
            and filter.label in (None, item.label)
            and filter.labelled in (None, item.label is not None)
            and (filter.skipped is None or row[4] == filter.skipped)
            and filter.none in (None, item.none)
        ]
        for mixed in (False, True):
            wanted = [id for id, _ in sorted(matching, key=lambda pair: pair[1] if mixed else pair[0])]
            found: list[int] = []
            while page := store.items(filter, found[-1] if found else None, 5, mixed):
                found += [item.id for item in page]
            assert found == wanted, (filter, mixed)


def test_caption_changes_content_and_key_and_can_be_undone(store: Store) -> None:
    fill(store, candidate("a"), candidate("b"))
    event = store.caption(1, "c", "ann")
    assert (event.before, event.after, store.item(1).content) == ("a", "c", {"text": "c"})
    with pytest.raises(BadInput, match="already"):
        store.caption(2, "c", "ann")
    store.undo("ann")
    assert store.item(1).content == {"text": "a"}


def test_label_unknown_to_the_project_names_the_known_ones(store: Store) -> None:
    fill(store, candidate("a", "cat"), candidate("b", "dog"))
    with pytest.raises(NotFound) as refused:
        store.label(1, "cow", "ann")
    assert "cat, dog" in refused.value.hint


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**70)])
def test_number_that_no_item_can_have_is_not_found(store: Store, number: int) -> None:
    fill(store, candidate("a", "cat"))
    for act in (
        lambda: store.item(number),
        lambda: store.label(number, "cat", "ann"),
        lambda: store.skip(number, "ann"),
        lambda: store.caption(number, "b", "ann"),
        lambda: store.history(number),
        lambda: store.items(ItemFilter(), after=number),
    ):
        with pytest.raises(NotFound):
            act()
    assert store.label(1, None, "ann").before == "cat"


def test_events_cannot_be_changed_or_deleted(store: Store, tmp_path: Path) -> None:
    fill(store, candidate("a", "cat"))
    for sql in ("UPDATE label_events SET author = 'eve'", "DELETE FROM label_events"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            store.write(lambda connection, sql=sql: connection.execute(sql))
    assert store.history(1)[0].author == "import"


def test_every_act_raises_the_revision_also_after_an_import_that_begins_without_labels(store: Store) -> None:
    fill(store, *(candidate(f"bare {n}") for n in range(3)), candidate("last", "cat"))
    seen = [store.revision()]
    for item in (1, 2, 3, 1):
        store.label(item, "cat", "ann")
        seen.append(store.revision())
    store.note(2, "odd", "ann")  # nothing learns from it
    assert store.revision() == seen[-1]
    assert seen == sorted(set(seen)) and min(e.id for e in store.history(1) if e.author == "ann") >= 1


def test_counters_agree_with_a_scan(store: Store) -> None:
    fill(store, *(candidate(str(n), "ab"[n % 2] if n % 3 else None, "test" if n % 5 == 0 else "train") for n in range(100)))
    for n in range(1, 40, 3):
        store.label(n, "a" if n % 2 else None, "ann")
    counts, items = store.counts(), list(store.all_items())
    assert counts.total == len(items) == 100
    assert counts.labelled == sum(item.label is not None for item in items)
    assert counts.by_class["a"]["test"] == sum(item.label == "a" and item.split == "test" for item in items)
    for chosen in (ItemFilter(split="test"), ItemFilter(label="b"), ItemFilter(labelled=False, split="train")):
        assert store.count(chosen) == len(store.items(chosen, limit=1000))


def test_pages_by_key_meet_every_item_once(store: Store) -> None:
    fill(store, *(candidate(str(n)) for n in range(25)))
    seen: list[int] = []
    while batch := store.items(ItemFilter(), after=seen[-1] if seen else None, limit=7):
        seen += [item.id for item in batch]
    assert seen == list(range(1, 26))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("über", 1),
        ("ÜBER", 1),
        ("100%", 1),
        ("50%", 0),
        ("a_b", 1),
        ("CARD lost", 1),
        ("name of", 4),
        ("STRASSE", 1),
        ("straße", 1),
    ],
)
def test_search_folds_case_and_takes_wildcards_as_they_are(store: Store, search: str, found: int) -> None:
    fill(store, candidate("Über uns"), candidate("100% sure"), candidate("a_b"), candidate("my card is lost, Straße 1"))
    assert store.count(ItemFilter(search=search)) == len(store.items(ItemFilter(search=search))) == found


def test_fifty_threads_lose_no_label(store: Store) -> None:
    fill(store, *(candidate(str(n), "cat" if n == 0 else None) for n in range(200)))
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda n: store.label(n, "cat", f"author {n % 50}"), range(1, 201)))
    assert store.counts().labelled == 200
    assert len({event.id for n in range(1, 201) for event in store.history(n)}) == 201


def test_failing_act_takes_no_other_with_it(store: Store) -> None:
    fill(store, candidate("a", "cat"))
    futures = [store.submit(lambda c: c.execute("INSERT INTO meta VALUES ('k', '1')").rowcount) for _ in range(3)]
    results = [future.exception() for future in futures]
    assert [type(result) for result in results] == [type(None), sqlite3.IntegrityError, sqlite3.IntegrityError]
    assert store.meta("k") == 1


def test_nothing_is_written_to_a_newer_schema(store: Store, tmp_path: Path) -> None:
    store.close()
    connection = sqlite3.connect(tmp_path / "studio.db")
    connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    connection.close()
    newer = Store(tmp_path / "studio.db")
    with pytest.raises(ProjectError, match="newer Studio"):
        newer.ensure_classes(["cat"])
    assert newer.classes() == ()
    newer.close()


def test_a_project_of_the_first_schema_comes_along_whole(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
    connection.execute("INSERT INTO classes VALUES (1, 'cat', 'cat', 0)")
    for n, text in enumerate("abc", start=1):
        content = {"text": text}
        row = (n, content_key(content), canonical(content), "train", text, n, 1 if n == 2 else None)
        connection.execute("INSERT INTO items (id, key, content, split, name, mix, class) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute(
        "INSERT INTO label_events (item, kind, author, at, class_after, skipped_before, skipped_after)"
        " VALUES (2, 'import', 'import', 0, 1, 0, 0)"
    )
    connection.commit()
    connection.close()
    store = Store(path)
    fill(store, candidate("b", "cat"), candidate("d", "dog"))
    store.label(1, "dog", "ann")
    counts = store.counts()
    assert (counts.total, counts.labelled, counts.by_class) == (4, 3, {"cat": {"train": 1}, "dog": {"train": 2}})
    assert [[event.kind for event in store.history(n)] for n in (1, 2, 4)] == [["label"], ["import"], ["import"]]
    assert [item.name for item in store.items(ItemFilter(), mixed=True)][:3] == ["a", "b", "c"]
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        store.write(lambda connection: connection.execute("DELETE FROM label_events WHERE item = 2"))
    store.close()
    assert (tmp_path / "old.db.schema-1.bak").is_file()


def test_closed_store_says_so(store: Store) -> None:
    store.items(ItemFilter())
    store.close()
    with pytest.raises(ProjectError, match="closed"):
        store.add_class("cat")
    with pytest.raises(ProjectError, match="closed"):
        store.counts()


READ_WHILE_CLOSED = """
import sys, threading, time
from pathlib import Path
from studio.core.errors import ProjectError
from studio.core.types import ItemFilter
from studio.data.enter import Candidate, enter
from studio.data.store import Store

texts = [Candidate(f'{{"text":"text {n}"}}', "train", "x", None, "x", n) for n in range(2000)]

def read(store):
    try:
        while True:
            store.items(ItemFilter(search="1 2"), limit=1000)
    except ProjectError:
        pass

for n in range(20):
    store = Store(Path(sys.argv[1]) / f"{n}.db")
    enter(store, texts, True, True)
    threads = [threading.Thread(target=read, args=(store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.03)
    store.close()
    for thread in threads:
        thread.join()
"""


def test_a_store_that_is_closed_while_others_read_crashes_nothing(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", READ_WHILE_CLOSED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_two_stores_on_one_project_both_write(store: Store, tmp_path: Path) -> None:
    fill(store, *(candidate(str(n), "cat" if n == 0 else None) for n in range(40)))
    other = Store(tmp_path / "studio.db")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: (store, other)[n % 2].label(n, "cat", "ann"), range(1, 41)))
    other.close()
    assert store.counts().labelled == 40


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_nothing_is_committed_while_another_process_holds_the_projects_lock(store: Store, tmp_path: Path) -> None:
    import fcntl

    fill(store, candidate("a", "cat"))
    lock = next(tmp_path.glob("*.lock"))
    with ThreadPoolExecutor(2) as pool, lock.open("ab") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        alone = pool.submit(store.label, 1, None, "ann")
        with pytest.raises(TimeoutError):
            alone.result(0.3)
        assert store.counts().labelled == 1
        fcntl.flock(others, fcntl.LOCK_UN)
        alone.result(10)
    assert store.counts().labelled == 0


def test_the_mixed_order_pages_through_every_item_once(store: Store) -> None:
    fill(store, *(candidate(f"text {n}") for n in range(50)))
    seen: list[int] = []
    after: int | None = None
    while found := store.items(ItemFilter(), after, 7, mixed=True):
        seen += [item.id for item in found]
        after = seen[-1]
    assert sorted(seen) == list(range(1, 51))
    assert seen != sorted(seen)
