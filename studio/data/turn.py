"""One import at a time into a project, and no file of media that no item names.

An import notes each file before it writes it. Where it fails, or takes the row of a file for a reject, what no item names goes at
its end; where it was killed, whoever imports or opens next does it. Nobody else's files: while one imports, the others wait.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from studio.core.errors import StudioError
from studio.data.media import Media
from studio.data.settle import settle
from studio.data.store import Store

LOOK_S = 0.1


class Journal:
    """The files that one import writes, noted in `media/.written` until it is clear which of them stay."""

    def __init__(self, media: Media) -> None:
        self._path = media.folder / ".written"
        self.named: set[str] = set()
        """Those that items are known to name; to ask the database instead means to read every item."""

    def note(self, sha: str) -> None:
        """Survives a kill; from any thread."""
        # one short write at the end of the file is not mixed with another's
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, f"{sha}\n".encode())
        finally:
            os.close(descriptor)

    def noted(self) -> set[str]:
        try:
            # a power cut may leave anything at the end
            return set(re.findall(r"^[0-9a-f]{64}$", self._path.read_text("ascii", "replace"), re.MULTILINE))
        except FileNotFoundError:
            return set()

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


@contextmanager
def turn(store: Store, media: Media, waiting: Callable[[], None]) -> Iterator[Journal]:
    """The time in which one import alone works on a project; `waiting()` is called while another one has it."""
    lock = _lock(media)
    while True:
        with suppress(Timeout):
            lock.acquire(timeout=0)
            break
        waiting()
        time.sleep(LOOK_S)
    try:
        _tidy(store, media, Journal(media))
        journal = Journal(media)
        try:
            yield journal
        finally:
            with suppress(StudioError, OSError):  # the next one does it, and whether the import worked is decided already
                _tidy(store, media, journal)
    finally:
        lock.release()


def tidy_up(store: Store, media: Media) -> None:
    """At opening: what a killed import left goes, unless somebody imports just now. Two look-ups where there is nothing.

    In the background: nobody sees what is left, and to withdraw 300,000 rows takes half a minute.
    """

    def work() -> None:
        with suppress(Timeout, StudioError, OSError), _lock(media).acquire(timeout=0):
            _tidy(store, media, Journal(media))

    if Journal(media).noted() or store.unfinished():
        threading.Thread(target=work, name="studio-tidy", daemon=True).start()


def _tidy(store: Store, media: Media, journal: Journal) -> None:
    if store.unfinished():
        settle(store)
    nobodys = journal.noted() - journal.named
    if nobodys:
        media.discard(nobodys - store.media_named(nobodys))
    journal.clear()


def _lock(media: Media) -> FileLock:
    return FileLock(media.folder / ".import.lock")
