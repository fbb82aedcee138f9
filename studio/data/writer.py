"""The one thread that writes to a project's database, through one connection, with group commit.

A future is resolved after the COMMIT that holds its act is on disk (WAL, synchronous=FULL): saved means saved. Acts that
wait are committed together, each in a savepoint of its own, so one that fails takes no other with it. Bulk acts, the many
short parts of something long, come after the others and are committed one by one: nobody waits for more than one of them.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from studio.core.errors import ProjectError
from studio.data.foreign import read_only, refuse_strange
from studio.data.schema import migrate, newer

T = TypeVar("T")
Act = Callable[[sqlite3.Connection], T]

MAX_BATCH = 512
CACHE_KIB = 64 * 1024
"""An import touches pages all over the indices, by its longest acts 28 MB of them: with less than some acts' worth it would read
and write most of them again and again."""
ALONE_S = 10.0
"""So long without any other act, and bulk acts are alone: longer than one looks at an item."""
CHECKPOINT_PAGES, CHECKPOINT_PAGES_ALONE = 1_000, 32_000
"""Log before it is worked into the database, of 4 KB a page: an import changes the same pages in act after act, and the later
the fewer times each is written; but whose act comes meanwhile waits for it."""


@dataclass(frozen=True, slots=True)
class _Job:
    act: Act[Any]
    future: Future[Any]
    bulk: bool


class Writer:
    """Started by its constructor, which also creates or migrates the database. Raises ProjectError.

    A database of a newer schema is not touched: `read_only` says why, and every act is refused with that reason.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_path = path.with_name(f".{path.name}.lock")
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._other_at = 0.0
        self.read_only: str | None = None
        try:
            with _only_process(self._lock_path):
                self.read_only = newer(path)
                if self.read_only is None:
                    self._connection = _connect(path)
                else:
                    with closing(read_only(path)) as connection:
                        refuse_strange(connection, path)
        except (sqlite3.Error, OSError) as error:
            raise ProjectError(f"{path} cannot be opened for writing ({error}).", "Check the folder's permissions.") from error
        if self.read_only is not None:
            return
        self._thread = threading.Thread(target=self._run, name="studio-writer", daemon=True)
        self._thread.start()

    def submit(self, act: Act[T], bulk: bool = False) -> Future[T]:
        """Queue `act(connection)`; the future holds its result once it is on disk, or what it raised."""
        self.refuse_read_only()
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise ProjectError("The project is closed.", "Open it again.")
            self._queue.put(_Job(act, future, bulk))
        return future

    def refuse_read_only(self) -> None:
        """Raises ProjectError where the database is only read."""
        if self.read_only is not None:
            raise ProjectError(
                f"Not saved: this project is read-only, because {self.read_only}.",
                "Look at it and export its labels here; update Studio to go on with it.",
            )

    @property
    def alone(self) -> bool:
        """Whether for a while nothing but bulk acts came."""
        return time.monotonic() - self._other_at > ALONE_S

    def close(self) -> None:
        """Commit what waits, then close. May be called twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        if self.read_only is None:
            self._thread.join()

    def _run(self) -> None:
        while batch := self._batch():
            self._commit([job for job in batch if not job.bulk])
            for job in batch:
                if job.bulk:
                    self._commit_bulk(job)
        with _only_process(self._lock_path):
            self._connection.close()

    def _batch(self) -> list[_Job]:
        """Everything that waits, at least one act; empty once closed."""
        batch: list[_Job] = []
        while (job := self._queue.get()) is not None:
            batch.append(job)
            if len(batch) == MAX_BATCH or self._queue.empty():
                return batch
        if batch:
            self._queue.put(None)  # commit first, then meet the end again
        return batch

    def _commit(self, batch: list[_Job]) -> None:
        if not batch:
            return
        self._other_at = time.monotonic()
        done: list[tuple[Future[Any], Any]] = []
        try:
            # SQLite before 3.51.3 can lose pages when two connections commit and checkpoint at once: one process at a time
            with _only_process(self._lock_path):
                self._connection.execute("BEGIN IMMEDIATE")
                for job in batch:
                    done.extend(self._attempt(job.act, job.future))
                self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            failure = _not_saved(error)
            for job in batch:
                if not job.future.done():
                    job.future.set_exception(failure)
            return
        for future, result in done:
            future.set_result(result)

    def _commit_bulk(self, job: _Job) -> None:
        """By itself and without a savepoint, for which SQLite would copy every page before it changes it."""
        try:
            with _only_process(self._lock_path):
                pages = CHECKPOINT_PAGES_ALONE if self.alone else CHECKPOINT_PAGES
                self._connection.execute(f"PRAGMA wal_autocheckpoint={pages}")
                self._connection.execute("BEGIN IMMEDIATE")
                result = job.act(self._connection)
                self._connection.execute("COMMIT")
        except Exception as error:  # handed to whoever asked
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            told = isinstance(error, (sqlite3.OperationalError, OSError))
            job.future.set_exception(_not_saved(error) if told else error)
            return
        job.future.set_result(result)

    def _attempt(self, act: Act[Any], future: Future[Any]) -> Iterator[tuple[Future[Any], Any]]:
        self._connection.execute("SAVEPOINT act")
        try:
            result = act(self._connection)
        except Exception as error:  # handed to whoever asked; the others of the batch go on
            if not self._connection.in_transaction:
                raise sqlite3.OperationalError(str(error)) from error  # a full disk ends the whole transaction
            self._connection.execute("ROLLBACK TO act")
            self._connection.execute("RELEASE act")
            future.set_exception(_not_saved(error) if isinstance(error, sqlite3.OperationalError) else error)
            return
        self._connection.execute("RELEASE act")
        yield future, result


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        refuse_strange(connection, path)
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _not_saved(error: Exception) -> ProjectError:
    if "full" in str(error):
        return ProjectError("Not saved: the disk is full.", "Free some space, then do it again; what was saved before is kept.")
    return ProjectError(f"Not saved: {error}.", "Check the disk and the folder's permissions, then do it again.")


@contextmanager
def _only_process(path: Path) -> Iterator[None]:
    """Hold the project's write lock against other processes (a second Studio, a command)."""
    if sys.platform == "win32":  # no flock there; SQLite's own busy timeout has to do
        yield
        return
    import fcntl

    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
