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
from studio.data.schema import MIGRATIONS, NEWEST

_PLANNER = ("sqlite_stat1", "sqlite_stat4")
"""What SQLite notes of its tables for itself."""
_SPOILT = """
    SELECT EXISTS (SELECT 1 FROM item_rows WHERE typeof(content) <> 'text' OR typeof(name) <> 'text'
        OR split NOT IN ('train', 'val', 'test')
        OR CASE WHEN json_valid(content) THEN json_type(content) <> 'object'
            OR EXISTS (SELECT 1 FROM json_each(content) WHERE type <> 'text') ELSE 1 END)
    OR EXISTS (SELECT 1 FROM classes WHERE typeof(name) <> 'text' OR typeof(phrase) <> 'text')
    OR EXISTS (SELECT 1 FROM meta WHERE NOT json_valid(value))
"""


def refuse_strange(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything else is asked of the database. Raises ProjectError where its schema is not Studio's. Of a newer Studio's,
    which is only read, it is what is read: other views than this Studio's may never end."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    found = _objects(connection)
    if version > NEWEST:
        if _read(_of(NEWEST)) - _read(found):
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
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, timeout=30)) as connection:
            refuse_strange(connection, path)
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            spoilt = version < 1 or (1 < version <= NEWEST and bool(connection.execute(_SPOILT).fetchone()[0]))
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


def _read(objects: frozenset[Any]) -> frozenset[Any]:
    """Tables by their names, as another Studio may give them columns; views with what makes them."""
    return frozenset((kind, name, made if kind == "view" else "") for kind, name, _, made in objects if kind in ("table", "view"))


@cache
def _of(version: int) -> frozenset[Any]:
    with closing(sqlite3.connect(":memory:")) as fresh:
        for script in MIGRATIONS[:version]:
            fresh.executescript(script)
        return _objects(fresh)


def _objects(connection: sqlite3.Connection) -> frozenset[Any]:
    """(kind, name, table, what made it): quotes and spaces are what another SQLite may have written otherwise."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return frozenset(
        (kind, name, table, re.sub(r'["\s]+', "", made) if made else "")
        for kind, name, table, made in rows
        if name not in _PLANNER
    )
