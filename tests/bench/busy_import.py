"""How long a label waits while a large table is imported into the same project, and how fast the import is.

    python -m tests.bench.busy_import
    python -m tests.bench.busy_import --rows 300000 --again --json

One person labels, a label every 10 ms, from the import's first moment to its last. `--again` imports the same rows once more,
first without and then with their labels, so that every row gives a label to an item that is there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.labelling import Labelling

AIM_MS = 100.0
OLD = 2_000
EVERY_S = 0.01
CLASSES = 20
WORDS = "the film was a slow but warm and funny story of two people who meet again in a small town by the sea".split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--again", action="store_true", help="the rows are there already, without labels")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), flags.rows, flags.again)
    found |= {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "aim_p95_ms": AIM_MS}
    if flags.json:
        print(json.dumps(found))
        return
    for key, figure in found.items():
        print(f"  {key:<16} {figure}")


def measure(root: Path, rows: int, again: bool) -> dict[str, Any]:
    workspace = Workspace(Settings(home=root / "home", offline=True))
    labelling = workspace.create_project("Busy", "text-classification").labelling
    labelling.import_data(str(table(root / "old.csv", OLD, seed=1)), ImportOptions())
    source = str(table(root / "new.csv", rows, seed=2))
    if again:
        labelling.import_data(source, ImportOptions(keep_labels=False))
    person = Person(labelling)
    person.start()
    started = time.perf_counter()
    report = labelling.import_data(source, ImportOptions())
    seconds = time.perf_counter() - started
    waits = person.stop()
    workspace.close()
    cuts = statistics.quantiles(waits, n=100)
    return {
        "rows": rows,
        "added": report.added,
        "duplicates": report.duplicates,
        "import_s": round(seconds, 2),
        "rows_per_s": round(rows / seconds),
        "labels": len(waits),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "p99_ms": round(cuts[98], 1),
        "longest_ms": round(max(waits), 1),
    }


class Person(threading.Thread):
    """Labels the old items, one after the other, and remembers how long each label took to be on disk."""

    def __init__(self, labelling: Labelling) -> None:
        super().__init__(name="person")
        self._labelling = labelling
        self._over = threading.Event()
        self._waits: list[float] = []

    def run(self) -> None:
        n = 0
        while not self._over.wait(EVERY_S):
            started = time.perf_counter()
            self._labelling.label(n % OLD + 1, f"class {n % CLASSES}")
            self._waits.append(1000 * (time.perf_counter() - started))
            n += 1

    def stop(self) -> list[float]:
        """Milliseconds of each label."""
        self._over.set()
        self.join()
        return self._waits


def table(path: Path, rows: int, seed: int) -> Path:
    draw = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for n in range(rows):
            words = " ".join(draw.choices(WORDS, k=12))
            writer.writerow([f"{words} {seed}-{n}", f"class {n % CLASSES}"])
    return path


if __name__ == "__main__":
    main()
