"""What a project that a stranger made may be: plain files, and a database of Studio's own tables, views and triggers.

SQLite runs what a database says of itself: a trigger acts at every label, a view may never end. So one whose schema is not the
one of its number is not opened, whoever made it; and of a project that comes from elsewhere every item is looked at once.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from studio.core.errors import ProjectError
from studio.core.plain import parsed
from studio.data.content import SHA256, media_of
from studio.data.schema import MIGRATIONS, NEWEST

_PLANNER = frozenset(
    {
        ("table", "sqlite_stat1", "sqlite_stat1", "CREATETABLEsqlite_stat1(tbl,idx,stat)"),
        ("table", "sqlite_stat4", "sqlite_stat4", "CREATETABLEsqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
    }
)
"""What SQLite notes of its tables for itself."""
_NOT_SHOWN = (ValueError, TypeError, RecursionError)
"""What `parsed` raises for what no page could show."""
_SPOILT = """
    SELECT EXISTS (SELECT 1 FROM {items} WHERE typeof(content) <> 'text' OR typeof(name) <> 'text'
        OR split NOT IN ('train', 'val', 'test'))
    OR EXISTS (SELECT 1 FROM classes WHERE typeof(name) <> 'text' OR typeof(phrase) <> 'text')
    OR EXISTS (SELECT 1 FROM counters WHERE typeof(n) <> 'integer')
"""


def refuse_strange(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything else is asked of the database. Raises ProjectError where its schema is not Studio's. Of a newer Studio's,
    which is only read, it is what is read: other views than this Studio's may never end, nor columns that compute."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    found = _objects(connection)
    if version > NEWEST:
        if not _is_readable(connection, found):
            raise ProjectError(f"{path} was made by a newer Studio, and this one cannot read it.", "Update Studio.")
        return
    ours = _of(version) if version > 0 else frozenset()
    if odd := found ^ ours:
        kind, name = min((kind, name) for kind, name, _, _ in odd)
        problem = "is not as Studio makes it" if (kind, name) in {(k, n) for k, n, _, _ in ours} else "is none of Studio's"
        raise ProjectError(
            f"{path} is not a database that Studio made: its {kind} {name[:60]!r} {problem}.", "Restore it from a backup."
        )


def refuse_spoilt(path: Path) -> None:
    """Of a project that comes from elsewhere. Raises ProjectError where an item is not what Studio writes, too."""
    if not path.is_file():  # one that lies under another name would be looked at no more once it has this one
        raise ProjectError(f"{path.parent} has no {path.name}, the project's database.", "Restore the project from a backup.")
    try:
        with closing(read_only(path)) as connection:
            refuse_strange(connection, path)
            spoilt = _is_spoilt(connection)
    except sqlite3.Error as error:
        raise ProjectError(f"{path} cannot be read ({error}).", "Restore it from a backup.") from error
    if spoilt:
        raise ProjectError(f"{path} holds items that Studio did not write.", "Restore it from a backup.")


def refuse_links(root: Path) -> None:
    """Of a project that comes from elsewhere. Raises ProjectError where anything in its folder is a link, through which Studio
    would write or read elsewhere, or no file at all."""
    folders = [root]
    try:
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    elif not entry.is_file(follow_symlinks=False):
                        raise ProjectError(
                            f"{Path(entry.path).relative_to(root)} in {root} is a link, or no file.", "Put the file itself there."
                        )
    except OSError as error:
        raise ProjectError(f"{root} cannot be read ({error}).", "Check its permissions.") from error


def read_only(path: Path, timeout: float = 30.0) -> sqlite3.Connection:
    """A connection through which nothing is written."""
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, timeout=timeout)


def _is_spoilt(connection: sqlite3.Connection) -> bool:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version < 1:
        return True
    items = "items" if version == 1 else "item_rows"
    if connection.execute(_SPOILT.format(items=items)).fetchone()[0]:
        return True
    contents, settings = connection.execute(f"SELECT content FROM {items}"), connection.execute("SELECT value FROM meta")
    return not (all(_is_content(text) for (text,) in contents) and all(_is_json(text) for (text,) in settings))


def _is_content(text: str) -> bool:
    try:
        content = parsed(text)
    except _NOT_SHOWN:
        return False
    return (
        isinstance(content, dict)
        and all(type(part) is str for part in content.values())
        and all(map(SHA256.fullmatch, media_of(content)))
    )


def _is_json(text: Any) -> bool:
    """Whether it is any that a page could show."""
    try:
        parsed(text)
    except _NOT_SHOWN:
        return False
    return True


def _is_readable(connection: sqlite3.Connection, found: frozenset[Any]) -> bool:
    """Whether what this Studio reads is there: its views as they are, its tables with its columns, none of them computed."""
    made = {(kind, name): sql for kind, name, _, sql in found}
    for kind, name, _, sql in _of(NEWEST):
        if kind == "view" and made.get((kind, name)) != sql:
            return False
        if kind == "table":
            if not made.get((kind, name), "").upper().startswith("CREATETABLE") or _columns(name) - _stored(connection, name):
                return False
    return True


def _stored(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    rows = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return frozenset(name for (name,) in rows)


@cache
def _columns(table: str) -> frozenset[str]:
    with closing(_fresh(NEWEST)) as connection:
        return _stored(connection, table)


@cache
def _of(version: int) -> frozenset[Any]:
    with closing(_fresh(version)) as connection:
        return _objects(connection)


def _fresh(version: int) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for script in MIGRATIONS[:version]:
        connection.executescript(script)
    return connection


def _objects(connection: sqlite3.Connection) -> frozenset[Any]:
    """(kind, name, table, what made it): quotes and spaces are what another SQLite may have written otherwise."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return (
        frozenset((kind, name, table, re.sub(r'["\s]+', "", made) if made else "") for kind, name, table, made in rows) - _PLANNER
    )
