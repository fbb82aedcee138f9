"""Checked rows enter the database: many short acts, so that a label never waits for an import, and yet all or nothing.

The rows of an import are hidden until its last act makes them seen and counted. Decides what is new, what is there already and
what contradicts a label that is there; a label of a person is never replaced.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from studio.core.errors import StudioError
from studio.core.results.projects import Reject
from studio.core.types import Split, classes_in
from studio.data import sets, truth
from studio.data.classes import describe, ensure
from studio.data.content import key_of, mix
from studio.data.counting import count_more
from studio.data.exported import DescribedClass
from studio.data.settle import AUTHOR, CHUNK, CHUNK_ALONE, EVENT, TOUCHED, give_labels, settle
from studio.data.store import Store


class Candidate(NamedTuple):
    """One checked row: media stored, text clean, split decided. An import holds all of its rows, so each is kept small."""

    content: str
    """In its canonical form."""
    split: Split
    name: str
    label: str | None
    file: str
    row: int | None
    hidden: str | None = None
    """A label that is known and not given."""
    media: tuple[str, ...] = ()
    """The sha256s that its content names."""
    note: str = ""
    state: int = 0
    """`OF_NONE` or `SKIPPED`; this and the note are of new items alone."""


@dataclass(slots=True)
class Entered:
    """What became of the candidates."""

    by_split: Counter[str] = field(default_factory=Counter)
    by_label: Counter[str] = field(default_factory=Counter)
    """An item of several classes counts for each of them."""
    duplicates: int = 0
    labelled: int = 0
    """Of the duplicates, those that get their label from here."""
    conflicts: list[Reject] = field(default_factory=list)
    hidden: dict[int, str] = field(default_factory=dict)
    """{new item: its hidden truth}."""


@dataclass(slots=True)
class _There:
    """An item with some content: in the database already, or about to be."""

    id: int
    label: str | None
    touched: bool
    """A person has given or taken away its label."""
    relabelled: bool = False


def enter(
    store: Store,
    candidates: Sequence[Candidate],
    keep_labels: bool,
    add_classes: bool,
    entering: Callable[[int], None] = lambda done: None,
    described: Sequence[DescribedClass] = (),
) -> Entered:
    """Insert what is new, and give a label to an item that never had one. Counts the rest; calls `entering(rows done)`.

    `described` classes come in that order before others, and say what nobody has said of them here.

    One import at a time (`studio.data.turn`). Raises ProjectError; then nothing of it is seen, now or later.
    """
    said = {label for candidate in candidates for label in (candidate.label, candidate.hidden) if label is not None}
    chunks = _Chunks(keep_labels, described)
    try:
        store.write(partial(chunks.begin, said=said if add_classes else (), add_described=add_classes))
        done = 0
        while done < len(candidates):
            more = CHUNK_ALONE if store.alone() else CHUNK
            store.write(partial(chunks.enter, candidates=candidates[done : done + more]), bulk=True)
            done = min(done + more, len(candidates))
            entering(done)
        store.write(chunks.finish, bulk=True)
    except BaseException:
        with suppress(StudioError):  # a full disk, say: the rows stay hidden, and the next import or opening withdraws them
            settle(store)
        raise
    settle(store)
    return chunks.entered


class _Chunks:
    """The acts of one import; each takes the writer's connection."""

    def __init__(self, keep_labels: bool, described: Sequence[DescribedClass]) -> None:
        self.entered = Entered()
        self._described = described
        self._keep_labels = keep_labels
        self._next_id = 0
        self._several = False
        self._class_ids: dict[str, int] = {}
        self._sets: dict[str, str] = {}
        """{a set's text: the same in the order of the classes}."""
        self._counted: Counter[tuple[Split, int, int]] = Counter()

    def begin(self, connection: sqlite3.Connection, said: Iterable[str], add_described: bool) -> None:
        """From here on, new items and classes are hidden."""
        self._several = sets.several(connection)
        names = {name for label in said for name in sets.names_in(label)} if self._several else set(said)
        self._next_id = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM item_rows").fetchone()[0])
        connection.execute("INSERT INTO imports (first_item) VALUES (?)", (self._next_id,))
        described = [named.name for named in self._described] if add_described else []
        self._class_ids = ensure(connection, names, hidden=True, described=described)

    def enter(self, connection: sqlite3.Connection, candidates: Sequence[Candidate]) -> None:
        self._sets.clear()  # between two acts, people may have changed the order of the classes
        keys = [key_of(candidate.content) for candidate in candidates]
        there = _there(connection, keys)
        fresh: list[tuple[str, Candidate]] = []
        for key, candidate in zip(keys, candidates, strict=True):
            label = self._canonical(connection, candidate.label) if self._keep_labels and candidate.label else None
            known = there.get(key)
            if known is None:
                there[key] = _There(self._next_id, label, touched=False)
                fresh.append((key, candidate))
                self._next_id += 1
            else:
                self._meet(candidate, label, known)
        self._insert(connection, fresh, there)
        new = {there[key].id for key, _ in fresh}
        waiting = [(i.id, self._class_ids[i.label]) for i in there.values() if i.relabelled and i.label and i.id not in new]
        connection.executemany("INSERT INTO waiting_labels VALUES (?, ?)", waiting)

    def finish(self, connection: sqlite3.Connection) -> None:
        """The act that makes all of it seen."""
        for (split, class_id, state), n in self._counted.items():
            count_more(connection, split, class_id, state, n)
        connection.execute("UPDATE classes SET hidden = 0 WHERE hidden")
        describe(connection, self._described)
        connection.execute("UPDATE imports SET finished = ? WHERE finished IS NULL", (time.time(),))
        truth.keep(connection, self.entered.hidden)
        give_labels(connection)

    def _insert(
        self, connection: sqlite3.Connection, fresh: Sequence[tuple[str, Candidate]], there: Mapping[str, _There]
    ) -> None:
        rows, events, now = [], [], time.time()
        for key, candidate in fresh:
            item = there[key]
            class_id = self._class_ids[item.label] if item.label is not None else None
            state = candidate.state if self._keep_labels else 0
            place = (candidate.split, candidate.name, mix(key), class_id, state, candidate.note)
            rows.append((item.id, key, candidate.content, *place))
            self.entered.by_split[candidate.split] += 1
            self._counted[candidate.split, class_id or 0, state] += 1
            if candidate.hidden is not None:
                self.entered.hidden[item.id] = candidate.hidden
            self._count(item.label)
            if item.label is not None or state:
                # below zero it stands before every other event of its item, and raises no revision while it is hidden
                events.append((-item.id, item.id, AUTHOR, now, class_id, state))
        connection.executemany(
            "INSERT INTO item_rows (id, key, content, split, name, mix, class, skipped, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        connection.executemany(EVENT, events)

    def _meet(self, candidate: Candidate, label: str | None, known: _There) -> None:
        """The content is there already."""
        if label is not None and known.label is not None and label != known.label:
            reason = f"is labelled {label!r} here, and the same content is labelled {known.label!r} already"
            self.entered.conflicts.append(Reject(candidate.file, candidate.row, reason))
            return
        self.entered.duplicates += 1
        if label is not None and known.label is None and not known.touched:
            known.label, known.relabelled = label, True
            self.entered.labelled += 1
            self._count(label)

    def _count(self, label: str | None) -> None:
        if label is not None:
            self.entered.by_label.update(classes_in(label) or (label,) if self._several else (label,))

    def _canonical(self, connection: sqlite3.Connection, label: str) -> str:
        """The label as the database has it, which knows it from then on."""
        if not self._several:
            return label
        if label not in self._sets:
            row = sets.interned(connection, [self._class_ids[name] for name in sets.names_in(label)], hidden=True)
            (self._sets[label],) = connection.execute("SELECT name FROM classes WHERE id = ?", (row,)).fetchone()
            self._class_ids[self._sets[label]] = row
        return self._sets[label]


def _there(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, _There]:
    marks = ", ".join("?" * len(keys))
    rows = connection.execute(
        f"SELECT i.key, i.id, c.name, {TOUCHED} FROM item_rows i LEFT JOIN waiting_labels w ON w.item = i.id"
        f" LEFT JOIN classes c ON c.id = coalesce(i.class, w.class) WHERE i.key IN ({marks})",
        keys,
    )
    return {key: _There(item, label, bool(touched)) for key, item, label, touched in rows}
