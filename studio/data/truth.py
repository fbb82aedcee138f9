"""Hidden truth: labels that a project knows of its items and has not given, as a sample does.

Learning and judging never see it; what is given of it becomes ordinary label events. Each function takes the writer's connection.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from studio.core.types import Item, LabelEvent
from studio.data import labels, sets
from studio.data.content import item_key
from studio.data.query import COLUMNS, item_of
from studio.data.splits import support

KEY = "hidden_truth"
"""Of the project's `meta`: {item: label}."""
AUTHOR = "sample"
"""Of the labels given: who looks at an item's history sees that no person gave them."""


def keep(connection: sqlite3.Connection, hidden: Mapping[int, str]) -> None:
    """Remember it, beside what is known already."""
    if hidden:
        known = {**_known(connection), **{str(item): label for item, label in hidden.items()}}
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (KEY, json.dumps(known)))


def give(connection: sqlite3.Connection, per_class: int, seed: int) -> list[LabelEvent]:
    """Label up to `per_class` items of each class, of those that nobody has labelled or skipped, as a support set is drawn."""
    known = _known(connection)
    rows = connection.execute(
        f"{COLUMNS} WHERE i.class IS NULL AND NOT i.skipped AND i.id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(item) for item in known]),),
    ).fetchall()
    waiting = [replace(item, label=known[str(item.id)]) for item in map(item_of, rows)]
    drawn = _of_several(waiting, per_class, seed) if sets.several(connection) else support(waiting, per_class, seed)
    return labels.label_each(connection, ((item.id, item.label) for item in drawn), AUTHOR)


def _of_several(waiting: Iterable[Item], per_class: int, seed: int) -> list[Item]:
    """In hashed order, what has a class of which there are too few so far; what is of none counts as a class of its own."""
    drawn: list[Item] = []
    count: Counter[str | None] = Counter()
    for item in sorted(waiting, key=lambda item: hashlib.sha256(f"{seed}:{item_key(item)}".encode()).digest()):
        classes = sets.names_in(str(item.label)) or (None,)
        if any(count[name] < per_class for name in classes):
            drawn.append(item)
            count.update(classes)
    return sorted(drawn, key=lambda item: item.id)


def _known(connection: sqlite3.Connection) -> dict[str, str]:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchone()
    return dict(json.loads(row[0])) if row else {}
