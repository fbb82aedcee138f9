"""Checked rows enter the database: the one transaction of an import, run with the writer's connection.

Decides what is new, what is there already and what contradicts a label that is there; a label of a person is never replaced.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studio.core.results import Reject
from studio.core.types import Split
from studio.data.classes import ensure
from studio.data.content import canonical, mix

AUTHOR = "import"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """One checked row: media stored, text clean, split decided."""

    key: str
    content: Mapping[str, str]
    split: Split
    name: str
    label: str | None
    file: str
    row: int | None


@dataclass(slots=True)
class Entered:
    """What became of the candidates."""

    by_split: Counter[str] = field(default_factory=Counter)
    by_label: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    conflicts: list[Reject] = field(default_factory=list)


@dataclass(slots=True)
class _There:
    """An item with some content: in the database already, or about to be."""

    id: int
    label: str | None
    touched: bool
    """A person has given or taken away its label."""
    relabelled: bool = False


def enter(connection: sqlite3.Connection, candidates: Sequence[Candidate], keep_labels: bool, add_classes: bool) -> Entered:
    """Insert what is new, and give a label to an item that never had one. Counts the rest."""
    said = {candidate.label for candidate in candidates if candidate.label is not None}
    class_ids = ensure(connection, said if add_classes else ())
    next_id = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM items").fetchone()[0])
    entered = Entered()
    for start in range(0, len(candidates), _CHUNK):
        chunk = candidates[start : start + _CHUNK]
        there = _there(connection, [candidate.key for candidate in chunk])
        fresh: list[Candidate] = []
        for candidate in chunk:
            label = candidate.label if keep_labels else None
            known = there.get(candidate.key)
            if known is None:
                there[candidate.key] = _There(next_id, label, touched=False)
                fresh.append(candidate)
                next_id += 1
            else:
                _meet(candidate, label, known, entered)
        _insert(connection, fresh, there, class_ids, entered)
    return entered


def _there(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, _There]:
    marks = ", ".join("?" * len(keys))
    rows = connection.execute(
        "SELECT i.key, i.id, c.name, EXISTS (SELECT 1 FROM label_events e WHERE e.item = i.id AND e.kind IN ('label', 'undo'))"
        f" FROM items i LEFT JOIN classes c ON c.id = i.class WHERE i.key IN ({marks})",
        keys,
    )
    return {key: _There(item, label, bool(touched)) for key, item, label, touched in rows}


def _meet(candidate: Candidate, label: str | None, known: _There, entered: Entered) -> None:
    """The content is there already."""
    if label is not None and known.label is not None and label != known.label:
        reason = f"is labelled {label!r} here, and the same content is labelled {known.label!r} already"
        entered.conflicts.append(Reject(candidate.file, candidate.row, reason))
        return
    entered.duplicates += 1
    if label is not None and known.label is None and not known.touched:
        known.label, known.relabelled = label, True


def _insert(
    connection: sqlite3.Connection,
    fresh: Sequence[Candidate],
    there: Mapping[str, _There],
    class_ids: Mapping[str, int],
    entered: Entered,
) -> None:
    rows = []
    for candidate in fresh:
        item = there[candidate.key]
        class_id = class_ids[item.label] if item.label is not None else None
        rows.append(
            (item.id, candidate.key, canonical(candidate.content), candidate.split, candidate.name, mix(candidate.key), class_id)
        )
        entered.by_split[candidate.split] += 1
        if item.label is not None:
            entered.by_label[item.label] += 1
    connection.executemany("INSERT INTO items (id, key, content, split, name, mix, class) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    new = {row[0] for row in rows}
    given = [(class_ids[i.label], i.id) for i in there.values() if i.label is not None and (i.relabelled or i.id in new)]
    connection.executemany("UPDATE items SET class = ? WHERE id = ?", [pair for pair in given if pair[1] not in new])
    now = time.time()
    connection.executemany(
        "INSERT INTO label_events (item, kind, author, at, class_after, skipped_before, skipped_after)"
        " VALUES (?, 'import', ?, ?, ?, 0, 0)",
        [(item, AUTHOR, now, class_id) for class_id, item in given],
    )
