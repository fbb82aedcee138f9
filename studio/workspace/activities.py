"""Things that take a while, other than training: each in a thread of its own, its progress kept here for any page.

So an import or a model's loading survives a reload, and every tab sees it. Owns the progress; refuses to queue or retry.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from studio.core.errors import NotFound, StudioError
from studio.core.interfaces import Progress
from studio.core.results.projects import Activity
from studio.core.threads import give_way

KEPT = 50
log = logging.getLogger(__name__)


class Activities:
    """All activities of one process."""

    def __init__(self) -> None:
        self._known: dict[str, Activity] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self, kind: str, title: str, work: Callable[[Progress], Any]) -> str:
        """Run `work(progress)` in the background; the id to ask for it."""
        with self._lock:
            return self._start(kind, title, work)

    def start_once(self, kind: str, title: str, work: Callable[[Progress], Any]) -> str:
        """`start`, or the one of that kind that runs already."""
        with self._lock:
            running = (a.id for a in self._known.values() if a.state == "running" and a.kind == kind)
            return next(running, None) or self._start(kind, title, work)

    def _start(self, kind: str, title: str, work: Callable[[Progress], Any]) -> str:
        activity_id = f"{kind}-{next(self._numbers)}"
        self._known[activity_id] = Activity(activity_id, kind, title, 0, 0, title, time.monotonic(), None, "running")
        over = [i for i, a in self._known.items() if a.state != "running"][: max(0, len(self._known) - KEPT)]
        for old in over:
            del self._known[old]
        threading.Thread(target=self._run, args=(activity_id, work), name=activity_id, daemon=True).start()
        return activity_id

    def get(self, activity_id: str) -> Activity:
        """Raises NotFound."""
        with self._lock:
            if activity_id in self._known:
                return self._known[activity_id]
        raise NotFound(f"There is no activity {activity_id!r}.", "It may belong to an earlier start of Studio.")

    def running(self, kind: str | None = None) -> tuple[Activity, ...]:
        """What runs now, oldest first."""
        with self._lock:
            return tuple(a for a in self._known.values() if a.state == "running" and kind in (None, a.kind))

    def newest(self, kind: str) -> Activity | None:
        """The newest of a kind, running or over."""
        with self._lock:
            return next((a for a in reversed(self._known.values()) if a.kind == kind), None)

    def _run(self, activity_id: str, work: Callable[[Progress], Any]) -> None:
        give_way()
        try:
            result = work(lambda done, total, what: self._progress(activity_id, done, total, what))
            self._set(activity_id, state="done", result=result, eta_s=0.0)
        except StudioError as error:
            self._set(activity_id, state="failed", error=error.message, hint=error.hint)
        except BaseException as error:  # a library may panic, which is no Exception; shown to the person; the log has the rest
            log.exception("%s failed", activity_id)
            self._set(activity_id, state="failed", error=f"{type(error).__name__}: {error}", hint="The log has the details.")

    def _progress(self, activity_id: str, done: int, total: int, what: str) -> None:
        elapsed = time.monotonic() - self.get(activity_id).started
        eta = elapsed / done * (total - done) if done and total else None
        self._set(activity_id, done=done, total=total, what=what, eta_s=eta)

    def _set(self, activity_id: str, **values: Any) -> None:
        with self._lock:
            if activity_id in self._known:
                self._known[activity_id] = replace(self._known[activity_id], **values)
