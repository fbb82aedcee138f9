"""Acts taken back and done again: an undo is an event of its own and restores what its target changed; a redo is an undo of that.

Of an act on many items each is restored where nobody else has changed it since. What an item then has is what somebody still
says of it. Each function takes the writer's connection.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from studio.core.types import LabelEvent
from studio.data import opinions
from studio.data.labels import MOST, append, next_id, state_of

_FRESH = "('label', 'none', 'skip', 'caption', 'note')"
_THEIRS = "(SELECT value FROM json_each(:authors))"
_UNTOUCHED = "NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = e.id)"
# an act that somebody else has since replaced no longer stands, so its author cannot take it back over their head
_NOT_REPLACED = f"""
    (e.stance = 'aside' OR NOT EXISTS (
        SELECT 1 FROM label_events o WHERE o.item = e.item AND o.id > e.id AND o.author NOT IN {_THEIRS}
          AND (o.kind IN {_FRESH} OR o.redo) AND o.aspect = e.aspect AND o.stance <> 'aside'
          AND (o.aspect <> 'label' OR o.said IS NOT NULL OR o.class_before IS NOT o.class_after)
          AND NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = o.id)))
"""
_STANDS = f"e.author = :author AND {_UNTOUCHED} AND {_NOT_REPLACED} ORDER BY e.id DESC LIMIT 1"
# what was done and what was done again by themselves: each is a walk down an index that ends at the first that stands
_NEWEST_STANDING = f"""
    SELECT * FROM (SELECT e.id, e.act FROM label_events e WHERE e.kind <> 'undo' AND e.kind IN {_FRESH} AND {_STANDS})
    UNION ALL
    SELECT * FROM (SELECT e.id, e.act FROM label_events e WHERE e.kind = 'undo' AND e.redo = 1 AND {_STANDS})
    ORDER BY id DESC LIMIT 1
"""
# what is done anew after an undo stands in the way of doing the old again
_NEWEST_UNDONE = f"""
    SELECT e.id, e.act FROM label_events e
    WHERE e.kind = 'undo' AND e.redo = 0 AND e.id > :fresh AND {_STANDS}
"""
_NEWEST_FRESH = f"""
    SELECT e.id FROM label_events e WHERE e.author = :author AND e.kind <> 'undo' AND e.kind IN {_FRESH}
    ORDER BY e.id DESC LIMIT 1
"""
# what was done after the act that still stands, of which nothing stands, as others have since said something else
_AFTER_IT = (
    f"e.author = :author AND e.id > :after AND (e.act IS NULL OR e.act IS NOT :act) AND {_UNTOUCHED} ORDER BY e.id DESC LIMIT 1"
)
_NEWEST_REPLACED = f"""
    SELECT * FROM (SELECT e.id, e.item FROM label_events e WHERE e.kind <> 'undo' AND e.kind IN {_FRESH} AND {_AFTER_IT})
    UNION ALL
    SELECT * FROM (SELECT e.id, e.item FROM label_events e WHERE e.kind = 'undo' AND e.redo = 1 AND {_AFTER_IT})
    ORDER BY id DESC LIMIT 1
"""
_OF_THE_ACT = f"""
    SELECT e.id, e.item, e.author, e.aspect, e.stance, e.said, e.class_before, e.skipped_before, e.text_before
    FROM label_events e
    WHERE {{0}} AND {_UNTOUCHED} AND {_NOT_REPLACED} ORDER BY e.id DESC LIMIT {MOST}
"""


def undo(connection: sqlite3.Connection, author: str, *others: str) -> list[LabelEvent]:
    """Take back the author's newest act that still stands; empty where there is none. Acts of `others` count as theirs.

    Of an act on more than MOST items the last ones; `go_on` with the others."""
    return _reverse(connection, _NEWEST_STANDING, (author, *others), redo=False)


def replaced(connection: sqlite3.Connection, author: str, *others: str) -> tuple[int, int] | None:
    """(event, item) of what the author has done since the act that `undo` would take back, and cannot take back, as others have
    since said something else; None where there is nothing of the kind."""
    authors = (author, *others)
    theirs = {"authors": json.dumps(authors)}
    standing = [row for name in authors for row in connection.execute(_NEWEST_STANDING, {**theirs, "author": name})]
    after, act = max(standing, default=(0, None))
    given = {**theirs, "after": after, "act": act}
    found = [row for name in authors for row in connection.execute(_NEWEST_REPLACED, {**given, "author": name})]
    return max(found, default=None)


def redo(connection: sqlite3.Connection, author: str, *others: str) -> list[LabelEvent]:
    """Do again what the author took back last, unless they have done something new since; empty where there is nothing.
    Acts of `others` count as theirs."""
    return _reverse(connection, _NEWEST_UNDONE, (author, *others), redo=True)


def one(connection: sqlite3.Connection, event: int, author: str, redo: bool) -> list[LabelEvent]:
    """Take back that very event, or do again what the undo `event` took back; empty where it was already, or where anybody has
    said something of the item since."""
    given = {"authors": "[]", "event": event}
    return _restore(connection, connection.execute(_OF_THE_ACT.format("e.id = :event"), given).fetchall(), author, redo, None)


def go_on(connection: sqlite3.Connection, done: LabelEvent, *authors: str) -> list[LabelEvent]:
    """The next items of the act that an `undo` or `redo` has begun, after the one that it has `done` last; empty at the end."""
    (of,) = connection.execute("SELECT act FROM label_events WHERE id = ?", (done.undoes,)).fetchone()
    if of is None or done.act is None:
        return []
    given = {"authors": json.dumps(authors), "act": of, "before": done.undoes}
    targets = connection.execute(_OF_THE_ACT.format("e.act = :act AND e.id < :before"), given).fetchall()
    return _restore(connection, targets, authors[0], done.kind == "redo", done.act)


def _reverse(connection: sqlite3.Connection, newest: str, authors: tuple[str, ...], redo: bool) -> list[LabelEvent]:
    """Restore what was before that act, on each item where nobody else has changed it since. The first author does it."""
    # one after the other: for all at once SQLite would sort the whole log
    fresh = [row[0] for author in authors for row in connection.execute(_NEWEST_FRESH, {"author": author})]
    theirs = {"authors": json.dumps(authors), "fresh": max(fresh, default=0)}
    found = [row for author in authors for row in connection.execute(newest, {**theirs, "author": author})]
    if not found:
        return []
    event, act = max(found)
    which = "e.id = :event" if act is None else "e.act = :act"
    targets = connection.execute(_OF_THE_ACT.format(which), {**theirs, "event": event, "act": act}).fetchall()
    return _restore(connection, targets, authors[0], redo, next_id(connection) if len(targets) > 1 else None)


def _restore(
    connection: sqlite3.Connection, targets: Sequence[tuple[Any, ...]], author: str, redo: bool, act: int | None
) -> list[LabelEvent]:
    """What was before each of the `targets`, rows of `_OF_THE_ACT`, as one act of the author's."""
    done = []
    for target, item, whose, aspect, stance, said, class_before, skipped_before, text_before in targets:
        now = state_of(connection, item)
        if aspect == "label":
            if stance != "aside":
                after = now._replace(class_id=class_before, skipped=skipped_before)
                if (
                    not redo
                    and after.said not in (None, now.said)
                    and not opinions.vouched(connection, item, whose, after.said, target)
                ):
                    after = now._replace(class_id=None, skipped=0)  # who said it has taken it back since
            elif not redo and opinions.whose(connection, item) == whose:  # whoever spoke before has taken it back since
                after = now.saying(opinions.before(connection, item, whose, target))
            else:
                after = now
            if not redo and after.said is None and (left := opinions.first(connection, item, whose)) is not None:
                after = after.saying(left)  # somebody else said it too
        else:
            after = now._replace(text=text_before) if aspect == "caption" else now._replace(note=text_before)
        done.append(
            append(connection, item, "undo", author, now, after, aspect, target, act, redo, said, stance, whose)
        )  # fmt: skip
    return done
