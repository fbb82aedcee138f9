"""The model libraries are imported by one thread at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WHILE_WARMING_UP = """
import sys, time
from pathlib import Path
from studio.settings import Settings
from studio.workspace import Workspace

workspace = Workspace(Settings(home=Path(sys.argv[1]), device="cpu", offline=True))
project = workspace.create_project("P", "text-classification")
workspace.warm_up()
time.sleep(float(sys.argv[2]))
project.testing.abstention(0.1)
workspace.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.6, 1.2, 1.7, 2.2, 2.7])
def test_who_asks_while_they_are_being_imported_waits_for_them(tmp_path: Path, seconds: float) -> None:
    asked = [sys.executable, "-c", WHILE_WARMING_UP, str(tmp_path / "home"), str(seconds)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
