"""Fifty people at once, also beside an import, and a project of a million rows: the benchmarks' own measurements as parts."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench import annotators, million
from tests.e2e.real_app import running_app
from tests.faults.server_memory import resident_mb, server_at, settled
from tests.faults.visitor import Site, Visitor

PAUSE_S = 0.5
"""That a person looks at an item."""
IMPORTED = 300_000
"""Rows of the table beside which people label: an import of about as long as they take."""
ROWS = 1_000_000
LIMITS = {"import_s": 120, "import_mb": 1000, "asked_mb": 1000, "page_p95_ms": 50, "http_p95_ms": 50, "served_mb": 1000}
TIMES = ("p50_ms", "p95_ms", "p99_ms", "longest_ms", "import_s")

Found = dict[str, int | float]


def one_loop_ms() -> float:
    """A million turns of a plain loop of Python, the median of five: what a core is worth today."""
    waits = []
    for _ in range(5):
        started, sum_ = time.perf_counter(), 0
        for n in range(1_000_000):
            sum_ += n * n
        waits.append(1000 * (time.perf_counter() - started))
    return statistics.median(waits)


def fifty_people(root: Path, runs: int) -> Found:
    return _worst([annotators.measure(root / f"{n}", PAUSE_S) for n in range(runs)])


def fifty_people_beside_an_import(root: Path, runs: int) -> Found:
    return _worst([annotators.measure(root / f"{n}", PAUSE_S, IMPORTED) for n in range(runs)])


def _worst(found: Sequence[dict[str, Any]]) -> Found:
    """Of several runs: what was counted together, of what was timed the slowest."""
    counted = ("labels", "timed", "conflicts", *annotators.WRONG)
    return {
        name: max(one[name] for one in found) if name in TIMES else sum(one[name] for one in found)
        for name in found[0]
        if name in TIMES or name in counted
    }


def a_million_rows(root: Path, runs: int, rows: int = ROWS) -> Found:
    """Imported, labelled and asked as `tests.bench.million` does it; then the app is started over it and asked over HTTP.

    `page_p95_ms` and `http_p95_ms` are of the slowest kind of question. `idle_mb` is what the app holds before it is asked, most
    of which are libraries.
    """
    worst: Found = {}
    for n in range(runs):
        home = root / f"{n}"
        found = million.measure(home, rows)
        figures = {name: found[name] for name in ("rows", "import_s", "import_mb", "asked_mb")}
        figures |= {"page_p95_ms": million.slowest(found["asked"]), **_served(home / "home")}
        worst = {name: max(figure, worst.get(name, figure)) for name, figure in figures.items()}
    return worst


def _served(home: Path) -> Found:
    with running_app(home) as address:
        server = server_at(address)
        settled(server)
        before = resident_mb(server)
        asker = Visitor(Site.at(address), "me")
        waits = {name: million.timed(question) for name, question in _questions(asker).items()}
        return {"http_p95_ms": million.slowest(waits), "idle_mb": round(before), "served_mb": round(resident_mb(server))}


def _questions(asker: Visitor) -> dict[str, Callable[[], object]]:
    """What a page's script asks first and when it is turned, at places all over the project."""
    draw = random.Random(3)
    desk = asker.ask("labeler", "open_desk", show="unlabelled", search="")
    project, total = desk["project"]["id"], desk["all"]

    def grid(**filter: str) -> Callable[[], object]:
        wanted = {"split": "", "label": "", "labelled": "", "search": "", "limit": 200, **filter}
        return lambda: _ok(asker.ask("grid", "browse", project=project, after=draw.randrange(1, total), **wanted))

    def queue(show: str) -> Callable[[], object]:
        asked = {"show": show, "search": "", "project": project}
        return lambda: _ok(asker.ask("labeler", "more", after=draw.randrange(1, total), **asked))

    def label() -> object:
        said = {"act": "label", "label": f"class {draw.randrange(million.CLASSES)}", "saw": None}
        return _ok(asker.ask("labeler", "act", project=project, id=f"{draw.random()}", item=draw.randrange(1, total), **said))

    return {
        "Grid: all": grid(),
        "Grid: unlabelled": grid(labelled="no"),
        "Grid: test, labelled": grid(split="test", labelled="yes"),
        "Grid: class": grid(label="class 7"),
        "Label: opened": lambda: _ok(asker.ask("labeler", "open_desk", show="unlabelled", search="")),
        "Label: left": queue("unlabelled"),
        "Label: all": queue("all"),
        "Label": label,
    }


def _ok(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["ok"], answer
    return answer
