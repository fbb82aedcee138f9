"""Memory of a running server: which process it is, what it holds over time, by how much that grows. Asks the server nothing."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import psutil

EVERY_S = 1.0
IDLE_PER_CENT = 15.0
"""Of one core: below it a server has ended what it does after its start, such as importing torch."""
SETTLES_S = 120.0
WARMS_UP = 0.25
"""That share of the samples, the first ones, says nothing of growth: caches fill, and each part is used for the first time."""


def server_at(address: str) -> psutil.Process:
    """The process, begun by this one, that listens there."""
    port = urlsplit(address).port
    for process in psutil.Process().children(recursive=True):
        if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in process.net_connections("tcp")):
            return process
    raise LookupError(f"no process listens at {address}")


def settled(server: psutil.Process) -> None:
    """Wait until it has nothing to do any more."""
    until = time.monotonic() + SETTLES_S
    time.sleep(5)  # what it does after its start begins a while after it
    while server.cpu_percent(EVERY_S) > IDLE_PER_CENT:
        assert time.monotonic() < until, "the server does not come to rest"


def resident_mb(server: psutil.Process) -> float:
    """Of it and all that it began."""
    held = 0
    for process in (server, *server.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            held += process.memory_info().rss
    return held / 1e6


class Watch(threading.Thread):
    """Looks once a second until it is stopped."""

    def __init__(self, server: psutil.Process) -> None:
        super().__init__(name="watch", daemon=True)
        self.samples: list[tuple[float, float]] = []
        """(seconds, MB)."""
        self._server, self._over = server, threading.Event()

    def run(self) -> None:
        started = time.monotonic()
        while not self._over.wait(EVERY_S):
            self.samples.append((time.monotonic() - started, resident_mb(self._server)))

    def stop(self) -> None:
        self._over.set()
        self.join()


def growth_mb_a_min(samples: Sequence[tuple[float, float]]) -> float:
    """The slope of the least-squares line through the samples after the warm-up."""
    at, held = zip(*samples[int(WARMS_UP * len(samples)) :], strict=True)
    return 60 * statistics.linear_regression(at, held).slope
