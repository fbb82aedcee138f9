"""From an `ItemFilter` to SQL, and from a row to an `Item`. Values are always parameters, never text in the query."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from studio.core.types import Item, ItemFilter

SKIPPED, OF_NONE = 1, 2
"""Of `skipped`: looked at and left; looked at, and it is none of the classes."""
TEXT = "json_extract(i.content, '$.text')"
COLUMNS = "SELECT i.id, i.content, i.split, i.name, c.name, i.note, i.skipped FROM items i LEFT JOIN classes c ON c.id = i.class"


def item_of(row: Any) -> Item:
    """A row of `COLUMNS`."""
    return Item(row[0], json.loads(row[1]), row[2], row[3], row[4], row[5], row[6] == OF_NONE)


def where(filter: ItemFilter) -> tuple[str, list[str]]:
    """(condition over `items i`, its values); needs `prepare` on the connection."""
    parts: list[str] = ["1"]
    values: list[str] = []
    if filter.split is not None:
        parts.append("i.split = ?")
        values.append(filter.split)
    if filter.label is not None:
        parts.append("i.class = (SELECT id FROM classes WHERE name = ?)")
        values.append(filter.label)
    if filter.labelled is not None:
        parts.append("i.class IS NOT NULL" if filter.labelled else "i.class IS NULL")
    if filter.skipped is not None:
        parts.append(f"i.skipped = {SKIPPED if filter.skipped else 0}")
    if filter.none is not None:
        parts.append(f"i.skipped {'=' if filter.none else '<>'} {OF_NONE}")
    if filter.noted is not None:
        parts.append(f"i.note {'<>' if filter.noted else '='} ''")
    for word in filter.search.split():
        if word.isascii():
            parts.append(rf"({TEXT} LIKE ? ESCAPE '\' OR i.name LIKE ? ESCAPE '\' OR i.note LIKE ? ESCAPE '\')")
            values += [_pattern(word)] * 3
        else:  # LIKE folds the case of ASCII letters alone
            parts.append(f"(holds({TEXT}, ?) OR holds(i.name, ?) OR holds(i.note, ?))")
            values += [word.casefold()] * 3
    return " AND ".join(parts), values


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection the function that `where` uses."""
    connection.create_function("holds", 2, _holds, deterministic=True)


def _pattern(word: str) -> str:
    escaped = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def _holds(text: str | None, word: str) -> bool:
    return text is not None and word in text.casefold()
