"""What a stranger's script may send to each function of the pages: refused in words, never an error of Studio's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_no_payload_makes_a_function_fail() -> None:
    ended = subprocess.run([sys.executable, "-m", "tests.web.payloads"], cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert not found["failed"], "\n".join(found["failed"])
    assert found["functions"] > 30 and found["fields"] > 30 and found["answers"] > 30_000
    assert found["items"] == 8
