"""Hidden truth: labels that a project knows of its items and has not given, as a sample does.

Learning and judging never see it; what is given of it becomes ordinary label events. Each function takes the writer's connection.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from studio.core.types import LabelEvent
from studio.data import labels, sets
from studio.data.query import COLUMNS, item_of
from studio.data.splits import one_class, support

KEY = "hidden_truth"
"""Of the project's `meta`: {item: label}."""
ASKED = "hidden_truth_for"
"""Of the project's `meta`: who asked for some of it last."""
AUTHOR = "sample"
"""Of the labels given: who looks at an item's history sees that no person gave them."""


def keep(connection: sqlite3.Connection, hidden: Mapping[int, str]) -> None:
    """Remember it, beside what is known already."""
    if hidden:
        known = {**_known(connection), **{str(item): label for item, label in hidden.items()}}
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (KEY, json.dumps(known)))


def give(connection: sqlite3.Connection, per_class: int, seed: int, author: str) -> list[LabelEvent]:
    """For that author, label up to `per_class` items of each class, as a support set is drawn, of those that nobody has labelled
    or skipped."""
    known = _known(connection)
    rows = connection.execute(
        f"{COLUMNS} WHERE i.class IS NULL AND NOT i.skipped AND i.id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(item) for item in known]),),
    ).fetchall()
    waiting = [replace(item, label=known[str(item.id)]) for item in map(item_of, rows)]
    several = sets.several(connection)
    drawn = support(waiting, per_class, seed, (lambda item: sets.names_in(str(item.label))) if several else one_class)
    given = labels.label_each(connection, ((item.id, item.label) for item in drawn), AUTHOR)
    if given:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (ASKED, json.dumps(author)))
    return given


def _known(connection: sqlite3.Connection) -> dict[str, str]:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchone()
    known = json.loads(row[0]) if row else {}
    said = known.items() if isinstance(known, dict) else ()
    return {item: label for item, label in said if _is_id(item) and isinstance(label, str)}


def _is_id(text: str) -> bool:
    return len(text) < 19 and text.isdecimal() and str(int(text)) == text
