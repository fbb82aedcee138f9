"""A project or a backup that a stranger made: nothing of its database runs, and the other projects stay as they are."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
from dataclasses import asdict
from pathlib import Path

import pytest

from studio.core.errors import CannotRun, ProjectError
from studio.core.results.comparison import Comparison
from studio.core.results.evidence import RiskPoint
from studio.core.types import ImportOptions, ItemFilter
from studio.data.backup import back_up
from studio.data.project import Project
from studio.data.schema import MIGRATIONS
from studio.settings import Settings
from studio.workspace import Workspace

CLEARS = "CREATE TRIGGER mine AFTER INSERT ON label_events BEGIN UPDATE item_rows SET class = NULL; END"
NAMED_AS_SQLITES = CLEARS.replace("mine", "sqlite_stat1")
ENDLESS = "WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v FROM n) SELECT v FROM n"

SCHEMAS: dict[str, tuple[str, ...]] = {
    "a trigger of their own": (CLEARS,),
    "a trigger of ours that does more": (
        "DROP TRIGGER items_listed",
        CLEARS.replace("mine", "items_listed"),
    ),
    "a trigger of ours that is gone": ("DROP TRIGGER label_events_keep",),
    "a view that never ends": ("DROP TABLE counters", f"CREATE VIEW counters AS SELECT 1 AS n, 1 AS class FROM ({ENDLESS})"),
    "a view of ours that never ends": (
        "DROP VIEW items",
        f"CREATE VIEW items AS SELECT id, key, content, split, name, mix, class, skipped, note FROM item_rows, ({ENDLESS})",
    ),
    "a table with a column that computes": ("ALTER TABLE meta ADD COLUMN more TEXT GENERATED ALWAYS AS (hex(value)) VIRTUAL",),
    "an index that computes": ("CREATE INDEX mine ON item_rows(json_extract(content, '$.text'))",),
    "a schema that is older than it says": ("PRAGMA user_version = 3",),
    "tables before there are any": ("PRAGMA user_version = 0",),
    "a trigger that bears the name of SQLite's own table": (
        "PRAGMA writable_schema = ON",
        f"INSERT INTO sqlite_master VALUES ('trigger', 'sqlite_stat1', 'label_events', 0, '{NAMED_AS_SQLITES}')",
    ),
    "a table that bears the name of SQLite's own": (
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_master SELECT type, 'sqlite_stat4', 'sqlite_stat4', rootpage, 'CREATE TABLE sqlite_stat4(x)' "
        "FROM sqlite_master WHERE name = 'meta'",
    ),
}
DEEP = "[" * 1_500 + "]" * 1_500
ROWS: dict[str, tuple[str, ...]] = {
    "an item that is a list": ("UPDATE item_rows SET content = '[1]' WHERE id = 2",),
    "an item whose text is a number": ("""UPDATE item_rows SET content = '{"text": 5}' WHERE id = 2""",),
    "an item that is no JSON": ("UPDATE item_rows SET content = '{' WHERE id = 2",),
    "an item whose name is bytes": ("UPDATE item_rows SET name = x'00ff' WHERE id = 2",),
    "a split of another name": ("PRAGMA ignore_check_constraints = ON", "UPDATE item_rows SET split = 'mine' WHERE id = 2"),
    "a setting that is no JSON": ("INSERT INTO meta VALUES ('comparison', '{')",),
    "a setting that is nested too deep for Python": (f"INSERT INTO meta VALUES ('comparison', '{DEEP}')",),
    "an item that is nested too deep for Python": (f"UPDATE item_rows SET content = '{DEEP}' WHERE id = 2",),
    "a text with half a character": ("""UPDATE item_rows SET content = '{"text": "\\ud800"}' WHERE id = 1""",),
    "a picture that is a path": ("""UPDATE item_rows SET content = '{"image": "../../etc/passwd"}' WHERE id = 2""",),
    "a count without end": ("UPDATE counters SET n = 9e999",),
    "a class whose name is bytes": ("UPDATE classes SET name = x'00ff' WHERE id = 1",),
}
CARDS: dict[str, object] = {
    "an id that is a list": {"id": []},
    "an id that is a number": {"id": 5},
    "an id that is HTML": {"id": "<b>x</b>"},
    "an id that leads out": {"id": "../x"},
    "a time that is a text": {"created": "abc"},
    "a task of none": {"task": "juggling"},
    "a name that is none": {"name": None},
    "a name with half a character": {"name": "\ud800"},
}


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The folder of a stranger's project of three texts, as Studio makes it."""
    other = Workspace(Settings(home=tmp_path / "theirs", device="cpu", offline=True))
    project = other.create_project("Theirs", "text-classification")
    (tmp_path / "texts.csv").write_text("text,label\none,cat\ntwo,dog\nthree,\n")
    project.labelling.import_data(str(tmp_path / "texts.csv"), ImportOptions(test_share=0))
    other.close()
    return Path(project.path)


def spoilt(theirs: Path, acts: tuple[str, ...]) -> None:
    with sqlite3.connect(theirs / "studio.db") as connection:
        for act in acts:
            connection.execute(act)
    connection.close()


def backup_of(theirs: Path, target: Path) -> Path:
    """As Studio writes it, but for what is in the folder: no project is opened for it."""
    project = Project.__new__(Project)
    card = json.loads((theirs / "project.json").read_text())
    project.root, project.id, project.name, project.task = theirs, card["id"], "Theirs", card["task"]
    project.store = _Copied(theirs / "studio.db")  # type: ignore[assignment]
    back_up(project, target)
    return target


class _Copied:
    def __init__(self, path: Path) -> None:
        self._path = path

    def back_up(self, target: Path) -> None:
        shutil.copy(self._path, target)


def refused(workspace: Workspace, theirs: Path, tmp_path: Path, said: str) -> None:
    mine = workspace.create_project("Mine", "text-classification")
    backup = backup_of(theirs, tmp_path / "kept.zip")
    for take, source in ((workspace.open_project, theirs), (workspace.restore, backup)):
        with pytest.raises(ProjectError, match=said):
            take(str(source))
    assert [card.name for card in workspace.projects()] == ["Mine"]
    assert workspace.project() is mine and [path.name for path in workspace.settings.projects.iterdir()] == ["mine"]


@pytest.mark.parametrize("what", SCHEMAS)
def test_a_database_that_would_do_something_of_its_own_is_not_opened(
    workspace: Workspace, theirs: Path, tmp_path: Path, what: str
) -> None:
    spoilt(theirs, SCHEMAS[what])
    refused(workspace, theirs, tmp_path, "not a database that Studio made")


@pytest.mark.parametrize("what", ROWS)
def test_a_project_whose_items_studio_did_not_write_is_not_opened(
    workspace: Workspace, theirs: Path, tmp_path: Path, what: str
) -> None:
    spoilt(theirs, ROWS[what])
    refused(workspace, theirs, tmp_path, "Studio did not write|cannot be read")


@pytest.mark.parametrize("what", CARDS)
def test_a_card_that_is_none_is_refused(workspace: Workspace, theirs: Path, tmp_path: Path, what: str) -> None:
    card = json.loads((theirs / "project.json").read_text())
    (theirs / "project.json").write_text(json.dumps({**card, **CARDS[what]}))  # type: ignore[dict-item]
    refused(workspace, theirs, tmp_path, "project's card|juggling")


KEPT: tuple[object, ...] = (
    3, "x", [], [1], [[1]], {}, {"at": []}, True, {"learnt": 5}, {"people": [], "share": {}}, {"rejects": 5, "more": 1},
    [{"key": "x"}], {"01": "dog", "x": "dog", "1": 5}, {"people": 10**9, "share": 1}, {"people": 2, "share": float("nan")},
    {"doubts": [[1]], "twins": [5], "why_no_doubts": None}, -1e308,
)  # fmt: skip
"""What each of the things that a project keeps beside its items may say in a stranger's."""


@pytest.mark.parametrize("value", KEPT, ids=range(len(KEPT)))
def test_what_a_project_keeps_beside_its_items_is_read_as_its_type_or_not_at_all(
    workspace: Workspace, theirs: Path, value: object
) -> None:
    keys = (
        "audit",
        "audit_decisions",
        "second_opinions",
        "last_report",
        "templates",
        "compared",
        "comparison",
        "accepted_errors",
        "hidden_truth",
    )
    with sqlite3.connect(theirs / "studio.db") as connection:
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [(key, json.dumps(value)) for key in keys])
    connection.close()
    project = workspace.open_project(str(theirs))
    assert project.auditing.last() is None and project.auditing.undo() is None and project.auditing.leaks([1], [2]) == 0
    assert project.people.second_opinions().people == 1 and project.testing.last_comparison() is None
    assert project.testing.accepted_errors() is None
    with pytest.raises(CannotRun, match="has one already"):
        project.labelling.label_for_me(1)
    assert project.labelling.last_report() is None
    assert all(type(template) is str for template in project.labelling.templates()) and project.labelling.templates()
    project.labelling.label(1, "dog")
    assert project.auditing.audit().twins == ()


@pytest.mark.parametrize(
    ("coverage", "risk", "sound"), [(1.0, 0.5, True), (1e12, 0.5, False), (1.0, 1e12, False), (math.nan, 0, False)]
)
def test_a_comparison_that_counts_more_than_there_is_is_none(
    workspace: Workspace, theirs: Path, coverage: float, risk: float, sound: bool
) -> None:
    found = Comparison("hf:x/y", "test", ("cat", "dog"), (), "", risk=(RiskPoint(0.5, coverage, risk),))
    with sqlite3.connect(theirs / "studio.db") as connection:
        connection.execute("INSERT INTO meta VALUES ('comparison', ?)", (json.dumps(asdict(found)),))
    connection.close()
    project = workspace.open_project(str(theirs))
    assert (project.testing.last_comparison() is not None) is sound


def test_a_project_that_says_nothing_of_a_thing_comes_back_from_its_backup(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.create_project("Mine", "text-classification")
    project.testing.accept_errors(0.1)
    project.testing.accept_errors(None)  # as where its box on the page is emptied
    kept = project.sharing.backup(tmp_path)
    again = workspace.restore(str(kept), str(tmp_path / "again"))
    assert again.testing.accepted_errors() is None


LINKS = ("studio.db", ".studio.db.lock", "media", "thumbs", "features", "features/x", "media/ab", "runs/run-1", "project.json")


@pytest.mark.parametrize("where", LINKS)
def test_a_folder_with_a_link_in_it_is_not_opened_and_nothing_outside_is_touched(
    workspace: Workspace, theirs: Path, tmp_path: Path, where: str
) -> None:
    link, outside = theirs / where, tmp_path / "outside"
    if link.is_dir():
        link.rename(outside)
    elif link.is_file():
        outside.write_bytes(link.read_bytes())
        link.unlink()
    else:
        outside.mkdir()
    link.symlink_to(outside)
    before = {path: path.stat().st_mtime_ns for path in (outside, *outside.rglob("*"))}
    with pytest.raises(ProjectError, match="is a link"):
        workspace.open_project(str(theirs))
    assert {path: path.stat().st_mtime_ns for path in (outside, *outside.rglob("*"))} == before
    assert workspace.projects() == []


def test_a_folder_whose_database_only_looks_as_if_put_aside_is_not_opened(workspace: Workspace, theirs: Path) -> None:
    spoilt(theirs, ROWS["an item that is a list"])
    (theirs / "studio.db").rename(theirs / f".studio.db.999999999-{'a' * 32}.old")
    with pytest.raises(ProjectError, match=r"no studio\.db"):
        workspace.open_project(str(theirs))


def test_a_folder_with_a_pipe_in_it_is_not_opened(workspace: Workspace, theirs: Path) -> None:
    (theirs / "studio.db").unlink()
    os.mkfifo(theirs / "studio.db")
    with pytest.raises(ProjectError, match="no file"):
        workspace.open_project(str(theirs))


LATER: dict[str, tuple[str, ...]] = {
    "a view": SCHEMAS["a view that never ends"],
    **{
        what: ROWS[what]
        for what in ("an item that is a list", "a setting that is nested too deep for Python", "a count without end")
    },
}


@pytest.mark.parametrize("act", LATER.values(), ids=LATER)
def test_one_that_is_spoilt_later_keeps_no_other_from_being_listed(
    workspace: Workspace, theirs: Path, act: tuple[str, ...]
) -> None:
    workspace.open_project(str(theirs))
    workspace.close()
    spoilt(theirs, tuple(statement.replace("id = 2", "id = 1") for statement in act))
    again = Workspace(workspace.settings)
    again.create_project("Mine", "text-classification")
    mine, other = again.projects()
    assert (mine.name, mine.problem, other.name) == ("Mine", None, "Theirs") and other.problem
    again.close()


def test_a_project_of_the_first_schema_is_looked_at_too(workspace: Workspace, theirs: Path) -> None:
    (theirs / "studio.db").unlink()
    spoilt(theirs, ())
    with sqlite3.connect(theirs / "studio.db") as connection:
        connection.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1")
        connection.execute("INSERT INTO items VALUES (1, 'key', '[1]', 'train', 'name', 1, NULL, 0)")
    connection.close()
    with pytest.raises(ProjectError, match="did not write"):
        workspace.open_project(str(theirs))


COLUMNS = "split TEXT, class INT, skipped INT"
NEWER: dict[str, tuple[str, ...]] = {
    **{what: SCHEMAS[what] for what in ("a view that never ends", "a view of ours that never ends")},
    "a column that computes": (
        "DROP TABLE counters",
        f"CREATE TABLE counters ({COLUMNS}, n INT AS (length(zeroblob(9))) VIRTUAL)",
    ),
    "a table that lies elsewhere": ("DROP TABLE counters", "CREATE VIRTUAL TABLE counters USING fts5(split, class, skipped, n)"),
}


@pytest.mark.parametrize("what", NEWER)
def test_a_project_of_a_newer_studio_is_read_as_this_one_knows_it_or_not_at_all(
    workspace: Workspace, theirs: Path, what: str
) -> None:
    workspace.open_project(str(theirs))
    workspace.close()
    spoilt(theirs, (*NEWER[what], "PRAGMA user_version = 99"))
    with pytest.raises(ProjectError, match="newer Studio"):
        workspace.open_project(str(theirs))
    (card,) = workspace.projects()
    assert "newer Studio" in (card.problem or "")


@pytest.mark.parametrize("what", ROWS)
def test_the_items_of_a_newer_studio_are_looked_at_too(workspace: Workspace, theirs: Path, tmp_path: Path, what: str) -> None:
    spoilt(theirs, (*ROWS[what], "PRAGMA user_version = 99"))
    refused(workspace, theirs, tmp_path, "Studio did not write|cannot be read")


def test_a_newer_studio_may_have_more(workspace: Workspace, theirs: Path) -> None:
    more = ("ALTER TABLE meta ADD COLUMN more TEXT", "CREATE TABLE further (x)", "CREATE VIEW later AS SELECT x FROM further")
    spoilt(theirs, (*more, "PRAGMA user_version = 99"))
    assert workspace.open_project(str(theirs)).labelling.counts().total == 3


def test_an_honest_copy_and_its_backup_open_as_they_are(workspace: Workspace, theirs: Path, tmp_path: Path) -> None:
    backup = backup_of(theirs, tmp_path / "kept.zip")
    spoilt(theirs, ("ANALYZE",))  # SQLite's own notes
    for project in (workspace.open_project(str(theirs)), workspace.restore(str(backup))):
        assert sorted(item.content["text"] for item in project.labelling.page(ItemFilter()).items) == ["one", "three", "two"]


def test_a_project_of_any_name_is_restored(workspace: Workspace, tmp_path: Path) -> None:
    for n, name in enumerate(("\U0001f469\u200d\U0001f467", "caf\u00e9", "a/b")):
        made = workspace.create_project(name, "text-classification")
        target = tmp_path / f"{n}.zip"
        with Project.open(Path(made.path)) as project:
            back_up(project, target)
        assert workspace.restore(str(target)).name == name
