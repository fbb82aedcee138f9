"""The classes of a project: adding, how prompts say them. Each function takes the writer's connection.

A hidden class belongs to an import that is not finished: nobody sees it, unless a person adds one of that name first.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from types import EllipsisType

from studio.core.errors import BadInput
from studio.core.types import NONE_OF_THESE
from studio.data import sets
from studio.data.content import plain_name
from studio.data.exported import DescribedClass
from studio.data.labels import beside
from studio.data.sets import class_of

MAX_NAME = 200
_JOINERS = {0x200C: None, 0x200D: None}
"""Signs of no width that many scripts and emoji are written with; others could turn a name round."""
LONGEST_GUIDELINE = 2_000


def class_name(text: str, several: bool = False) -> str:
    """The name as it is stored. Raises BadInput for an empty one, a long one, one of several lines, and where an item may be of
    `several` classes for one with a sign that stands between them."""
    clean = plain_name(text)
    if not clean:
        raise BadInput("The class needs a name.", "Type one, as in 'cardboard'.")
    if len(clean) > MAX_NAME or not clean.translate(_JOINERS).isprintable():
        raise BadInput(f"{clean[:40]!r} … cannot be a class's name.", f"Use one line of at most {MAX_NAME} characters.")
    if clean.casefold() == NONE_OF_THESE:
        raise BadInput(f"{clean!r} says that an item is of no class.", "There is a key for that; a class needs another name.")
    if several and (sign := next((sign for sign in sets.SEPARATORS if sign in clean), None)):
        raise BadInput(
            f"{clean[:40]!r} has a {sign!r}, which stands between classes in a table.", "Call the class something else."
        )
    return clean


def phrase_of(name: str) -> str:
    """How a sentence says the name until a person says better: `card_arrival` → `card arrival`."""
    return re.sub(r"[_\-\s]+", " ", name).strip() or name


def add(connection: sqlite3.Connection, name: str, hidden: bool = False) -> tuple[str, str, int]:
    """A new class at the end: (name, phrase, position). Raises BadInput for a name that is taken."""
    clean = class_name(name, sets.several(connection))
    there = connection.execute("SELECT id, hidden FROM classes WHERE name = ?", (clean,)).fetchone()
    if there and not there[1]:
        raise _taken(clean)
    position = int(connection.execute("SELECT coalesce(max(position) + 1, 0) FROM classes WHERE parts IS NULL").fetchone()[0])
    row = (clean, phrase_of(clean), position)
    connection.execute(
        "INSERT INTO classes (name, phrase, position, hidden) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET position = excluded.position, hidden = excluded.hidden",
        (*row, hidden),
    )
    if there:
        sets.renamed(connection, there[0])
    return row


def set_phrase(connection: sqlite3.Connection, name: str, phrase: str) -> None:
    """Raises NotFound, and BadInput for an empty phrase."""
    clean = plain_name(phrase)
    if not clean:
        raise BadInput("The phrase is empty.", f"Say how a sentence would call {name!r}.")
    connection.execute("UPDATE classes SET phrase = ? WHERE id = ?", (clean, class_of(connection, name)))


def set_guideline(connection: sqlite3.Connection, name: str, guideline: str, saw: str | EllipsisType = ...) -> None:
    """What belongs to a class, for people who label; empty takes it away. What the author had not seen stays before it. Raises
    NotFound, BadInput for a long one."""
    now = connection.execute("SELECT guideline FROM classes WHERE id = ?", (class_of(connection, name),)).fetchone()[0]
    guideline = beside(now, guideline.strip(), saw)
    if len(guideline) > LONGEST_GUIDELINE:
        raise BadInput(f"The guideline has {len(guideline):,} characters.", f"Write at most {LONGEST_GUIDELINE:,}.")
    connection.execute("UPDATE classes SET guideline = ? WHERE id = ?", (guideline, class_of(connection, name)))


def ensure(
    connection: sqlite3.Connection, names: Iterable[str], hidden: bool = False, described: Iterable[str] = ()
) -> dict[str, int]:
    """Add those that are missing, the `described` ones first, as they come, then others in natural order (`2` before `10`):
    {name: id} of every class."""
    known = {row[0] for row in connection.execute("SELECT name FROM classes WHERE parts IS NULL AND NOT hidden")}
    first = dict.fromkeys(described)
    for name in (*first, *sorted(set(names) - first.keys(), key=_natural)):
        if name not in known:
            add(connection, name, hidden)
    return dict(connection.execute("SELECT name, id FROM classes WHERE parts IS NULL"))


def describe(connection: sqlite3.Connection, described: Iterable[DescribedClass]) -> None:
    """Give classes the phrase and the guideline that they had elsewhere, where nobody has said any here."""
    for named in described:
        phrase, guideline = plain_name(named.phrase), named.guideline.strip()[:LONGEST_GUIDELINE]
        connection.execute("UPDATE classes SET guideline = ? WHERE name = ? AND guideline = ''", (guideline, named.name))
        said = (phrase or phrase_of(named.name), named.name, phrase_of(named.name))
        connection.execute("UPDATE classes SET phrase = ? WHERE name = ? AND phrase = ?", said)


def _taken(name: str) -> BadInput:
    return BadInput(f"There is a class {name!r} already.", "Choose another name.")


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts if part] + [(1, 0, name)]
