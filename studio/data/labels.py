"""Label events: acts on items, appended and never changed; the items' present state is derived in the same transaction.

Each function takes the writer's connection. An undo is an event of its own and restores what its target changed; a redo is an
undo of that undo. What was done to many items at once is one act: taken back, and done again, as one.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from studio.core.errors import BadInput, NotFound
from studio.core.types import LabelEvent
from studio.data.content import canonical, content_key

Kind = Literal["import", "label", "skip", "caption", "undo"]


class _State(NamedTuple):
    class_id: int | None
    skipped: int
    text: str | None


EVENTS = """
    SELECT e.id, e.item, CASE WHEN e.redo THEN 'redo' ELSE e.kind END, coalesce(e.text_before, b.name),
      coalesce(e.text_after, a.name), e.author, e.at, e.undoes, e.act
    FROM label_events e LEFT JOIN classes b ON b.id = e.class_before LEFT JOIN classes a ON a.id = e.class_after
"""

_FRESH = "('label', 'skip', 'caption')"
_THEIRS = "(SELECT value FROM json_each(:authors))"
_UNTOUCHED = "NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = e.id)"
# an act that somebody else has since replaced no longer stands, so its author cannot take it back over their head
_NOT_REPLACED = f"""
    NOT EXISTS (
        SELECT 1 FROM label_events o WHERE o.item = e.item AND o.id > e.id AND o.author NOT IN {_THEIRS}
          AND (o.kind IN {_FRESH} OR o.redo) AND (o.text_after IS NULL) = (e.text_after IS NULL)
          AND NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = o.id))
"""
_NEWEST_STANDING = f"""
    SELECT e.id, e.act FROM label_events e
    WHERE e.author = :author AND (e.kind IN {_FRESH} OR e.redo) AND {_UNTOUCHED} AND {_NOT_REPLACED}
    ORDER BY e.id DESC LIMIT 1
"""
# what is done anew after an undo stands in the way of doing the old again
_NEWEST_UNDONE = f"""
    SELECT e.id, e.act FROM label_events e
    WHERE e.author = :author AND e.kind = 'undo' AND NOT e.redo AND {_UNTOUCHED} AND {_NOT_REPLACED}
      AND NOT EXISTS (SELECT 1 FROM label_events f WHERE f.id > e.id AND f.author IN {_THEIRS} AND f.kind IN {_FRESH})
    ORDER BY e.id DESC LIMIT 1
"""
_OF_THE_ACT = f"""
    SELECT e.id, e.item, e.text_before IS NOT NULL, e.class_before, e.skipped_before, e.text_before FROM label_events e
    WHERE (e.id = :event OR e.act = :act) AND {_UNTOUCHED} AND {_NOT_REPLACED} ORDER BY e.id DESC
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


def drop(connection: sqlite3.Connection, item: int, author: str) -> LabelEvent:
    """Take the label away and mark the item as looked at, so that nothing learns from it and nobody is asked about it again."""
    before = _state(connection, item)
    return _append(connection, item, "skip", author, before, before._replace(class_id=None, skipped=1))


def caption(connection: sqlite3.Connection, item: int, text: str, author: str) -> LabelEvent:
    """Replace an item's text. Raises NotFound, and BadInput where it has none or another item has that content."""
    before = _state(connection, item)
    if before.text is None:
        raise BadInput(f"Item {item} has no text to change.", "Captions belong to texts and image–text pairs.")
    return _append(connection, item, "caption", author, before, before._replace(text=text))


def label_each(connection: sqlite3.Connection, given: Iterable[tuple[int, str | None]], author: str) -> list[LabelEvent]:
    """Labels for many items as one act; what has its label already is left. Raises NotFound, and then labels none."""
    events: list[LabelEvent] = []
    for item, name in given:
        before = _state(connection, item)
        after = before._replace(class_id=None if name is None else class_of(connection, name), skipped=0)
        if after != before and (name is not None or before.class_id is not None):  # what has no label to lose stays skipped
            act = events[0].id if events else next_id(connection)
            events.append(_append(connection, item, "label", author, before, after, act=act))
    return events


def undo(connection: sqlite3.Connection, author: str, *others: str) -> list[LabelEvent]:
    """Take back the author's newest act that still stands; empty where there is none. Acts of `others` count as theirs."""
    return _reverse(connection, _NEWEST_STANDING, (author, *others), redo=False)


def redo(connection: sqlite3.Connection, author: str, *others: str) -> list[LabelEvent]:
    """Do again what the author took back last, unless they have done something new since; empty where there is nothing.
    Acts of `others` count as theirs."""
    return _reverse(connection, _NEWEST_UNDONE, (author, *others), redo=True)


def _reverse(connection: sqlite3.Connection, newest: str, authors: tuple[str, ...], redo: bool) -> list[LabelEvent]:
    """Restore what was before that act, on each item where nobody else has changed it since. The first author does it."""
    theirs = {"authors": json.dumps(authors)}
    # one after the other: for all at once SQLite would sort the whole log
    found = [row for author in authors for row in connection.execute(newest, {**theirs, "author": author})]
    if not found:
        return []
    event, act = max(found)
    targets = connection.execute(_OF_THE_ACT, {**theirs, "event": event, "act": act}).fetchall()
    mine = next_id(connection) if len(targets) > 1 else None
    done = []
    for target, item, of_text, class_before, skipped_before, text_before in targets:
        now = _state(connection, item)
        after = now._replace(text=text_before) if of_text else now._replace(class_id=class_before, skipped=skipped_before)
        done.append(_append(connection, item, "undo", authors[0], now, after, undoes=target, act=mine, redo=redo))
    return done


def class_of(connection: sqlite3.Connection, name: str) -> int:
    """The id of a class. Raises NotFound with the classes there are."""
    row = connection.execute("SELECT id FROM classes WHERE name = ? AND NOT hidden", (name,)).fetchone()
    if row is None:
        known = [r[0] for r in connection.execute("SELECT name FROM classes WHERE NOT hidden ORDER BY position LIMIT 21")]
        shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
        raise NotFound(f"There is no class {name!r}.", f"Known: {shown}." if known else "Add the class first.")
    return int(row[0])


def event_of(row: tuple[Any, ...]) -> LabelEvent:
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
    connection: sqlite3.Connection,
    item: int,
    kind: Kind,
    author: str,
    before: _State,
    after: _State,
    undoes: int | None = None,
    act: int | None = None,
    redo: bool = False,
) -> LabelEvent:
    if after.text != before.text:
        _set_text(connection, item, str(after.text))
    connection.execute("UPDATE item_rows SET class = ?, skipped = ? WHERE id = ?", (after.class_id, after.skipped, item))
    texts = (before.text, after.text) if after.text != before.text or kind == "caption" else (None, None)
    event = next_id(connection)
    connection.execute(
        "INSERT INTO label_events (id, item, kind, author, at, undoes, class_before, class_after, skipped_before, skipped_after,"
        " text_before, text_after, act, redo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event, item, kind, author, time.time(), undoes, before.class_id, after.class_id, before.skipped, after.skipped, *texts,
         act, redo),
    )  # fmt: skip
    return event_of(connection.execute(f"{EVENTS} WHERE e.id = ?", (event,)).fetchone())


def _set_text(connection: sqlite3.Connection, item: int, text: str) -> None:
    content = json.loads(connection.execute("SELECT content FROM items WHERE id = ?", (item,)).fetchone()[0])
    content["text"] = text
    key = content_key(content)
    other = connection.execute("SELECT name FROM item_rows WHERE key = ? AND id <> ?", (key, item)).fetchone()
    if other is not None:
        raise BadInput(f"{other[0]} already has exactly this content.", "Write a different text, or skip this item.")
    connection.execute("UPDATE item_rows SET content = ?, key = ? WHERE id = ?", (canonical(content), key, item))
