"""A project of a million texts and a million label events: how fast it is imported, and what its pages wait for.

    python -m tests.bench.million
    python -m tests.bench.million --rows 100000 --json

Texts of this script's own, one in ten with a label, come in through the importer. Then eleven people label: one of them, in the
mixed order, three fifths of all items, the others over and beside it. Each part runs in a process of its own, so that its memory
is its own. A question is asked as a page asks it, at places all over the project. No page waits for those without an aim: a
search reads every text, agreement is counted anew from all opinions, and 20,000 items are read for a model to choose among.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from studio.core.types import ImportOptions, ItemFilter, Split
from studio.data import labels
from studio.data.project import Project
from studio.settings import Settings
from studio.tasks import task
from studio.workspace import Workspace
from studio.workspace.labelling import Labelling
from studio.workspace.people import People

CLASSES = 20
WORDS = "the film was a slow but warm and funny story of two people who meet again in a small town by the sea".split()
RARE = "xylophone"
OTHERS = [f"person {n}" for n in range(10)]
CHUNK = 1_000
PAGE, BATCH, PICKED = 200, 300, 20_000
ASKED = 60
"""Times that each question is asked; slow ones less often."""
ASKED_FOR_S = 3.0
ROWS_PER_S, PAGE_MS, MEMORY_MB = 10_000, 50.0, 1_000
NO_AIM = ("Search", "Picking: 20,000", "Agreement")
LEFT = ItemFilter(labelled=False, skipped=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the project; one that is there already is asked as it is")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(flags.keep or Path(folder), flags.rows)
    found |= {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps(found) if flags.json else _table(found))


def measure(home: Path, rows: int) -> dict[str, Any]:
    """A project that is there already is asked as it is."""
    found: dict[str, Any] = {"rows": rows}
    if not (home / "project").exists():
        found |= _apart(imported, home, rows)
        found |= _apart(labelled, home, rows)
    return found | _apart(asked, home)


def slowest(waits: dict[str, dict[str, float]]) -> float:
    """The slowest p95 of those that a page waits for, ms."""
    return max(wait["p95_ms"] for name, wait in waits.items() if not name.startswith(NO_AIM))


def imported(home: Path, rows: int) -> dict[str, Any]:
    home.mkdir(parents=True, exist_ok=True)
    source = home / "texts.jsonl"
    draw = random.Random(0)
    with source.open("w", encoding="utf-8") as file:
        for n in range(rows):
            text = f"{' '.join(draw.choices(WORDS, k=12))} {n}{f' {RARE}' if n % 50_000 == 49_999 else ''}"
            label = {"label": f"class {n // 10 % CLASSES}"} if n % 10 == 0 else {}
            file.write(json.dumps({"text": text, **label}) + "\n")
    workspace = Workspace(Settings(home=home / "home", offline=True))
    labelling = workspace.create_project("Million", "text-classification", str(home / "project")).labelling
    started = time.perf_counter()
    report = labelling.import_data(str(source), ImportOptions())
    seconds = time.perf_counter() - started
    workspace.close()
    source.unlink()
    return {"added": report.added, "rows_per_s": round(rows / seconds), "import_s": round(seconds, 1), "import_mb": _peak_mb()}


def labelled(home: Path, events: int) -> dict[str, Any]:
    """So many label events: one person's in the mixed order, and of ten others over and beside them."""
    with sqlite3.connect(home / "project" / "studio.db") as connection:
        mixed = [row[0] for row in connection.execute("SELECT id FROM items WHERE class IS NULL ORDER BY mix, id")]
    project = Project.open(home / "project")
    acts = _acts(mixed, events)
    started = time.perf_counter()
    while chunk := list(itertools.islice(acts, CHUNK)):
        project.store.write(partial(_do, chunk), bulk=True)
    seconds = time.perf_counter() - started
    disputes = project.store.disputes()
    project.store.set_meta("second_opinions", {"people": 2, "share": 0.1})
    project.close()
    size = sum(file.stat().st_size for file in (home / "project").glob("studio.db*"))
    return {"events": events, "events_per_s": round(events / seconds), "disputes": disputes, "database_mb": round(size / 1e6)}


def _do(acts: list[Callable[[sqlite3.Connection], object]], connection: sqlite3.Connection) -> None:
    for act in acts:
        act(connection)


def _acts(mixed: list[int], events: int) -> Iterator[Callable[[sqlite3.Connection], object]]:
    draw = random.Random(1)
    done = mixed[: round(0.6 * len(mixed))]
    shared = done[: round(0.9 * len(done))]

    def say(item: int, name: str, author: str, saw: str | Any | None = ...) -> Callable[[sqlite3.Connection], object]:
        return lambda connection: labels.label(connection, item, name, author, saw)

    def skip(item: int, author: str) -> Callable[[sqlite3.Connection], object]:
        return lambda connection: labels.skip(connection, item, author)

    for n, item in enumerate(done):
        yield skip(item, "me") if n % 50 == 49 else say(item, f"class {item % CLASSES}", "me", None)
    for n in range(events - len(done)):
        item, author = draw.choice(shared), OTHERS[n % len(OTHERS)]
        right = f"class {item % CLASSES}" if n % 10 else f"class {n % CLASSES}"
        yield say(item, right, author, None if n % 4 else ...)


def asked(home: Path) -> dict[str, Any]:
    project = Project.open(home / "project")
    before = _memory_mb()
    waits = {}
    for name, question in _questions(project).items():
        waits[name] = timed(question)
    found = {"asked": waits, "opened_mb": before, "asked_mb": _peak_mb()}
    project.close()
    return found


def _questions(project: Project) -> dict[str, Callable[[], object]]:
    """{name: one of its kind, at a place of its own each time}."""
    labelling, people = Labelling(project, task("text-classification"), offline=True), People(project)
    draw, store = random.Random(2), project.store
    total = labelling.counts().total

    def place() -> int:
        return draw.randrange(1, total)

    def page(limit: int, mixed: bool, **filter: Any) -> Callable[[], object]:
        return lambda: labelling.page(ItemFilter(**filter), draw.choice((None, place())), limit, mixed)

    def picked(split: Split, labelled: bool) -> Callable[[], object]:
        skipped = None if labelled else False
        return lambda: store.items(ItemFilter(split, labelled=labelled, skipped=skipped), limit=PICKED, mixed=True)

    left, skipped = {"labelled": False, "skipped": False}, {"labelled": False, "skipped": True}
    return {
        "Label: left, mixed": page(BATCH, True, **left),
        "Label: left, first": lambda: labelling.page(LEFT, None, BATCH, True),
        "Label: left, as imported": page(BATCH, False, **left),
        "Label: skipped, mixed": page(BATCH, True, **skipped),
        "Label: skipped, as imported": page(BATCH, False, **skipped),
        "Label: all, mixed": page(BATCH, True),
        "Grid: all": page(PAGE, False),
        "Grid: test": page(PAGE, False, split="test"),
        "Grid: val (none)": page(PAGE, False, split="val"),
        "Grid: labelled": page(PAGE, False, labelled=True),
        "Grid: unlabelled": page(PAGE, False, labelled=False),
        "Grid: test, labelled": page(PAGE, False, split="test", labelled=True),
        "Grid: train, unlabelled": page(PAGE, False, split="train", labelled=False),
        "Grid: class": page(PAGE, False, label="class 7"),
        "Grid: test, class": page(PAGE, False, split="test", label="class 7"),
        "None of these": page(PAGE, False, none=True),
        "With a note": lambda: store.items(ItemFilter(noted=True), limit=PAGE),
        "Search: common word": page(BATCH, False, search="film"),
        "Search: two words": page(BATCH, False, search="film sea"),
        "Search: rare word": page(BATCH, False, search=RARE),
        "Search: class, rare word": page(BATCH, False, search=RARE, label="class 7"),
        "Picking: 20,000 left": picked("train", False),
        "Picking: 20,000 labelled": picked("train", True),
        "Picking: 60 held out": lambda: store.items(ItemFilter("test", labelled=False, skipped=False), limit=60, mixed=True),
        "Counts": labelling.counts,
        "Classes": labelling.classes,
        "Label": lambda: labelling.label(place(), f"class {draw.randrange(CLASSES)}", saw=None),
        "Label over another's": lambda: labelling.label(place(), f"class {draw.randrange(CLASSES)}", "person 3"),
        "Skip": lambda: labelling.skip(place()),
        "Undo": labelling.undo,
        "Redo": labelling.redo,
        "Undo of one who has nothing": lambda: labelling.undo("nobody"),
        "History": lambda: labelling.history(place()),
        "Revision": store.revision,
        "Second opinions": lambda: people.waiting("person 1", BATCH),
        "Second opinions, deep": lambda: people.waiting("person 1", BATCH, place()),
        "Disputes": lambda: people.disputed(draw.choice((0, place()))),
        "How many disputes": people.disputes,
        "Agreement": people.agreement,
    }


def timed(question: Callable[[], object]) -> dict[str, float]:
    waits: list[float] = []
    while len(waits) < 3 or (len(waits) < ASKED and sum(waits) < 1000 * ASKED_FOR_S):
        started = time.perf_counter()
        question()
        waits.append(1000 * (time.perf_counter() - started))
    p95 = sorted(waits)[max(0, round(0.95 * len(waits)) - 1)]
    return {"n": len(waits), "p50_ms": round(statistics.median(waits), 2), "p95_ms": round(p95, 2)}


def _apart(part: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(part, *given).result()


def _peak_mb() -> int:
    """Of this process alone: `ru_maxrss` is not less than what the one that began it held."""
    said = Path("/proc/self/status").read_text("ascii")
    return round(int(said.split("VmHWM:")[1].split()[0]) * 1024 / 1e6)


def _memory_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return round(pages * resource.getpagesize() / 1e6)


def _table(found: dict[str, Any]) -> str:
    aims = {"rows_per_s": f"≥ {ROWS_PER_S:,}", "import_mb": "", "asked_mb": f"< {MEMORY_MB:,}"}
    lines = [f"{name:<30}{value!s:>12}  {aims.get(name, '')}" for name, value in found.items() if name != "asked"]
    lines.append(f"{'':<30}{'p50 ms':>12}{'p95 ms':>12}  aim p95 < {PAGE_MS:g} ms")
    for name, wait in found["asked"].items():
        mark = "  over" if wait["p95_ms"] >= PAGE_MS and not name.startswith(NO_AIM) else ""
        lines.append(f"{name:<30}{wait['p50_ms']:>12,.1f}{wait['p95_ms']:>12,.1f}{mark}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
