"""Threads that come after others, threads that leave nothing behind, and memory that all of them share."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

NICE = 10
M_ARENA_MAX = -8
"""Its number in glibc's malloc.h."""


def give_way() -> None:
    """Lower the priority of this thread, and of those that it starts from now on, as libraries do to compute: whoever presses a
    key meanwhile does not wait for it. On Linux alone, where threads have priorities of their own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def one_heap() -> None:
    """Have all threads take their memory from one heap; to be called before they begin, and of effect with glibc alone.

    Its allocator gives each thread another, up to eight a core, and what one has freed is of no use to the others: with twenty
    people a server grew by 1.6 MB a minute for as long as one watched, nearly all of it free. Threads that run Python, of which
    one runs at a time, hardly ever wait for the one heap.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def apart(act: Callable[P, R]) -> Callable[P, R]:
    """`act` in a thread of its own that ends with it, while the caller waits.

    Where OpenMP computes, each thread that has computed keeps its helpers, waiting, for as long as it lives; and once there are
    more of them than cores, all of them sleep between two steps of work instead of spinning. In threads that serve page after
    page they would stay for good: beside one such thread or three, a training on two cores took a fifth longer.
    """

    @wraps(act)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with ThreadPoolExecutor(1, act.__name__) as thread:
            return thread.submit(act, *args, **kwargs).result()

    return alone
