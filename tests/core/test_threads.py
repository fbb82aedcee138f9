"""Threads that leave nothing behind."""

from __future__ import annotations

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
