"""Which process works on a run, told apart from another that later got the same number."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import psutil

CLOCK_SLACK_S = 2.0
"""Start times are read from the same kernel counters, but through a clock that may be set meanwhile."""


def identity() -> dict[str, Any]:
    """This process: number, start and boot time, as `alive` compares them."""
    return {"pid": os.getpid(), "started": psutil.Process().create_time(), "boot": psutil.boot_time()}


def alive(who: Mapping[str, Any] | None) -> bool:
    """Whether that very process still runs."""
    if not who:
        return False
    try:
        process = psutil.Process(int(who["pid"]))
        born = process.create_time() - psutil.boot_time()
        return bool(process.is_running() and abs(born - (who["started"] - who["boot"])) < CLOCK_SLACK_S)
    except (psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        return False
