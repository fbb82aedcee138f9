"""From an `ItemFilter` to SQL, and from a row to an `Item`. Values are always parameters, never text in the query."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from studio.core.types import BETWEEN, NONE_OF_THESE, SPLITS, Item, ItemFilter

SKIPPED, OF_NONE = 1, 2
"""Of `skipped`: looked at and left; looked at, and it is none of the classes."""
TEXT = "json_extract(i.content, '$.text')"
COLUMNS = "SELECT i.id, i.content, i.split, i.name, c.name, i.note, i.skipped FROM items i LEFT JOIN classes c ON c.id = i.class"


_CLASS = "(SELECT id FROM classes WHERE name = :label)"
_FROM_ITEMS = "SELECT i.mix, i.id FROM items i WHERE"
# in the order of `set_items`, which is the one of import: SQLite would not see that of `i.id`
_FROM_SETS = "SELECT i.mix, s.item AS id FROM set_items s CROSS JOIN items i ON i.id = s.item WHERE"


def item_of(row: Any) -> Item:
    """A row of `COLUMNS`."""
    return Item(row[0], json.loads(row[1]), row[2], row[3], row[4], row[5], row[6] == OF_NONE)


def where(filter: ItemFilter) -> tuple[str, dict[str, Any]]:
    """(condition over `items i`, its values by name); needs `prepare` on the connection."""
    condition, values = _beside_label(filter)
    if filter.label is not None and is_set(filter.label):
        condition = f"i.class = {_CLASS} AND {condition}"
    elif filter.label is not None:
        in_set = f"EXISTS (SELECT 1 FROM set_items s WHERE s.class = {_CLASS} AND s.split = i.split AND s.item = i.id)"
        condition = f"(i.class = {_CLASS} OR {in_set}) AND {condition}"
    return condition, values


def is_set(label: str) -> bool:
    """Whether it may be a set's: nothing has that among others. Where items are of one class, a class may be called so."""
    return BETWEEN in label or label == NONE_OF_THESE


def _beside_label(filter: ItemFilter) -> tuple[str, dict[str, Any]]:
    """As `where`, but for the label."""
    found: list[str] = ["1"]
    values: dict[str, Any] = {}
    if filter.split is not None:
        found.append("i.split = :split")
        values["split"] = filter.split
    if filter.label is not None:
        values["label"] = filter.label
    if filter.labelled is not None:
        found.append("i.class IS NOT NULL" if filter.labelled else "i.class IS NULL")
    if filter.skipped is not None:
        found.append(f"i.skipped = {SKIPPED if filter.skipped else 0}")
    if filter.none is not None:
        found.append(f"i.skipped {'=' if filter.none else '<>'} {OF_NONE}")
    if filter.noted is not None:
        found.append(f"i.note {'<>' if filter.noted else '='} ''")
    for n, word in enumerate(filter.search.split()):
        if word.isascii() and "ss" not in word.casefold():  # which ß is folded to
            like = rf"LIKE :word{n} ESCAPE '\'"
            # most rows do not have it anywhere: that is told without parsing their content
            near = f"i.content {like} AND " if word.isprintable() and not set('"\\') & set(word) else ""
            found.append(f"({near}{TEXT} {like} OR i.name {like} OR i.note {like})")
            values[f"word{n}"] = _pattern(word)
        else:  # LIKE folds the case of ASCII letters alone
            found.append(f"(holds({TEXT}, :word{n}) OR holds(i.name, :word{n}) OR holds(i.note, :word{n}))")
            values[f"word{n}"] = word.casefold()
    return " AND ".join(found), values


def parts(filter: ItemFilter, mixed: bool) -> list[str]:
    """What may match, cut into selections of which an index keeps each in the order of import, or the mixed one.

    Beside each belongs what `where` gives. No item is in two of them.
    """
    if not mixed and filter == ItemFilter(noted=filter.noted, search=filter.search):
        return [f"{_FROM_ITEMS} 1"]
    left = {None: (0, SKIPPED, OF_NONE), True: (SKIPPED,), False: (0,)}[filter.skipped]
    found = []
    for split in SPLITS if filter.split is None else (filter.split,):
        if filter.labelled is not False and not filter.none:
            if mixed or filter.label is None:
                found.append(f"{_FROM_ITEMS} i.split = '{split}' AND i.class IS NOT NULL")
            else:
                found.append(f"{_FROM_ITEMS} i.split = '{split}' AND i.class = {_CLASS}")
                found.append(f"{_FROM_SETS} s.split = '{split}' AND s.class = {_CLASS}")
        if filter.labelled is not True and filter.label is None:
            wanted = [k for k in left if filter.none in (None, k == OF_NONE)]
            found += [f"{_FROM_ITEMS} i.split = '{split}' AND i.class IS NULL AND i.skipped = {k}" for k in wanted]
    return found or [f"{_FROM_ITEMS} 0"]


def page(filter: ItemFilter, mixed: bool, after: int, limit: int) -> tuple[str, dict[str, Any]]:
    """(SQL of `COLUMNS`, its values): up to `limit` items that match and come after the item `after`, in that order."""
    condition, values = where(filter) if mixed else _beside_label(filter)
    place, order = "i.id > :after", "id"
    if mixed:
        # ids start at 1, so that 0 stands before every item
        place, order = (
            "(i.mix, i.id) > (SELECT coalesce(max(mix), -1), coalesce(max(id), 0) FROM items WHERE id = :after)",
            "mix, id",
        )
    each = [f"SELECT * FROM ({part} AND {condition} AND {place} ORDER BY {order} LIMIT :limit)" for part in parts(filter, mixed)]
    ids = f"SELECT id FROM ({' UNION ALL '.join(each)}) ORDER BY {order} LIMIT :limit"
    by = ", ".join(f"i.{name}" for name in order.split(", "))
    return f"{COLUMNS} WHERE i.id IN ({ids}) ORDER BY {by}", {**values, "after": after, "limit": limit}


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection the function that `where` uses."""
    connection.create_function("holds", 2, _holds, deterministic=True)


def _pattern(word: str) -> str:
    escaped = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def _holds(text: str | None, word: str) -> bool:
    return text is not None and word in text.casefold()
