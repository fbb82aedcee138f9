"""Threads that leave nothing behind, and take their memory from one heap."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading

import pytest

from studio.core.threads import apart


@apart
def where(fail: bool = False) -> threading.Thread:
    if fail:
        raise LookupError("inside")
    return threading.current_thread()


def test_it_is_done_in_a_thread_that_is_over_when_the_answer_is_there() -> None:
    did = where()
    assert did is not threading.current_thread()
    assert not did.is_alive()


def test_what_goes_wrong_is_the_callers_to_know() -> None:
    with pytest.raises(LookupError, match="inside"):
        where(fail=True)


HEAPS = """
import ctypes, sys, threading
from studio.core.threads import one_heap

if sys.argv[1] == "one":
    one_heap()
libc, together = ctypes.CDLL(None), threading.Barrier(4)
libc.malloc.restype = ctypes.c_void_p


def take():
    libc.malloc(5_000)
    together.wait()


threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have no heap for each thread")
def test_all_threads_share_one_heap() -> None:
    def heaps(how: str) -> int:
        said = subprocess.run([sys.executable, "-c", HEAPS, how], capture_output=True, text=True, check=True).stdout
        return said.count("<heap nr=")

    assert heaps("one") == 1 < heaps("many")
