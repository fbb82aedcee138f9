"""Memory that was freed and that the allocator keeps: a server with many threads would grow by it all day."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from contextlib import suppress


def give_back() -> bool:
    """What can be given back to the system is; it takes milliseconds, and other threads run on. With glibc alone; whether it is
    there."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
            return True
    return False


def keep_giving_back(every_s: float) -> None:
    """From now on, in a thread of its own."""

    def keep() -> None:
        while give_back():
            time.sleep(every_s)

    threading.Thread(target=keep, name="memory", daemon=True).start()
