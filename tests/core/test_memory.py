"""Memory that was freed is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

FREED = """
import psutil
from studio.core.memory import give_back
held = [bytes(4_000) for _ in range(50_000)]
last = bytes(4_000)  # above all that is freed, so that it does not go by itself
full = psutil.Process().memory_info().rss
del held
freed = psutil.Process().memory_info().rss
assert give_back()
print((full - freed) / 1e6, (full - psutil.Process().memory_info().rss) / 1e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_what_was_freed_below_what_is_kept_goes_back_to_the_system() -> None:
    kept, given = map(
        float, subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True).stdout.split()
    )
    assert kept < 50 and given > 150
