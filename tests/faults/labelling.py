"""People who label over HTTP while the server is killed and started again; what they did against what is on disk.

Each does as the Label page's script does: one act after the other, each sent again under its own number until it is acknowledged,
to whichever server answers by then.
"""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace
from tests.faults.lives import App

PEOPLE, CLASSES = 6, 5
UNDO_EVERY = 5
"""Each so manieth act is an undo."""
AGAIN_S = 0.02
LONGEST_LIFE_S = 0.4
"""A server is killed at random within that time of its first acknowledgement."""


@dataclass(frozen=True, slots=True)
class Said:
    """One act as the database has it, too."""

    kind: str
    item: int


class Acknowledged(Protocol):
    """Somebody's acts that were acknowledged, in order, and answers that said no."""

    name: str
    acts: list[Said]
    refused: list[str]


class Person:
    """Labels items of their own; `acts` is all that was acknowledged, in order."""

    def __init__(self, app: App, project: str, component: int, number: int, items: range) -> None:
        self.name, self.acts = f"person {number}", list[Said]()
        self.refused: list[str] = []
        self._app, self._project, self._component = app, project, component
        self._items: Iterator[int] = iter(items)
        self._mine: list[int] = []
        """Those whose labels stand, the newest last."""

    def work(self, leave: threading.Event) -> None:
        while not leave.is_set():
            if len(self.acts) % UNDO_EVERY == UNDO_EVERY - 1 and self._mine:
                act, said = {"act": "undo"}, Said("undo", self._mine.pop())
            else:
                item = next(self._items)
                act, said = {"act": "label", "item": item, "label": f"class {item % CLASSES}", "saw": None}, Said("label", item)
                self._mine.append(item)
            answer = self._until_answered({**act, "id": f"{self.name}-{len(self.acts)}", "author": self.name})
            if not answer["ok"]:
                self.refused.append(str(answer))
            self.acts.append(said)

    def _until_answered(self, payload: dict[str, Any]) -> dict[str, Any]:
        body = {"data": {**payload, "project": self._project}, "component_id": self._component, "fn_name": "act"}
        sent = json.dumps({**body, "session_hash": self.name.replace(" ", "")})
        while True:
            # the server may be gone before, while and after it answers
            with suppress(OSError, http.client.HTTPException, ValueError):
                return post(self._app.port, sent)
            time.sleep(AGAIN_S)


def post(port: int, body: str, path: str = "component_server") -> dict[str, Any]:
    """What the server says to a page's script. Raises OSError, HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}"}
        connection.request("POST", f"/gradio_api/{path}", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise http.client.HTTPException(f"{answer.status}: {answer.read()[:200]!r}")
        return dict(json.loads(answer.read()))
    finally:
        connection.close()


def component(port: int, name: str) -> int:
    """The number of a widget in the app's configuration."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/config")
    components = json.load(connection.getresponse())["components"]
    connection.close()
    return int(next(one["id"] for one in components if one["props"].get("elem_id") == name))


def texts_project(home: Path, source: Path, items: int) -> tuple[str, Path]:
    """A project of so many texts without a label; its id and its database."""
    rows = "".join(f"text number {n},class {n % CLASSES}\n" for n in range(items))
    source.write_text(f"text,label\n{rows}", "utf-8")
    workspace = Workspace(Settings(home=home, device="cpu", offline=True))
    project = workspace.create_project("Kills", "text-classification")
    project.labelling.import_data(str(source), ImportOptions(keep_labels=False, test_share=0))
    found = project.id, Path(project.path) / "studio.db"
    workspace.close()
    return found


def kills_while_labelling(root: Path, kills: int) -> dict[str, int | float]:
    """Six people label, the server is killed so often; what was lost or is there twice has to be 0."""
    each = 200 + 200 * kills
    project, database = texts_project(root / "home", root / "texts.csv", PEOPLE * each)
    app, draw, leave = App(root / "home"), random.Random(7), threading.Event()
    app.start()
    widget = component(app.port, "labeler")
    people = [Person(app, project, widget, k, range(1 + k * each, 1 + (k + 1) * each)) for k in range(PEOPLE)]
    threads = [threading.Thread(target=person.work, args=(leave,), daemon=True) for person in people]
    for thread in threads:
        thread.start()
    gone = 0
    for _ in range(kills):
        _wait_for_an_answer(people)
        time.sleep(draw.uniform(0, LONGEST_LIFE_S))
        acknowledged = [list(person.acts) for person in people]
        app.kill()
        stored = stored_acts(database)
        gone += sum(stored.get(person.name, [])[: len(acts)] != acts for person, acts in zip(people, acknowledged, strict=True))
        app.start()
    _wait_for_an_answer(people)
    leave.set()
    for thread in threads:
        thread.join(30)
    app.kill()
    found = compared(people, stored_acts(database))
    return {"kills": kills, "acknowledged": sum(len(person.acts) for person in people), "gone_after_a_kill": gone, **found}


def _wait_for_an_answer(people: list[Person]) -> None:
    before, until = sum(len(person.acts) for person in people), time.monotonic() + 30
    while sum(len(person.acts) for person in people) < before + len(people):
        assert time.monotonic() < until, "nobody is answered"
        time.sleep(0.005)


def stored_acts(database: Path) -> dict[str, list[Said]]:
    """Every act in the database, by who did it, in order."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    rows = connection.execute("SELECT author, kind, item FROM label_events WHERE kind <> 'import' ORDER BY id").fetchall()
    connection.close()
    found: dict[str, list[Said]] = {}
    for author, kind, item in rows:
        found.setdefault(author, []).append(Said(kind, item))
    return found


def compared(people: Sequence[Acknowledged], stored: dict[str, list[Said]]) -> dict[str, int | float]:
    """What was acknowledged against what is in the database, which has to be the same, act by act."""
    pairs = [(Counter(person.acts), Counter(stored.get(person.name, ()))) for person in people]
    lost = sum((acts - there).total() for acts, there in pairs)
    twice = sum((there - acts).total() for acts, there in pairs)
    unlike = sum(stored.get(person.name, []) != person.acts for person in people)
    return {"lost": lost, "twice": twice, "people_whose_acts_differ": unlike, "refused": sum(len(p.refused) for p in people)}
