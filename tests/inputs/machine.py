"""Labelling against a plain dict: whatever order labels, skips, undo, redo, imports and exports come in, a project holds what the
dict holds, and what is exported comes in again as the same."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studio.core.results.projects import ImportReport
from studio.core.types import ImportOptions, ItemFilter
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from tests.inputs.tables import TEXTS_THAT_STAY

CLASSES = ("cat", "dog", "=1+1")
POOL = {text: (None, *CLASSES)[n % 4] for n, text in enumerate(TEXTS_THAT_STAY)}
"""{text: the label that it is always imported with}."""


@dataclass(frozen=True)
class Has:
    """What an item has."""

    label: str | None = None
    none: bool = False
    skipped: bool = False


def held(project: OpenProject) -> dict[str, Has]:
    left = {item.id for item in project.labelling.page(ItemFilter(skipped=True), limit=1000).items}
    items = project.labelling.page(ItemFilter(), limit=1000).items
    return {item.content["text"]: Has(item.label, item.none, item.id in left) for item in items}


class Labelling(RuleBasedStateMachine):
    """One person at one project."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="studio-machine-"))
        self.workspace = Workspace(Settings(home=self.folder, device="cpu", offline=True))
        self.project = self.workspace.create_project("One", "text-classification")
        self.has: dict[str, Has] = {}
        self.done: list[tuple[str, Has, Has]] = []
        self.undone: list[tuple[str, Has, Has]] = []

    def teardown(self) -> None:
        self.workspace.close()
        shutil.rmtree(self.folder)

    @initialize()
    def classes(self) -> None:
        for name in CLASSES:
            self.project.labelling.add_class(name)
        self.imports(set(list(POOL)[:3]))

    @rule(texts=st.sets(st.sampled_from(list(POOL)), min_size=1))
    def imports(self, texts: set[str]) -> None:
        """What is there already keeps what it has."""
        table = self.folder / "rows.jsonl"
        table.write_text("\n".join(json.dumps({"text": text, "label": POOL[text]}) for text in sorted(texts)), "utf-8")
        report = self.project.labelling.import_data(str(table), ImportOptions(test_share=0))
        fresh = texts - self.has.keys()
        assert isinstance(report, ImportReport) and report.added == len(fresh)
        self.has |= {text: Has(POOL[text]) for text in fresh}

    @rule(data=st.data(), name=st.sampled_from((*CLASSES, None)))
    def label(self, data: st.DataObject, name: str | None) -> None:
        text = self.drawn(data)
        self.project.labelling.label(self.id_of(text), name)
        self.acted(text, Has(name))

    @rule(data=st.data())
    def none_of_these(self, data: st.DataObject) -> None:
        text = self.drawn(data)
        self.project.labelling.none_of_these(self.id_of(text))
        self.acted(text, Has(none=True))

    @rule(data=st.data())
    def skip(self, data: st.DataObject) -> None:
        text = self.drawn(data)
        self.project.labelling.skip(self.id_of(text))
        now = self.has[text]
        self.acted(text, now if now.none else replace(now, skipped=True))

    @rule()
    def undo(self) -> None:
        events = self.project.labelling.undo()
        assert len(events) == bool(self.done)
        if self.done:
            self.undone.append(self.done.pop())
            text, before, _ = self.undone[-1]
            self.has[text] = before

    @rule()
    def redo(self) -> None:
        events = self.project.labelling.redo()
        assert len(events) == bool(self.undone)
        if self.undone:
            self.done.append(self.undone.pop())
            text, _, after = self.done[-1]
            self.has[text] = after

    @precondition(lambda self: len(self.done) % 3 == 2)
    @rule(format=st.sampled_from(("csv", "jsonl", "parquet")))
    def export_and_import(self, format: str) -> None:
        other = self.workspace.create_project("Other", "text-classification")
        file = self.project.sharing.labels(self.folder, format)
        assert other.labelling.import_data(str(file), ImportOptions()).rejects == ()
        assert held(other) == self.has
        other.close()
        shutil.rmtree(other.path)

    @precondition(lambda self: len(self.done) % 5 == 4)
    @rule()
    def open_again(self) -> None:
        self.workspace.close()
        self.workspace = Workspace(Settings(home=self.folder, device="cpu", offline=True))
        self.project = self.workspace.open_project(self.project.path)

    @invariant()
    def the_project_holds_what_the_dict_holds(self) -> None:
        assert held(self.project) == self.has
        counts = self.project.labelling.counts()
        assert counts.total == len(self.has) and counts.labelled == sum(has.label is not None for has in self.has.values())

    def drawn(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.has)))

    def id_of(self, text: str) -> int:
        return next(item.id for item in self.project.labelling.page(ItemFilter()).items if item.content["text"] == text)

    def acted(self, text: str, after: Has) -> None:
        self.done.append((text, self.has[text], after))
        self.undone.clear()
        self.has[text] = after
