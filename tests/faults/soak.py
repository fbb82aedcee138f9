"""Half an hour of twenty browsers over HTTP: they label, undo, browse, search, export and reload; what the server's memory does.

Each labels pictures of its own over and over, so that what it was told is saved can be held against the database act by act.
The growth is the slope of the least-squares line through the server's resident memory, sampled once a second, after the first
quarter.
"""

from __future__ import annotations

import csv
import random
import statistics
import threading
import time
import zipfile
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

from studio.core.types import ImportOptions, ItemFilter
from studio.settings import Settings
from studio.workspace import Workspace
from tests.e2e.real_app import running_app
from tests.faults.labelling import Said, compared, stored_acts
from tests.faults.publishing import pictures
from tests.faults.server_memory import Watch, growth_mb_a_min, server_at, settled
from tests.faults.visitor import Site, Visitor

SESSIONS, EACH, SIDE = 20, 30, 640
"""How many, the pictures that each labels, and their pixels."""
MINUTES = 30.0
CLASSES = ("class 0", "class 1", "class 2")
PAUSE_S = (0.3, 0.9)
"""Between two things that a person does."""
LABEL_PX, GRID_PX = 768, 240
PAGE = 60
WRONG = ("broken_off", "lost", "twice", "people_whose_acts_differ", "refused")
EXPORTING = threading.Lock()
"""The labels are written once at a time: who asks meanwhile is told so."""
FIRST = {
    "label": ("labeler", "open_desk", {"show": "unlabelled", "search": ""}),
    "data": ("grid", "browse", {"split": "", "label": "", "labelled": "", "search": ""}),
    "train": ("run-monitor", "since", {}),
}
"""What the script of each page asks first."""


class Session(threading.Thread):
    """One person, from the first page to `leave`."""

    def __init__(self, site: Site, project: str, shas: dict[int, str], number: int, leave: threading.Event) -> None:
        super().__init__(name=f"person {number}", daemon=True)
        self.acts, self.refused, self.broken = list[Said](), list[str](), ""
        self.waits: list[float] = []
        """Milliseconds that each label and each undo took."""
        self.done = {"browsed": 0, "searched": 0, "exports": 0, "reloads": 0}
        self._visitor, self._project, self._shas, self._leave = Visitor(site, self.name), project, shas, leave
        self._items = range(1 + number * EACH, 1 + (number + 1) * EACH)
        self._given: list[tuple[int, str | None]] = []
        """Labels that stand, the newest last: (item, what it had before)."""
        self._has: dict[int, str | None] = {}
        self._draw = random.Random(number)

    def run(self) -> None:
        often = {self._label: 60, self._undo: 8, self._browse: 12, self._search: 9, self._reload: 10, self._export: 0.5}
        try:
            self._reload()
            while not self._leave.wait(self._draw.uniform(*PAUSE_S)):
                self._draw.choices(list(often), list(often.values()))[0]()
        except Exception as error:  # whatever it was: the session has ended too early, and the figures say so
            self.broken = repr(error)
        self._visitor.close()

    def _label(self) -> None:
        item, name = self._draw.choice(self._items), self._draw.choice(CLASSES)
        self._act(Said("label", item), act="label", item=item, label=name, saw=self._has.get(item))
        self._given.append((item, self._has.get(item)))
        self._has[item] = name
        self._visitor.picture(self._project, self._shas[self._draw.choice(self._items)], LABEL_PX)

    def _undo(self) -> None:
        if self._given:
            item, before = self._given.pop()
            self._has[item] = before
            answer = self._act(Said("undo", item), act="undo")
            if answer.get("changed") != 1:
                self.refused.append(f"an undo: {answer}")

    def _browse(self) -> None:
        filter = {"label": self._draw.choice(("", *CLASSES)), "labelled": self._draw.choice(("", "yes", "no")), "search": ""}
        self._look(**filter, after=self._draw.choice((None, self._draw.randrange(SESSIONS * EACH))))
        self.done["browsed"] += 1

    def _search(self) -> None:
        words = f"{self._draw.randrange(100):02}"  # names are numbers
        self._look(label="", labelled="", search=words)
        self._ask("labeler", "open_desk", show="search", search=words)
        self.done["searched"] += 1

    def _reload(self) -> None:
        page = self._draw.choice(list(FIRST))
        self._visitor.open(page)
        elem_id, function, payload = FIRST[page]
        self._ask(elem_id, function, **payload)
        self.done["reloads"] += 1

    def _export(self) -> None:
        with EXPORTING:
            self._visitor.open("share")
            self._visitor.happen("share-labels", "click", None, "csv")
            while self._ask("share-progress", "activity")["activity"]["state"] == "running":
                time.sleep(0.2)
            made = self._visitor.happen("share-progress", "finish", None)[0]
        if _items_of(self._visitor.file(_path(made))) != SESSIONS * EACH:
            self.refused.append("an export has other rows than there are items")
        self.done["exports"] += 1

    def _look(self, **filter: Any) -> None:
        """A page of the grid, and its pictures."""
        found = self._ask("grid", "browse", split="", limit=PAGE, **filter)
        for item in found.get("items", ()):
            self._visitor.picture(self._project, item["sha"], GRID_PX)

    def _act(self, said: Said, **payload: Any) -> dict[str, Any]:
        started = time.perf_counter()
        answer = self._ask("labeler", "act", id=f"{self.name}-{len(self.acts)}", **payload)
        self.waits.append(1000 * (time.perf_counter() - started))
        self.acts.append(said)
        return answer

    def _ask(self, elem_id: str, function: str, **payload: Any) -> dict[str, Any]:
        answer = self._visitor.ask(elem_id, function, project=self._project, **payload)
        if not answer["ok"] or "conflict" in answer:
            self.refused.append(f"{function}: {answer}")
        return answer


def _path(made: Any) -> str:
    """Of the file that a button has got."""
    return str((made.get("value") or made)["path"])


def _items_of(exported: bytes) -> int:
    """Rows of the table in the zip, which holds the pictures too."""
    with zipfile.ZipFile(BytesIO(exported)) as archive:
        table = next(name for name in archive.namelist() if name.endswith(".csv"))
        with archive.open(table) as file:
            return sum(1 for _ in csv.DictReader(TextIOWrapper(file, "utf-8-sig", newline="")))


def _project(root: Path) -> tuple[str, Path, dict[int, str]]:
    """A project of pictures without a label: its id, its database, {item: hash of its picture}."""
    workspace = Workspace(Settings(home=root / "home", device="cpu", offline=True))
    project = workspace.create_project("Soak", "image-classification")
    source = pictures(root / "pictures", 0, SESSIONS * EACH, SIDE)
    project.labelling.import_data(str(source), ImportOptions(keep_labels=False, test_share=0))
    shas = {item.id: str(item.content["image"]) for item in project.labelling.page(ItemFilter(), limit=SESSIONS * EACH).items}
    found = project.id, Path(project.path) / "studio.db", shas
    workspace.close()
    return found


def half_an_hour(root: Path, runs: int) -> dict[str, int | float]:
    """Once: half an hour is long enough."""
    return soak(root, runs * MINUTES)


def soak(root: Path, minutes: float) -> dict[str, int | float]:
    project, database, shas = _project(root)
    leave = threading.Event()
    with running_app(root / "home") as address:
        server, site = server_at(address), Site.at(address)
        settled(server)
        watch = Watch(server)
        people = [Session(site, project, shas, number, leave) for number in range(SESSIONS)]
        for thread in (watch, *people):
            thread.start()
        time.sleep(60 * minutes)
        watch.stop()
        leave.set()
        for person in people:
            person.join(120)
            assert not person.is_alive()
    for person in people:
        for said in (person.broken, *person.refused[:3]):
            print(f"{person.name}: {said[:500]}") if said else None
    held = [mb for _, mb in watch.samples]
    return {
        "minutes": minutes,
        "sessions": SESSIONS,
        "acts": sum(len(person.acts) for person in people),
        **{name: sum(person.done[name] for person in people) for name in people[0].done},
        "p95_ms": round(statistics.quantiles([wait for person in people for wait in person.waits], n=20)[-1], 1),
        "first_mb": round(held[0]),
        "highest_mb": round(max(held)),
        "grows_mb_a_min": round(growth_mb_a_min(watch.samples), 2),
        "broken_off": sum(bool(person.broken) for person in people),
        **compared(people, stored_acts(database)),
    }
