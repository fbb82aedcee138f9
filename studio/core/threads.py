"""Threads that come after others."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

NICE = 10


def give_way() -> None:
    """Lower the priority of this thread, and of those that it starts from now on, as libraries do to compute: whoever presses a
    key meanwhile does not wait for it. On Linux alone, where threads have priorities of their own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
