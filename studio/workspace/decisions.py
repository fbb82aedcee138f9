"""What was decided of an audit's findings: a list of the project's, changed in the transaction of the label event that carries a
decision out, so that both are taken back, or done again, together."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from studio.core.types import LabelEvent
from studio.data import undo
from studio.data.kept import checked, kept
from studio.data.store import Store

KEY = "audit_decisions"
"""Of the store's meta values."""


@dataclass(frozen=True, slots=True)
class Decision:
    key: str
    """Of the finding."""
    act: str
    item: int
    author: str
    event: int | None = None
    """The label event that carried it out; None where it changed nothing."""
    undone: bool = False
    stays: bool = False
    """Its label could not be taken back or given again, as something has since been said of the item: it is forgotten."""


class Decisions:
    """Of one project."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def standing(self) -> list[Decision]:
        """The first first."""
        return [one for one in kept(self._store, KEY, list[Decision]) or () if not one.undone]

    def take(self, decision: Decision, act: Callable[[sqlite3.Connection], LabelEvent | None]) -> None:
        """Carry it out by `act`; what its author took back before cannot be done again from now on."""

        def decide(connection: sqlite3.Connection) -> None:
            event = act(connection)
            rows = [one for one in _kept(connection) if not (one.undone and one.author == decision.author)]
            _keep(connection, [*rows, replace(decision, event=event.id if event else None)])

        self._store.write(decide)

    def undo(self, author: str) -> Decision | None:
        """Take back that author's newest; None where there is none."""
        return self._store.write(lambda connection: _turn(connection, author, back=True))

    def redo(self, author: str) -> Decision | None:
        """Do again what that author took back last; None where there is nothing of the kind."""
        return self._store.write(lambda connection: _turn(connection, author, back=False))


def _turn(connection: sqlite3.Connection, author: str, back: bool) -> Decision | None:
    rows = _kept(connection)
    # what was taken back last is what was decided first of all that is taken back
    mine = [k for k, one in enumerate(rows) if one.author == author and one.undone is not back]
    if not mine:
        return None
    at = mine[-1] if back else mine[0]
    found = rows[at]
    if found.event is not None:
        events = undo.one(connection, found.event, author, redo=not back)
        found = replace(found, event=events[0].id if events else found.event, stays=not events)
    rows[at : at + 1] = [] if found.stays else [replace(found, undone=back)]
    _keep(connection, rows)
    return found


def _kept(connection: sqlite3.Connection) -> list[Decision]:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchone()
    return checked(json.loads(row[0]), list[Decision]) or [] if row else []


def _keep(connection: sqlite3.Connection, rows: list[Decision]) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (KEY, json.dumps([asdict(row) for row in rows])))
