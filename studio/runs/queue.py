"""The queue of one process: a first-in-first-out line and one worker thread, so that one run at a time has the device.

A lock file keeps the device from the queues of other processes while a run has it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from studio.core.errors import RunError
from studio.core.threads import give_way
from studio.runs.folder import RunFolder

Work = Callable[[RunFolder], None]
LOOK_S = 0.3
log = logging.getLogger(__name__)


class RunQueue:
    """Runs wait here; nothing about them lives here that is not also in their folders."""

    def __init__(self, device: Path) -> None:
        """`device` is the lock file of the device, held while a run works."""
        self.gives_way = False
        """Whether runs come after whatever else this process does; to be said before the first one."""
        self._device = FileLock(device)
        self._waiting: deque[tuple[RunFolder, Work]] = deque()
        self._current: Path | None = None
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        self._closing = threading.Event()

    def submit(self, folder: RunFolder, work: Work) -> None:
        """Put a run at the end of the line. Raises RunError where it waits or runs already."""
        with self._changed:
            if self._holds(folder.path):
                raise RunError(f"{folder.id} is already waiting or running.", "Wait for it, or stop it first.")
            folder.clear_wish()
            folder.update(status="queued", error=None, hint=None, note="Waiting for its turn")
            self._waiting.append((folder, work))
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="runs", daemon=True)
                self._worker.start()
            self._changed.notify_all()

    def take_out(self, folder: RunFolder) -> bool:
        """Take a waiting run out of the line; False where it does not wait here."""
        with self._changed:
            for entry in self._waiting:
                if entry[0].path == folder.path:
                    self._waiting.remove(entry)
                    folder.update(status="stopped", note="Taken out of the queue.")
                    self._changed.notify_all()
                    return True
        return False

    def wait(self, folder: RunFolder, timeout_s: float) -> bool:
        """Until the run neither waits nor runs here, or the time is over; True where it is over."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._holds(folder.path), timeout_s)

    def closing(self) -> bool:
        """Whether the process wants to end; the run at work asks this at every step."""
        return self._closing.is_set()

    def close(self, timeout_s: float = 30.0) -> None:
        """Interrupt the run at work (it stays resumable) and leave the waiting ones as they are."""
        self._closing.set()
        with self._changed:
            for folder, _ in self._waiting:
                folder.update(status="interrupted", note="Studio was closed before its turn. It can be resumed.")
            self._waiting.clear()
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join(timeout_s)

    def _takes_device(self, folder: RunFolder) -> bool:
        """Lock the device, once no other process's run has it; False where this run is to end before it began."""
        said = False
        Path(self._device.lock_file).parent.mkdir(parents=True, exist_ok=True)
        while not self._closing.is_set():
            try:
                self._device.acquire(timeout=0)
                return True
            except Timeout:
                if folder.wish():
                    folder.update(status="stopped", note="Stopped before its turn.")
                    return False
                if not said:
                    folder.update(note="Another Studio trains on this device: waiting for its run to end")
                    said = True
                self._closing.wait(LOOK_S)
        folder.update(status="interrupted", note="Studio was closed before its turn. It can be resumed.")
        return False

    def _holds(self, path: Path) -> bool:
        return path == self._current or any(path == folder.path for folder, _ in self._waiting)

    def _work(self) -> None:
        if self.gives_way:
            give_way()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._closing.is_set())
                if self._closing.is_set():
                    return
                folder, work = self._waiting.popleft()
                self._current = folder.path
            try:
                if self._takes_device(folder):
                    try:
                        work(folder)
                    finally:
                        self._device.release()
            except Exception:  # one run's fault must not stop the next; its folder says what happened
                log.exception("%s failed", folder.path)
            with self._changed:
                self._current = None
                self._changed.notify_all()
