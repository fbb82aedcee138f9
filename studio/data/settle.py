"""What an import leaves to do: to withdraw one that was cut off before it was seen, to go on with one that was cut off after.

Both in short acts that may be cut off in their turn: whoever imports or opens the project next goes on.
"""

from __future__ import annotations

import sqlite3
import time

from studio.data.labels import next_id
from studio.data.store import Store

AUTHOR = "import"
CHUNK = 100
"""Rows an act: 4 to 8 ms of work, for which whoever labels meanwhile waits."""
CHUNK_ALONE = 4_000
"""Where nobody else has labelled for a while."""

EVENT = (
    "INSERT INTO label_events (id, item, kind, author, at, class_after, skipped_before, skipped_after)"
    " VALUES (?, ?, 'import', ?, ?, ?, 0, ?)"
)
TOUCHED = "EXISTS (SELECT 1 FROM label_events e WHERE e.item = i.id AND e.kind IN ('label', 'none', 'undo'))"
"""A person has given or taken away the label of the item `i`."""


def settle(store: Store) -> None:
    """Withdraw the import that was not finished, if there is one; let the finished ones give what labels they have left."""
    while store.write(_withdraw, bulk=True):
        pass
    while store.write(give_labels, bulk=True):
        pass


def give_labels(connection: sqlite3.Connection) -> bool:
    """Give some of the waiting labels to items that nobody has labelled meanwhile; whether any waited."""
    waiting = connection.execute("SELECT item, class FROM waiting_labels ORDER BY item LIMIT ?", (CHUNK,)).fetchall()
    for item, class_id in waiting:
        given = connection.execute(
            f"UPDATE item_rows AS i SET class = ? WHERE id = ? AND class IS NULL AND NOT {TOUCHED}", (class_id, item)
        )
        if given.rowcount:
            connection.execute(EVENT, (next_id(connection), item, AUTHOR, time.time(), class_id, 0))
    if waiting:
        connection.execute("DELETE FROM waiting_labels WHERE item <= ?", (waiting[-1][0],))
    return bool(waiting)


def _withdraw(connection: sqlite3.Connection) -> bool:
    """Take away some rows of the import that was not finished, the newest first; whether there may be more."""
    found = connection.execute("SELECT min(first_item) FROM imports WHERE finished IS NULL").fetchone()[0]
    if found is None:
        return False
    last = int(connection.execute("SELECT coalesce(max(id), 0) FROM item_rows").fetchone()[0])
    if last >= found:
        part = (max(found, last - CHUNK + 1), last)
        connection.execute("DELETE FROM label_events WHERE item BETWEEN ? AND ?", part)
        connection.execute("DELETE FROM item_rows WHERE id BETWEEN ? AND ?", part)
        return True
    connection.execute("DELETE FROM waiting_labels")
    connection.execute("DELETE FROM sets WHERE id IN (SELECT id FROM classes WHERE hidden)")
    connection.execute("DELETE FROM classes WHERE hidden")
    connection.execute("DELETE FROM imports WHERE finished IS NULL")
    return False
