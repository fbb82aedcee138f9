"""Label events: acts on one item, appended and never changed; the item's present state is derived in the same transaction.

Each function takes the writer's connection. An undo is an event of its own and restores what its target changed.
"""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Literal, NamedTuple

from studio.core.errors import BadInput, NotFound
from studio.core.types import LabelEvent
from studio.data.content import canonical, content_key

Kind = Literal["import", "label", "skip", "caption", "undo"]


class _State(NamedTuple):
    class_id: int | None
    skipped: int
    text: str | None


EVENTS = """
    SELECT e.id, e.item, e.kind, coalesce(e.text_before, b.name), coalesce(e.text_after, a.name), e.author, e.at, e.undoes
    FROM label_events e LEFT JOIN classes b ON b.id = e.class_before LEFT JOIN classes a ON a.id = e.class_after
"""

# an act that somebody else has since replaced no longer stands, so its author cannot take it back over their head
_NEWEST_STANDING = """
    SELECT e.id, e.item, e.kind, e.class_before, e.skipped_before, e.text_before FROM label_events e
    WHERE e.author = ? AND e.kind IN ('label', 'skip', 'caption')
      AND NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = e.id)
      AND NOT EXISTS (
        SELECT 1 FROM label_events o WHERE o.item = e.item AND o.id > e.id AND o.author <> e.author
          AND o.kind IN ('label', 'skip', 'caption') AND (o.kind = 'caption') = (e.kind = 'caption')
          AND NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = o.id))
    ORDER BY e.id DESC LIMIT 1
"""


def label(connection: sqlite3.Connection, item: int, name: str | None, author: str) -> LabelEvent:
    """Give (or with None take away) a label. Raises NotFound for the item or the class."""
    before = _state(connection, item)
    class_id = None if name is None else class_of(connection, name)
    return _append(connection, item, "label", author, before, before._replace(class_id=class_id, skipped=0))


def skip(connection: sqlite3.Connection, item: int, author: str) -> LabelEvent:
    """Mark an item as looked at and left; a label that it has stays. Raises NotFound."""
    before = _state(connection, item)
    return _append(connection, item, "skip", author, before, before._replace(skipped=1))


def caption(connection: sqlite3.Connection, item: int, text: str, author: str) -> LabelEvent:
    """Replace an item's text. Raises NotFound, and BadInput where it has none or another item has that content."""
    before = _state(connection, item)
    if before.text is None:
        raise BadInput(f"Item {item} has no text to change.", "Captions belong to texts and image–text pairs.")
    return _append(connection, item, "caption", author, before, before._replace(text=text))


def undo(connection: sqlite3.Connection, author: str) -> LabelEvent | None:
    """Take back the author's newest act that still stands; None where there is none."""
    row = connection.execute(_NEWEST_STANDING, (author,)).fetchone()
    if row is None:
        return None
    event, item, kind, class_before, skipped_before, text_before = row
    now = _state(connection, item)
    if kind == "caption":
        after = now._replace(text=text_before)
    else:
        after = now._replace(class_id=class_before, skipped=skipped_before)
    return _append(connection, item, "undo", author, now, after, undoes=event)


def class_of(connection: sqlite3.Connection, name: str) -> int:
    """The id of a class. Raises NotFound with the classes there are."""
    row = connection.execute("SELECT id FROM classes WHERE name = ? AND NOT hidden", (name,)).fetchone()
    if row is None:
        known = [r[0] for r in connection.execute("SELECT name FROM classes WHERE NOT hidden ORDER BY position LIMIT 21")]
        shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
        raise NotFound(f"There is no class {name!r}.", f"Known: {shown}." if known else "Add the class first.")
    return int(row[0])


def event_of(row: tuple[int, int, Kind, str | None, str | None, str, float, int | None]) -> LabelEvent:
    """A row of `EVENTS`."""
    return LabelEvent(*row)


def _state(connection: sqlite3.Connection, item: int) -> _State:
    sql = "SELECT class, skipped, json_extract(content, '$.text') FROM items WHERE id = ?"
    try:
        row = connection.execute(sql, (item,)).fetchone()
    except OverflowError:  # a number larger than any id
        row = None
    if row is None:
        raise NotFound(f"There is no item {item}.", "It may belong to another project.")
    return _State(*row)


def next_id(connection: sqlite3.Connection) -> int:
    """The number of the next act. From 1 on: numbers below are those of imports, and `revision` has to see every act."""
    return int(connection.execute("SELECT max(0, coalesce(max(id), 0)) + 1 FROM label_events").fetchone()[0])


def _append(
    connection: sqlite3.Connection, item: int, kind: Kind, author: str, before: _State, after: _State, undoes: int | None = None
) -> LabelEvent:
    if after.text != before.text:
        _set_text(connection, item, str(after.text))
    connection.execute("UPDATE item_rows SET class = ?, skipped = ? WHERE id = ?", (after.class_id, after.skipped, item))
    texts = (before.text, after.text) if after.text != before.text or kind == "caption" else (None, None)
    event = next_id(connection)
    connection.execute(
        "INSERT INTO label_events (id, item, kind, author, at, undoes, class_before, class_after, skipped_before, skipped_after,"
        " text_before, text_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event, item, kind, author, time.time(), undoes, before.class_id, after.class_id, before.skipped, after.skipped, *texts),
    )
    return event_of(connection.execute(f"{EVENTS} WHERE e.id = ?", (event,)).fetchone())


def _set_text(connection: sqlite3.Connection, item: int, text: str) -> None:
    content = json.loads(connection.execute("SELECT content FROM items WHERE id = ?", (item,)).fetchone()[0])
    content["text"] = text
    key = content_key(content)
    other = connection.execute("SELECT name FROM item_rows WHERE key = ? AND id <> ?", (key, item)).fetchone()
    if other is not None:
        raise BadInput(f"{other[0]} already has exactly this content.", "Write a different text, or skip this item.")
    connection.execute("UPDATE item_rows SET content = ?, key = ? WHERE id = ?", (canonical(content), key, item))
