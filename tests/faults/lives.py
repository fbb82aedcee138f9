"""Processes to be killed: each life is a fork of one that has imported everything, so that two hundred take minutes.

A life is killed by SIGKILL, from outside or by itself at one exact point: no handler, `finally` or `atexit` of it runs.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.real_app import free_port

REPEATS = "FAULT_REPEATS"
"""The environment variable that says how often each fault is tried, at most as often as the whole table asks for."""
STARTS_S = 60.0

needs_kill = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


def repeats(few: int, full: int) -> int:
    """How often: `few` in the tests, up to `full` where FAULT_REPEATS says so."""
    return max(1, min(full, int(os.environ.get(REPEATS) or few)))


def begin(target: Callable[..., None], *given: Any) -> ForkServerProcess:
    """A new life that does `target(*given)`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.preloaded"])
    life = context.Process(target=target, args=given, daemon=True)
    life.start()
    return life


def kill(life: ForkServerProcess) -> None:
    """By SIGKILL, and wait until it is gone."""
    life.kill()
    life.join(STARTS_S)
    assert not life.is_alive()


def end(life: ForkServerProcess) -> int | None:
    """Wait for its own end; its exit code."""
    life.join(STARTS_S)
    code = life.exitcode
    if code is None:
        kill(life)
    return code


def killed(life: ForkServerProcess) -> bool:
    """Wait for its end; whether it was a kill. Any other failure of it is an error of the test."""
    code = end(life)
    assert code in (0, -signal.SIGKILL), f"it ended with {code}"
    return code != 0


def die() -> None:
    """This process ends here."""
    os.kill(os.getpid(), signal.SIGKILL)


class App:
    """The real app over a home, one life after the other."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._life: ForkServerProcess | None = None
        self.port = 0

    def start(self) -> None:
        self.port = free_port()
        mine, other = multiprocessing.Pipe()
        self._life = begin(_serve, self._home, self.port, other)
        other.close()
        assert mine.poll(STARTS_S), "the app did not start"
        mine.recv()
        mine.close()

    def kill(self) -> None:
        if self._life is not None:
            kill(self._life)
            self._life = None


def _serve(home: Path, port: int, ready: Connection) -> None:
    from studio import ui
    from studio.settings import Settings
    from studio.workspace import Workspace

    # without the warm-up: a model would be imported in each of the lives, and none of them asks for one
    ui.launch(Workspace(Settings(home=home, device="cpu", offline=True)), port=port, block=False, warm_up_after_s=1e6)
    ready.send(port)
    threading.Event().wait()
