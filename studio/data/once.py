"""An act that is sent again is done once: its key is kept in the transaction of the act itself.

A page sends each act until it is acknowledged. Where the process was killed after the commit and before the answer, the same act
comes to a process that has not seen it; done again, a label would stand twice in the history, and an undo take back two. Keeps
the keys of the newest acts alone, and none of an act that changed nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from studio.core.types import LabelEvent
from studio.data.labels import EVENTS, SAID_AS, event_of

Act = Callable[[sqlite3.Connection], list[LabelEvent]]

KEPT = 10_000
"""A page sends one act after the other, so what comes again is among the newest."""


def once(key: str, act: Act) -> Act:
    """The act; or where one of that key was done before, what it left."""

    def done(connection: sqlite3.Connection) -> list[LabelEvent]:
        before = connection.execute("SELECT first, last FROM acts WHERE key = ?", (key,)).fetchone()
        if before is not None:
            given = {**SAID_AS, "first": before[0], "last": before[1]}
            rows = connection.execute(f"{EVENTS} WHERE e.id BETWEEN :first AND :last ORDER BY e.id", given)
            return [event_of(row) for row in rows]
        events = act(connection)
        if events:
            # one writer: what one act appends has numbers without a gap
            row = (key, events[0].id, events[-1].id)
            kept = connection.execute("INSERT INTO acts (key, first, last) VALUES (?, ?, ?)", row).lastrowid or 0
            connection.execute("DELETE FROM acts WHERE id <= ?", (kept - KEPT,))
        return events

    return done
