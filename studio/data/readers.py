"""Connections that only read: no more of them than have read at once, as each keeps pages of the database in memory."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from studio.data.query import prepare


class Readers:
    """Thread-safe; a connection belongs to one thread until its read has ended. SQLite crashes where it is closed before."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._idle: list[sqlite3.Connection] = []
        self._at_work = 0
        self._closed = False
        self._changed = threading.Condition()

    def read(self, sql: str, values: tuple[Any, ...] | dict[str, Any]) -> list[Any]:
        """Raises sqlite3.Error: ProgrammingError once they are closed."""
        with self._changed:
            if self._closed:
                raise sqlite3.ProgrammingError("the readers are closed")
            self._at_work += 1
            connection = self._idle.pop() if self._idle else None  # the one used last: it knows most
        try:
            if connection is None:
                connection = sqlite3.connect(self._uri, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
                prepare(connection)
            return connection.execute(sql, values).fetchall()
        finally:
            with self._changed:
                self._at_work -= 1
                if connection is not None:
                    self._idle.append(connection)
                self._changed.notify_all()

    def close(self) -> None:
        """Waits for the reads at work."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._at_work)
            while self._idle:
                self._idle.pop().close()
