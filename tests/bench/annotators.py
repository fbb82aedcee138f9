"""Fifty people label one project over HTTP: what an act waits for, and whether every label is kept.

    python -m tests.bench.annotators                # 50 people × 200 labels, each about two a second
    python -m tests.bench.annotators --import       # while 100,000 texts are imported on the Data page
    python -m tests.bench.annotators --pause 0      # as fast as answers come

The real app in a process of its own; each person asks as the Label page's script does, over a connection of their own. Every
tenth label is a race: two people say what one item is at the same moment, neither having seen the other's, every second time
different things. One act in fifty arrives twice. Afterwards the database has to hold every label that was acknowledged, once;
each disagreement that was answered as a conflict has to wait to be settled; and no item may have another label than what was
said of it first. Exits with 1 where it is not so. They begin as soon as the server is up, while it imports its libraries in the
background; beside an import, once it has done so, and only acts that began while the import was at work are timed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace
from tests.bench.busy_import import CLASSES, table
from tests.e2e.real_app import chromium, running_app
from tests.e2e.walk import import_more
from tests.faults.server_memory import server_at, settled

ITEMS, PEOPLE, LABELS, IMPORTED = 12_000, 50, 200, 100_000
RACE, TWICE = 10, 50
"""One label in so many is a race; one in so many arrives twice."""
COMING, LOW = 40, 40
"""As in the page's script: items sent along with an act, and when more are asked for."""
AIM_MS = {False: (100.0, 300.0), True: (200.0, None)}
"""p95 and p99, and during an import."""


@dataclass
class Tally:
    """What the server acknowledged."""

    waits: list[tuple[float, float]] = field(default_factory=list)
    """(when it was asked, ms)."""
    said: dict[int, tuple[int, str, str]] = field(default_factory=dict)
    """{event: (item, author, label)}."""
    conflicts: set[int] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


class Page:
    """The Label page of one person: a connection, the items that come, the acts."""

    def __init__(self, address: str, component: int, project: str, name: str, seed: int, tally: Tally) -> None:
        self.name, self.queue = name, list[int]()
        self._host, self._component, self._project, self._tally = urlsplit(address).netloc, component, project, tally
        self._show, self._after = "unlabelled", None
        self._draw = random.Random(seed)
        self._n = 0

    async def open(self) -> None:
        host, port = self._host.split(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self._take(await self._ask("open_desk", {"show": "unlabelled", "search": ""}))

    async def label(self, item: int, label: str) -> None:
        """One act, and what it says of the items to come."""
        self._n += 1
        payload = {"act": "label", "item": item, "label": label, "saw": None, "id": f"{self.name}-{self._n}"}
        payload["coming"] = self.queue[:COMING]
        started = time.perf_counter()
        answer = await self._ask("act", payload)
        self._tally.waits.append((started, 1000 * (time.perf_counter() - started)))
        if self._draw.randrange(TWICE) == 0 and await self._ask("act", payload) != answer:
            self._tally.refused.append(f"{payload['id']} was answered in two ways")
        if not answer["ok"]:
            self._tally.refused.append(str(answer))
            return
        self._tally.said[answer["event"]] = (item, self.name, label)
        if "conflict" in answer:
            self._tally.conflicts.add(item)
        gone = set(answer["gone"])
        self.queue = [one for one in self.queue if one not in gone and one != item]
        if len(self.queue) < LOW and self._after is not None:
            self._take(await self._ask("more", {"show": self._show, "after": self._after, "search": ""}))

    def close(self) -> None:
        self._writer.close()

    def _take(self, answer: dict[str, Any]) -> None:
        there = set(self.queue)
        self.queue += [one["id"] for one in answer["items"] if one["id"] not in there]
        self._show, self._after = answer["show"], answer["after"]

    async def _ask(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        data = {**payload, "project": self._project, "author": self.name}
        body = {"data": data, "component_id": self._component, "fn_name": name, "session_hash": self.name.replace(" ", "")}
        sent = json.dumps(body).encode()
        head = (
            f"POST /gradio_api/component_server HTTP/1.1\r\nHost: {self._host}\r\nOrigin: http://{self._host}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        self._writer.write(head.encode() + sent)
        fields = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(fields.split("content-length:")[1].split("\r\n")[0])
        answer = json.loads(await self._reader.readexactly(length))
        if " 200 " not in fields.split("\r\n")[0]:
            raise RuntimeError(f"{name} was answered with {answer}")
        return dict(answer)


async def work(pages: list[Page], labels: int, pause: float) -> float:
    """All of them at once; seconds."""
    await asyncio.gather(*(page.open() for page in pages))
    started = time.perf_counter()
    meetings = [asyncio.Barrier(2) for _ in range(0, len(pages), 2)]
    raced: list[list[int]] = [[0] for _ in meetings]
    await asyncio.gather(*(_person(pages, k, meetings[k // 2], raced[k // 2], labels, pause) for k in range(len(pages))))
    seconds = time.perf_counter() - started
    for page in pages:
        page.close()
    return seconds


async def _person(pages: list[Page], k: int, meeting: asyncio.Barrier, raced: list[int], labels: int, pause: float) -> None:
    page, draw = pages[k], random.Random(k)
    await asyncio.sleep(draw.random() * pause)
    for n in range(labels):
        item = page.queue[0]
        if n % RACE == RACE - 1:
            if k % 2 == 0:
                raced[0] = item
            await meeting.wait()
            item = raced[0]
        others = n // RACE % 2 and k % 2
        await page.label(item, f"class {(item + others) % CLASSES}")
        await asyncio.sleep(pause * draw.uniform(0.5, 1.5))


def checked(database: Path, tally: Tally) -> dict[str, int]:
    """What is wrong, counted; all zero where nothing is."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    events = connection.execute(
        "SELECT e.id, e.item, e.author, s.name, e.stance FROM label_events e JOIN classes s ON s.id = e.said"
        " WHERE e.kind = 'label' ORDER BY e.id"
    ).fetchall()
    stored = {event: (item, author, said) for event, item, author, said, _ in events}
    has = dict(connection.execute("SELECT i.id, c.name FROM items i JOIN classes c ON c.id = i.class"))
    disputes = {row[0] for row in connection.execute("SELECT item FROM disputes")}
    connection.close()
    first: dict[int, str] = {}
    for _, item, _, said, _ in events:
        first.setdefault(item, said)
    different = {item for _, item, _, said, _ in events if said != first[item]}
    return {
        "lost": sum(stored.get(event) != said for event, said in tally.said.items()),
        "twice": len(set(stored) - set(tally.said)),
        "conflicts_not_disputed": len(tally.conflicts - disputes),
        "disputes_not_answered": len((disputes | different) - tally.conflicts),
        "replaced_unseen": sum(has.get(item) != said for item, said in first.items()),
        "refused": len(tally.refused),
    }


def measure(root: Path, pause: float, rows: int = 0, labels: int = LABELS) -> dict[str, Any]:
    """`rows`: how many texts are imported meanwhile."""
    workspace = Workspace(Settings(home=root / "home", offline=True))
    project = workspace.create_project("Many", "text-classification")
    project.labelling.import_data(str(table(root / "texts.csv", ITEMS, seed=1)), ImportOptions(keep_labels=False, test_share=0))
    name, database = project.id, Path(project.path) / "studio.db"
    workspace.close()
    tally = Tally()
    with running_app(root / "home") as address:
        with urllib.request.urlopen(f"{address}/config") as answer:
            components = json.load(answer)["components"]
        component = next(one["id"] for one in components if one["props"].get("elem_id") == "labeler")
        pages = [Page(address, component, name, f"person {k}", k, tally) for k in range(PEOPLE)]
        at_work: list[float] = []
        beside = threading.Thread(target=_import, args=(address, table(root / "more.csv", rows, seed=2), at_work))
        if rows:
            settled(server_at(address))
            beside.start()
            while not at_work:
                assert beside.is_alive(), "the import did not begin"
                time.sleep(0.1)
        seconds = asyncio.run(work(pages, labels, pause))
        if rows:
            beside.join()
    begun, ended = at_work if rows else (0.0, float("inf"))
    waits = [wait for at, wait in tally.waits if begun <= at < ended]
    cuts = statistics.quantiles(waits, n=100)
    found = {"labels": len(tally.waits), "seconds": round(seconds, 1), "labels_per_s": round(len(tally.waits) / seconds)}
    found |= {"timed": len(waits), **{f"p{p}_ms": round(cuts[p - 1], 1) for p in (50, 95, 99)}}
    found |= {"longest_ms": round(max(waits), 1), "conflicts": len(tally.conflicts), **checked(database, tally)}
    return {**found, **({"import_s": round(ended - begun, 1)} if rows else {})}


def _import(address: str, source: Path, at_work: list[float]) -> None:
    """Import it on the Data page; notes when that began and when it had ended."""

    def asked(request: Any) -> None:
        if "/queue/join" in request.url and not at_work:  # the click on Import: what a page asks before it does not queue
            at_work.append(time.perf_counter())

    with chromium() as browser:
        page = browser.new_context(base_url=address).new_page()
        page.set_default_timeout(600_000)
        page.on("request", asked)
        import_more(page, source, labels=True, split="As the source says")
        at_work.append(time.perf_counter())


WRONG = ("lost", "twice", "conflicts_not_disputed", "disputes_not_answered", "replaced_unseen", "refused")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--pause", type=float, default=0.5, help="seconds that a person looks at an item")
    parser.add_argument("--import", action="store_true", dest="importing", help="while 100,000 texts are imported")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder).resolve(), flags.pause, IMPORTED if flags.importing else 0)
    found |= {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    if flags.json:
        print(json.dumps(found))
    else:
        p95, p99 = AIM_MS[flags.importing]
        aims = {"p95_ms": f"aim < {p95:g}", "p99_ms": f"aim < {p99:g}" if p99 else "", **dict.fromkeys(WRONG, "has to be 0")}
        for name, value in found.items():
            print(f"{name:<24}{value!s:>10}  {aims.get(name, '')}")
    sys.exit(any(found[name] for name in WRONG))


if __name__ == "__main__":
    main()
