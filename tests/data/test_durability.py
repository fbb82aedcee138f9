"""Saved means on disk: a process that is killed loses no acknowledged label."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.core.types import ItemFilter
from studio.data.content import canonical
from studio.data.enter import Candidate, enter
from studio.data.store import Store

LABELLER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from studio.data.store import Store

store = Store(Path(sys.argv[1]))
def label(item):
    store.label(item, "cat", "ann")
    sys.stdout.write(f"{item}\\n")
    sys.stdout.flush()
with ThreadPoolExecutor(4) as pool:
    list(pool.map(label, range(int(sys.argv[2]), 100_000)))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_labeller_loses_no_acknowledged_label(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    rows = [Candidate(canonical({"text": str(n)}), "train", str(n), None, "", n) for n in range(20_000)]
    store = Store(path)
    store.ensure_classes(["cat"])
    enter(store, rows, keep_labels=True, add_classes=True)
    store.close()
    acknowledged: list[int] = []
    for kill in range(3):
        first = max(acknowledged, default=0) + 10
        process = subprocess.Popen(
            [sys.executable, "-c", LABELLER, str(path), str(first)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        said = [process.stdout.readline()]
        time.sleep(0.05 * (kill + 1))
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        acknowledged += [int(line) for line in said if line.endswith("\n")]
    store = Store(path)
    labelled = {item.id for item in store.items(ItemFilter(labelled=True), limit=100_000)}
    counted = store.counts().labelled
    events = [len(store.history(item)) for item in acknowledged]
    store.close()
    assert len(acknowledged) >= 3
    assert set(acknowledged) <= labelled
    assert counted == len(labelled)
    assert set(events) == {1}
