"""Label events: acts on items, appended and never changed; the items' present state is derived in the same transaction.

Each function takes the writer's connection. What was done to many items at once is one act; `undo.py` takes acts back.

Several people may label one item. What each of them says is kept (`opinions.py`), and what the item has is what was said first:
who says something else without having seen that is put aside, where the item waits for somebody to settle it; who has
seen it says it over the other.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from types import EllipsisType, MappingProxyType
from typing import Any, Literal, NamedTuple

from studio.core.errors import BadInput, NotFound, Overtaken
from studio.core.types import NONE_OF_THESE, LabelEvent, Stance
from studio.data import opinions, sets
from studio.data.content import canonical, content_key
from studio.data.query import OF_NONE, SKIPPED
from studio.data.sets import Said

Kind = Literal["import", "label", "none", "skip", "caption", "note", "undo"]
Aspect = Literal["label", "caption", "note"]
Saw = str | None | EllipsisType
"""The label that a person was shown; `...` for who acts on the item as it stands, whatever it has."""

LONGEST_NOTE = 2_000


class State(NamedTuple):
    """What acts change of an item."""

    class_id: int | None
    skipped: int
    text: str | None
    note: str

    @property
    def said(self) -> int | None:
        """As `opinions` writes it: the class, 0 for none of them, None without a label."""
        return opinions.NONE if self.skipped == OF_NONE else self.class_id

    def saying(self, said: int | None) -> State:
        """With another label, in the same form."""
        return self._replace(class_id=said or None, skipped=OF_NONE if said == opinions.NONE else 0)


_NAME = "CASE WHEN e.skipped_{0} = 2 THEN :none ELSE {1}.name END"
EVENTS = f"""
    SELECT e.id, e.item, CASE WHEN e.redo THEN 'redo' ELSE e.kind END, coalesce(e.text_before, {_NAME.format("before", "b")}),
      coalesce(e.text_after, {_NAME.format("after", "a")}), e.author, e.at, e.undoes, e.act,
      CASE WHEN e.said = 0 THEN :none ELSE s.name END, e.stance
    FROM label_events e LEFT JOIN classes b ON b.id = e.class_before LEFT JOIN classes a ON a.id = e.class_after
      LEFT JOIN classes s ON s.id = e.said
"""
SAID_AS = {"none": NONE_OF_THESE}
"""What `EVENTS` needs beside the item or event."""

MOST = 250
"""Of one act, the items that one transaction changes; whoever asks for more goes on with the same act."""


def label(connection: sqlite3.Connection, item: int, name: Said | None, author: str, saw: Saw = ...) -> LabelEvent:
    """Give (or with None take away) a label. Raises NotFound for the item or the class."""
    before = state_of(connection, item)
    class_id = None if name is None else sets.row_of(connection, name)
    return _say(connection, item, "label", author, before, before._replace(class_id=class_id, skipped=0), saw)


def none_of_these(connection: sqlite3.Connection, item: int, author: str, saw: Saw = ...) -> LabelEvent:
    """Say that the item is of none of the classes: it is done, and nothing learns from it. Where items may be of several, that
    is a label like any other. Raises NotFound."""
    if sets.several(connection):
        return label(connection, item, NONE_OF_THESE, author, saw)
    before = state_of(connection, item)
    return _say(connection, item, "none", author, before, before._replace(class_id=None, skipped=OF_NONE), saw)


def settle(connection: sqlite3.Connection, item: int, name: Said | None, author: str) -> LabelEvent:
    """Say what an item is, over everybody, the author's own earlier word included; None: none of the classes. Raises NotFound."""
    before = state_of(connection, item)
    if name is None and sets.several(connection):
        name = NONE_OF_THESE
    if name is None:
        after = before._replace(class_id=None, skipped=OF_NONE)
    else:
        after = before._replace(class_id=sets.row_of(connection, name), skipped=0)
    kind: Kind = "none" if name is None else "label"
    return append(connection, item, kind, author, before, after, said=after.said, stance="over")


def skip(connection: sqlite3.Connection, item: int, author: str) -> LabelEvent:
    """Mark an item as looked at and left; what was said of it stays. Raises NotFound."""
    before = state_of(connection, item)
    return append(connection, item, "skip", author, before, before._replace(skipped=before.skipped or SKIPPED))


def drop(connection: sqlite3.Connection, item: int, author: str) -> LabelEvent:
    """Take the label away and mark the item as looked at, so that nothing learns from it and nobody is asked about it again."""
    before = state_of(connection, item)
    return _say(connection, item, "skip", author, before, before._replace(class_id=None, skipped=SKIPPED), ...)


def caption(connection: sqlite3.Connection, item: int, text: str, author: str, saw: str | EllipsisType = ...) -> LabelEvent:
    """Replace an item's text. Raises NotFound, Overtaken where it is no longer what the author `saw`, and BadInput where it has
    none or another item has that content."""
    before = state_of(connection, item)
    if saw is not ... and before.text not in (saw, text):
        said = f"Somebody else has meanwhile written: “{(before.text or '')[:200]}”."
        raise Overtaken(item, said, "Save yours once more to put it in the place of theirs.")
    if before.text is None:
        raise BadInput(f"Item {item} has no text to change.", "Captions belong to texts and image–text pairs.")
    return append(connection, item, "caption", author, before, before._replace(text=text), aspect="caption")


def note(connection: sqlite3.Connection, item: int, text: str, author: str, saw: str | EllipsisType = ...) -> LabelEvent:
    """Replace what people have written beside an item; an empty text takes it away. What the author had not seen stays before it.
    Raises NotFound, BadInput for a long one."""
    before = state_of(connection, item)
    text = beside(before.note, text, saw)
    if len(text) > LONGEST_NOTE:
        raise BadInput(f"The note has {len(text):,} characters.", f"Write at most {LONGEST_NOTE:,}.")
    return append(connection, item, "note", author, before, before._replace(note=text), aspect="note")


def beside(now: str, text: str, saw: str | EllipsisType) -> str:
    """The text, after what stands there `now` where its author saw something else."""
    return text if saw is ... or saw == now or not now else f"{now} / {text}" if text else now


def label_each(
    connection: sqlite3.Connection,
    given: Iterable[tuple[int, Said | None]],
    author: str,
    act: int | None = None,
    saw: Mapping[int, str | None] = MappingProxyType({}),
) -> list[LabelEvent]:
    """Labels for many items as one act, or as more of the `act` of an earlier call; what has its label already is left. Where
    items may be of several classes it is given beside those that they have. `saw` has what the person was shown of some of the
    items. Raises NotFound, and then labels none."""
    events: list[LabelEvent] = []
    more = sets.several(connection)
    for item, name in given:
        before = state_of(connection, item)
        class_id = None if name is None else sets.row_of(connection, name)
        if more and class_id is not None and before.class_id is not None:
            class_id = sets.with_more(connection, before.class_id, class_id)
        after = before._replace(class_id=class_id, skipped=0)
        if after != before and (name is not None or before.said is not None):  # what has no label to lose stays skipped
            act = act or next_id(connection)
            events.append(_say(connection, item, "label", author, before, after, saw.get(item, ...), act))
    return events


def refuse_overtaken(connection: sqlite3.Connection, item: int, saw: str | None) -> None:
    """Raises Overtaken where the item's label is no longer what a person `saw`, and NotFound."""
    now = _name(connection, state_of(connection, item))
    if now != saw:
        raise Overtaken(item, f"Its label has changed meanwhile: {now or 'it has none now'}.", "Look at it once more.")


def event_of(row: tuple[Any, ...]) -> LabelEvent:
    """A row of `EVENTS`."""
    return LabelEvent(*row)


def state_of(connection: sqlite3.Connection, item: int) -> State:
    """As it stands. Raises NotFound."""
    sql = "SELECT class, skipped, json_extract(content, '$.text'), note FROM items WHERE id = ?"
    try:
        row = connection.execute(sql, (item,)).fetchone()
    except OverflowError:  # a number larger than any id
        row = None
    if row is None:
        raise NotFound(f"There is no item {item}.", "It may belong to another project.")
    return State(*row)


def next_id(connection: sqlite3.Connection) -> int:
    """The number of the next act. From 1 on: numbers below are those of imports, and `revision` has to see every act."""
    return int(connection.execute("SELECT max(0, coalesce(max(id), 0)) + 1 FROM label_events").fetchone()[0])


def _say(
    connection: sqlite3.Connection,
    item: int,
    kind: Kind,
    author: str,
    before: State,
    after: State,
    saw: Saw,
    act: int | None = None,
) -> LabelEvent:
    """What the author says of the item: its label from now on, unless it has one of somebody else's that they have not seen."""
    other = None if before.said is None else opinions.whose(connection, item)
    stance: Stance = "stands"
    if other not in (None, author):
        stance = "over" if saw is ... or saw == _name(connection, before) else "aside"
    now = before if stance == "aside" else after
    if other == author and kind == "label" and after.said is None:  # who takes back their own word leaves another's
        now = now.saying(opinions.first(connection, item, author))
    return append(connection, item, kind, author, before, now, act=act, said=after.said, stance=stance)


def append(
    connection: sqlite3.Connection,
    item: int,
    kind: Kind,
    author: str,
    before: State,
    after: State,
    aspect: Aspect = "label",
    undoes: int | None = None,
    act: int | None = None,
    redo: bool = False,
    said: int | None = None,
    stance: Stance = "stands",
    whose: str | None = None,
) -> LabelEvent:
    """The event, and what it makes of the item; `whose` word it takes back or says again, where that is not the author's."""
    if after.text != before.text:
        _set_text(connection, item, str(after.text))
    connection.execute(
        "UPDATE item_rows SET class = ?, skipped = ?, note = ? WHERE id = ?", (after.class_id, after.skipped, after.note, item)
    )
    texts = {"label": (None, None), "caption": (before.text, after.text), "note": (before.note, after.note)}[aspect]
    event = next_id(connection)
    row = (
        *(event, item, kind, aspect, author, time.time(), undoes),
        *(before.class_id, after.class_id, before.skipped, after.skipped, *texts),
        *(act, redo, said, stance),
    )
    connection.execute(
        "INSERT INTO label_events (id, item, kind, aspect, author, at, undoes, class_before, class_after, skipped_before,"
        f" skipped_after, text_before, text_after, act, redo, said, stance) VALUES ({', '.join('?' * len(row))})",
        row,
    )
    if aspect == "label" and (said is not None or undoes is not None or after.said != before.said):
        opinions.recount(connection, item, whose or author, after.said)
    return event_of(connection.execute(f"{EVENTS} WHERE e.id = :event", {**SAID_AS, "event": event}).fetchone())


def _name(connection: sqlite3.Connection, state: State) -> str | None:
    if state.skipped == OF_NONE:
        return NONE_OF_THESE
    row = connection.execute("SELECT name FROM classes WHERE id = ?", (state.class_id,)).fetchone()
    return None if row is None else str(row[0])


def _set_text(connection: sqlite3.Connection, item: int, text: str) -> None:
    content = json.loads(connection.execute("SELECT content FROM items WHERE id = ?", (item,)).fetchone()[0])
    content["text"] = text
    key = content_key(content)
    other = connection.execute("SELECT name FROM item_rows WHERE key = ? AND id <> ?", (key, item)).fetchone()
    if other is not None:
        raise BadInput(f"{other[0]} already has exactly this content.", "Write a different text, or skip this item.")
    connection.execute("UPDATE item_rows SET content = ?, key = ? WHERE id = ?", (canonical(content), key, item))
