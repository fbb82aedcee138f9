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


LOADED = """
import gc, sys
from pathlib import Path
from studio.workspace import libraries

looked = []
gc.callbacks.append(lambda phase, info: looked.append(info["generation"]) if "torch" in sys.modules else None)
libraries._load_torch()
assert "torch" not in sys.modules
if sys.platform == "linux":
    assert "libtorch_python" in Path("/proc/self/maps").read_text()
libraries.libraries()
print(looked.count(2), gc.get_freeze_count() > 300_000, gc.isenabled())
kept = gc.get_freeze_count()
libraries.libraries()
assert gc.get_freeze_count() == kept
"""


def test_nobody_waits_while_what_is_imported_is_searched_for_garbage(tmp_path: Path) -> None:
    """A look at all of it is a fifth of a second in which no other thread runs; there were seven in one import, and then more."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=120)
    assert (done.stdout.split(), done.stderr) == (["0", "True", "True"], "")


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.6, 1.2, 1.7, 2.2, 2.7])
def test_who_asks_while_they_are_being_imported_waits_for_them(tmp_path: Path, seconds: float) -> None:
    asked = [sys.executable, "-c", WHILE_WARMING_UP, str(tmp_path / "home"), str(seconds)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
