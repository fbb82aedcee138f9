"""Sets of classes, where an item may be of several: each is a row of `classes`, so that what an item has stays one number.

A set of one class is that class's own row; the empty set is called `none of these`. Refuses a set elsewhere: there an item is
of one class. Each function takes the writer's connection.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterable

from studio.core.errors import BadInput, NotFound
from studio.core.types import NONE_OF_THESE, set_of
from studio.data.content import plain_name

KEY = "several"
"""Of the project's `meta`: true where an item may be of several classes."""
Said = str | Collection[str]
"""What a person says of an item: a class, a set's text (`red | round`, in any order), or the names of the classes."""

SEPARATORS = "|;"


def several(connection: sqlite3.Connection) -> bool:
    """Whether an item may be of several classes."""
    return bool(connection.execute("SELECT 1 FROM meta WHERE key = ? AND value = 'true'", (KEY,)).fetchone())


def names_in(text: str) -> tuple[str, ...]:
    """The classes that a text names, each once; none of `none of these`. Raises BadInput where it says that beside a class."""
    names = dict.fromkeys(filter(None, map(plain_name, re.split(f"[{SEPARATORS}]", text))))
    classes = tuple(name for name in names if name.casefold() != NONE_OF_THESE)
    if classes and len(classes) < len(names):
        raise BadInput(f"{text[:80]!r} says {NONE_OF_THESE!r} beside a class.", "Leave out the one or the other.")
    return classes


def row_of(connection: sqlite3.Connection, said: Said) -> int:
    """The row of `classes` that an item has of which this is said. Raises NotFound for a class that there is not, and BadInput
    for several where an item is of one."""
    if not several(connection):
        names = (said,) if isinstance(said, str) else tuple(said)
        if len(names) != 1:
            raise BadInput(f"An item of this project is of one class, not of {len(names)}.", "Give one.")
        return class_of(connection, names[0])
    wanted = names_in(said) if isinstance(said, str) else tuple(said)
    if NONE_OF_THESE in wanted:  # it may not stand beside a class
        wanted = names_in(SEPARATORS[0].join(wanted))
    if not wanted and isinstance(said, str) and said.strip().casefold() != NONE_OF_THESE:
        raise NotFound(f"{said!r} names no class.", f"Name one, or say {NONE_OF_THESE!r}.")
    return interned(connection, [class_of(connection, name) for name in wanted])


def class_of(connection: sqlite3.Connection, name: str) -> int:
    """The id of a class. Raises NotFound with the classes there are."""
    shown = "FROM classes WHERE parts IS NULL AND NOT hidden"
    row = connection.execute(f"SELECT id {shown} AND name = ?", (name,)).fetchone()
    if row is None:
        known = [r[0] for r in connection.execute(f"SELECT name {shown} ORDER BY position LIMIT 21")]
        listed = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
        raise NotFound(f"There is no class {name!r}.", f"Known: {listed}." if known else "Add the class first.")
    return int(row[0])


def interned(connection: sqlite3.Connection, classes: Iterable[int], hidden: bool = False) -> int:
    """The row of the set of these classes, made where there is none yet; `hidden`: by an import that is not finished."""
    ids = sorted(set(classes))
    if len(ids) == 1:
        return ids[0]
    parts = ",".join(map(str, ids))
    found = connection.execute("SELECT id FROM classes WHERE parts = ?", (parts,)).fetchone()
    if found is not None:
        if not hidden:  # it stays, whatever becomes of the import
            connection.execute("UPDATE classes SET hidden = 0 WHERE id = ? AND hidden", found)
        return int(found[0])
    row = (_name(connection, ids), hidden, parts)
    made = connection.execute(
        "INSERT INTO classes (name, phrase, position, hidden, parts) VALUES (?, '', 0, ?, ?)", row
    ).lastrowid
    connection.executemany("INSERT INTO sets VALUES (?, ?)", [(made, part) for part in ids])
    return int(made or 0)


def with_more(connection: sqlite3.Connection, has: int, given: int) -> int:
    """The row of what an item has and what it is given, together; `none of these` replaces what it has."""
    more = _classes(connection, given)
    return interned(connection, [*_classes(connection, has), *more]) if more else given


def renamed(connection: sqlite3.Connection, class_id: int) -> None:
    """Say the sets that hold a class anew, whose place among the classes is another one now."""
    for row, parts in connection.execute(
        "SELECT id, parts FROM classes WHERE id IN (SELECT id FROM sets WHERE class = ?)", (class_id,)
    ).fetchall():
        name = _name(connection, list(map(int, parts.split(","))))
        connection.execute("UPDATE classes SET name = ? WHERE id = ?", (name, row))


def _classes(connection: sqlite3.Connection, row: int) -> list[int]:
    parts = connection.execute("SELECT parts FROM classes WHERE id = ?", (row,)).fetchone()[0]
    return [row] if parts is None else [int(part) for part in parts.split(",") if part]


def _name(connection: sqlite3.Connection, ids: list[int]) -> str:
    names = "SELECT name FROM classes WHERE id IN (SELECT value FROM json_each(?)) ORDER BY position, id"
    return set_of(row[0] for row in connection.execute(names, (json.dumps(ids),)))
