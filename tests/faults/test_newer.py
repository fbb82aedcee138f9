"""A project whose database a newer Studio wrote: it is looked at and exported, and everything else is refused with the reason."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.core.errors import ProjectError
from studio.core.types import ImportOptions, ItemFilter
from studio.data.schema import NEWEST
from studio.settings import Settings
from studio.ui import shell
from studio.ui.answers import answering
from studio.ui.widgets.label import Desk
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

REASON = f"a newer Studio wrote it (schema {NEWEST + 1}, this one knows {NEWEST})"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(Settings(home=tmp_path / "home", offline=True))
    yield made
    made.close()


@pytest.fixture
def newer(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Opened after its database took the next schema's number."""
    (tmp_path / "texts.csv").write_text("text,label\na cat,cat\na dog,dog\n")
    project = workspace.create_project("Ahead", "text-classification")
    project.labelling.import_data(str(tmp_path / "texts.csv"), ImportOptions(test_share=0))
    path = project.path
    workspace.close()
    connection = sqlite3.connect(Path(path) / "studio.db")
    connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    connection.close()
    return workspace.open_project(path)


def test_it_can_be_looked_at_and_exported_and_is_not_touched(workspace: Workspace, newer: OpenProject, tmp_path: Path) -> None:
    database = Path(newer.path) / "studio.db"
    before = database.read_bytes()
    assert [item.label for item in newer.labelling.page(ItemFilter()).items] == ["cat", "dog"]
    assert Desk(workspace).open_desk({"show": "all"})["all"] == 2
    assert "a cat" in newer.sharing.labels(tmp_path).read_text("utf-8")
    workspace.close()
    assert database.read_bytes() == before
    assert not list(Path(newer.path).glob("*.bak"))


def test_the_header_says_that_it_is_read_only_and_why(workspace: Workspace, newer: OpenProject) -> None:
    assert f"Read-only: {REASON}. Look and export only." in shell.header_html(workspace, "label")


@pytest.mark.parametrize(
    "write",
    [
        lambda p: p.labelling.label(1, "dog"),
        lambda p: p.labelling.undo(),
        lambda p: p.labelling.add_class("fish"),
        lambda p: p.choose_model("hf:some/model"),
        lambda p: p.training.start("hf:some/model"),
        lambda p: p.training.resume("run-1"),
        lambda p: p.labelling.import_data("nowhere.csv", ImportOptions()),
    ],
)
def test_every_write_is_refused_with_the_reason(newer: OpenProject, write: Callable[[OpenProject], object]) -> None:
    with pytest.raises(ProjectError, match="read-only") as refused:
        write(newer)
    assert REASON in refused.value.message and "update Studio" in refused.value.hint


def test_a_key_on_its_label_page_says_so(workspace: Workspace, newer: OpenProject) -> None:
    act = {"project": newer.id, "id": "a1", "act": "label", "item": 1, "label": "dog"}
    answer = answering(Desk(workspace).act)(act)
    assert not answer["ok"] and REASON in answer["error"]
    assert newer.labelling.item(1).label == "cat"
