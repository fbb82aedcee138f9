"""An import is seen whole or not at all, whenever it is cut off, and nobody waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.errors import BadInput, NotFound
from studio.core.types import ItemFilter
from studio.data.content import canonical
from studio.data.enter import Candidate, Entered, enter
from studio.data.settle import CHUNK, CHUNK_ALONE, settle
from studio.data.store import Store

ROWS = 3 * CHUNK


def candidates(labels: str | None, rows: int = ROWS) -> list[Candidate]:
    """Rows that take one of `labels`' letters in turn as their label."""
    texts = [canonical({"text": f"text {n}"}) for n in range(rows)]
    return [
        Candidate(c, "test" if n % 5 == 0 else "train", "row", labels and labels[n % len(labels)], "rows.csv", n)
        for n, c in enumerate(texts)
    ]


def bring(store: Store, rows: list[Candidate], entering: Callable[[int], None] = lambda done: None) -> Entered:
    return enter(store, rows, keep_labels=True, add_classes=True, entering=entering)


class Stop(Exception):
    """Something that ends an import in its middle."""


def stop(done: int) -> None:
    if done > CHUNK:
        raise Stop


def seen(store: Store) -> tuple[int, int, int, int, int, tuple[str, ...]]:
    """Items, labelled ones and those of a split as counters, lists and pages have them; the classes."""
    listed, counts = list(store.all_items()), store.counts()
    assert counts.total == len(listed) == store.count(ItemFilter(search="text"))
    assert counts.labelled == sum(item.label is not None for item in listed)
    assert counts.by_split["test"] == sum(item.split == "test" for item in listed)
    mixed = store.items(ItemFilter(), None, 10**6, mixed=True)
    assert {item.id for item in mixed} == {item.id for item in listed}
    return counts.total, counts.labelled, store.revision(), *map(len, (mixed, listed)), tuple(c.name for c in store.classes())


def test_nothing_of_an_import_is_seen_before_its_end_and_all_of_it_after(store: Store) -> None:
    bring(store, candidates("a", 10))
    before, during = seen(store), []

    def look(done: int) -> None:
        during.append(seen(store))
        with pytest.raises(NotFound):
            store.item(11)
        with pytest.raises(NotFound):
            store.label(11, "a", "ann")
        with pytest.raises(NotFound, match="no class 'c'"):
            store.label(1, "c", "ann")

    entered = bring(store, candidates("abc"), look)
    assert set(during) == {before} and len(during) == ROWS // CHUNK
    total, labelled, revision, *_, classes = seen(store)
    assert (total, labelled, classes) == (ROWS, ROWS, ("a", "b", "c"))
    assert (entered.by_split.total(), entered.duplicates, len(entered.conflicts)) == (ROWS - 10, 4, 6)
    assert revision > before[2]
    assert [event.kind for event in store.history(ROWS)] == ["import"]


def test_a_label_given_during_an_import_is_on_disk_before_the_import_ends(store: Store, tmp_path: Path) -> None:
    bring(store, candidates("ab", 10))
    other = Store(tmp_path / "studio.db")
    found: list[str | None] = []

    def work(done: int) -> None:
        store.label(1, "b" if done == CHUNK else "a", "ann")
        found.append(other.item(1).label)

    bring(store, candidates(None), work)
    other.close()
    assert found == ["b", "a", "a"]
    assert [event.kind for event in store.history(1)] == ["import", "label", "label", "label"]


def test_an_import_takes_longer_acts_while_nobody_else_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr("studio.data.writer.ALONE_S", -1.0)
    bring(store, candidates(None, 2 * CHUNK_ALONE), done.append)
    assert done == [CHUNK_ALONE, 2 * CHUNK_ALONE]
    monkeypatch.setattr("studio.data.writer.ALONE_S", 1e9)
    bring(store, candidates(None, 2 * CHUNK), done.append)
    assert done[2:] == [CHUNK, 2 * CHUNK]


def test_an_import_that_fails_in_its_middle_leaves_the_project_as_it_was(store: Store) -> None:
    bring(store, candidates("a", 10))
    store.label(1, None, "ann")
    before = seen(store)
    with pytest.raises(Stop):
        bring(store, candidates("abc"), stop)
    assert seen(store) == before and not store.unfinished()
    entered = bring(store, candidates("a"))
    assert (entered.by_split.total(), entered.duplicates, entered.conflicts) == (ROWS - 10, 10, [])
    assert seen(store)[0] == ROWS


def test_a_class_that_a_person_adds_during_an_import_outlives_its_failure(store: Store) -> None:
    def add(done: int) -> None:
        if done == CHUNK:
            assert store.add_class("b").labelled == 0
            with pytest.raises(BadInput, match="already"):
                store.add_class("b")
        stop(done)

    with pytest.raises(Stop):
        bring(store, candidates("abc"), add)
    assert seen(store)[-1] == ("b",)


def test_labels_for_items_that_are_there_come_with_the_whole_import_or_not_at_all(store: Store) -> None:
    bring(store, candidates(None))
    with pytest.raises(Stop):
        bring(store, candidates("ab"), stop)
    assert seen(store)[:2] == (ROWS, 0)
    entered = bring(store, candidates("ab"))
    assert (entered.by_split.total(), entered.duplicates) == (0, ROWS)
    assert seen(store)[:2] == (ROWS, ROWS)
    assert store.item(2).label == "b" and [event.kind for event in store.history(2)] == ["import"]


def test_labels_that_a_killed_import_had_still_to_give_are_given_by_the_next(store: Store) -> None:
    bring(store, candidates(None))
    store.ensure_classes(["a"])
    store.write(lambda connection: connection.execute("INSERT INTO waiting_labels SELECT id, 1 FROM items").rowcount)
    store.label(7, None, "ann")
    assert store.unfinished()
    settle(store)
    assert seen(store)[:2] == (ROWS, ROWS - 1) and not store.unfinished()
    assert store.item(7).label is None


def test_a_person_who_labels_meanwhile_keeps_the_label(store: Store) -> None:
    bring(store, candidates(None))
    store.ensure_classes(["mine"])
    bring(store, candidates("ab"), lambda done: store.label(1, "mine", "ann") and None)
    assert (store.item(1).label, store.item(2).label) == ("mine", "b")
    assert store.counts().labelled == ROWS


def test_the_same_content_twice_in_one_import_is_met_across_acts(store: Store) -> None:
    again = [*candidates("a", 3), *candidates(None, CHUNK), *candidates("a", 2), *candidates("b", 1)]
    entered = bring(store, candidates(None) + again)
    assert (entered.by_split.total(), entered.duplicates, [c.row for c in entered.conflicts]) == (ROWS, len(again) - 1, [0])
    assert [store.item(n).label for n in (1, 3, 4)] == ["a", "a", None]
    assert seen(store)[:2] == (ROWS, 3)


IMPORTER = """
import sys
from pathlib import Path
from tests.data.test_enter import bring, candidates
from studio.data.store import Store

store = Store(Path(sys.argv[1]))
rows = candidates(sys.argv[2] or None, int(sys.argv[3]))
bring(store, rows, lambda done: print(done, flush=True))
print("done", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("labels_only", [False, True])
def test_a_killed_import_is_seen_whole_or_not_at_all(tmp_path: Path, labels_only: bool) -> None:
    rows, outcomes = 20 * CHUNK, []
    for kill in (1, rows // 2, rows - CHUNK, rows):
        path = tmp_path / f"{kill}.db"
        store = Store(path)
        bring(store, candidates(None, rows if labels_only else 10))
        before = seen(store)
        store.close()
        process = subprocess.Popen(
            [sys.executable, "-c", IMPORTER, str(path), "ab", str(rows)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        while int(process.stdout.readline()) < kill:
            pass
        time.sleep(0.002 * len(outcomes))  # somewhere in the acts that follow
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        store = Store(path)
        settle(store)
        found = seen(store)
        assert found == before or found[:2] == (rows, rows)
        assert not store.unfinished()
        outcomes.append(found != before)
        store.close()
    assert not outcomes[0]
