"""What each person says of an item, beside what it has: who agrees with whom, and which items wait to be settled.

Derived from the label events, in the transaction that appends one. Beside what a person says now stands what they said last
before they had seen another's word: agreement is counted on that alone, so that to settle a dispute does not make it one less.
Each function takes a connection; the first ones the writer's.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from studio.core.results.people import Annotator, Dispute, Opinion
from studio.core.types import NONE_OF_THESE, Item
from studio.data.query import COLUMNS, item_of

Read = Callable[..., list[Any]]

NONE = 0
"""Of `class`: none of the classes."""
NOBODY = ("import", "sample")
"""Authors that are no person: their labels came with the data."""

_UNTOUCHED = "NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = e.id)"
# a skip says nothing, also when it is done again, but one that takes a label away takes back what was said
_SAYING = """
    e.aspect = 'label' AND (e.kind IN ('label', 'none')
      OR e.redo AND (e.said IS NOT NULL OR e.stance <> 'stands' OR e.skipped_after = 0
        OR e.class_before IS NOT e.class_after OR (e.skipped_before = 2) <> (e.skipped_after = 2))
      OR e.kind = 'skip' AND e.class_before IS NOT NULL AND e.class_after IS NULL)
"""
_ALL = f"""
    SELECT e.id, e.said, e.stance, e.at FROM label_events e
    WHERE e.item = ? AND e.author = ? AND {_SAYING} AND {_UNTOUCHED} ORDER BY e.id
"""
# those who have spoken of an item are one of few groups: from one group to the next, and in each the first items after a place
_WANTED = f"""
    WITH RECURSIVE spoke(authors) AS (
        SELECT min(authors) FROM wanting WHERE people = :spoken
        UNION ALL SELECT (SELECT min(authors) FROM wanting WHERE people = :spoken AND authors > s.authors) FROM spoke s
        WHERE s.authors IS NOT NULL
    )
    SELECT w.item FROM spoke s CROSS JOIN wanting w
    WHERE s.authors IS NOT NULL AND NOT EXISTS (SELECT 1 FROM json_each(s.authors) WHERE value = :author) AND w.item IN (
        SELECT g.item FROM wanting g WHERE g.people = :spoken AND g.authors = s.authors AND g.item > :after AND g.draw < :draw
            AND NOT EXISTS (SELECT 1 FROM label_events e
                WHERE e.item = g.item AND e.author = :author AND e.kind = 'skip' AND {_UNTOUCHED})
        ORDER BY g.item LIMIT :limit
    ) ORDER BY w.item LIMIT :limit
"""
_LAST_OVER = f"""
    SELECT coalesce(max(e.id), 0) FROM label_events e WHERE e.item = :item AND e.stance = 'over' AND {_SAYING} AND {_UNTOUCHED}
"""


def whose(connection: sqlite3.Connection, item: int) -> str | None:
    """Who said what the item has; None where no person did, as where it was imported."""
    row = connection.execute(
        f"SELECT e.author, e.said FROM label_events e WHERE e.item = ? AND {_SAYING} AND e.stance <> 'aside' AND {_UNTOUCHED}"
        " ORDER BY e.id DESC LIMIT 1",
        (item,),
    ).fetchone()
    if row is None or row[1] is None:  # nobody, or who has taken their word back: then it is what another said first
        first_said = "SELECT author FROM opinions WHERE item = ? AND class IS NOT NULL ORDER BY event LIMIT 1"
        row = connection.execute(first_said, (item,)).fetchone()
    return None if row is None or row[0] in NOBODY else str(row[0])


def first(connection: sqlite3.Connection, item: int, without: str) -> int | None:
    """The class that somebody other than `without` said first, `NONE` for none of them; None where nobody did."""
    row = connection.execute(
        "SELECT class FROM opinions WHERE item = ? AND author <> ? AND class IS NOT NULL ORDER BY event LIMIT 1", (item, without)
    ).fetchone()
    return None if row is None else int(row[0])


def before(connection: sqlite3.Connection, item: int, author: str, event: int) -> int | None:
    """What the author had said of an item before that event, as `first` gives it, and has not taken back."""
    earlier = [said for number, said, _, _ in connection.execute(_ALL, (item, author)) if number < event]
    return earlier[-1] if earlier else None


def vouched(connection: sqlite3.Connection, item: int, author: str, said: int, event: int) -> bool:
    """Whether anybody still says that of an item, if that event of the author's is taken back; or the data does."""
    nobody = ", ".join(f"'{name}'" for name in NOBODY)
    others = "SELECT 1 FROM opinions WHERE item = :item AND author <> :author AND class = :said"
    data = (
        f"SELECT 1 FROM label_events e WHERE e.item = :item AND e.author IN ({nobody}) AND e.aspect = 'label' AND {_UNTOUCHED}"
        " AND coalesce(e.class_after, CASE WHEN e.skipped_after = 2 THEN 0 END) = :said"
    )
    given = {"item": item, "author": author, "said": said}
    known = connection.execute(f"SELECT EXISTS ({others}) OR EXISTS ({data})", given).fetchone()[0]
    return bool(known) or before(connection, item, author, event) == said


def recount(connection: sqlite3.Connection, item: int, author: str, has: int | None) -> None:
    """After an act of the author's on an item that now has the class `has`."""
    if author not in NOBODY:
        _recount(connection, item, author)
    # who has seen another's label and says something else has settled it; of what was cleared nothing is claimed
    connection.execute("DELETE FROM disputes WHERE item = ?", (item,))
    if has is not None:
        connection.execute(
            "INSERT INTO disputes SELECT :item WHERE EXISTS (SELECT 1 FROM opinions o WHERE o.item = :item"
            f" AND o.event > ({_LAST_OVER}) AND o.class <> :has)",
            {"item": item, "has": has},
        )


def _recount(connection: sqlite3.Connection, item: int, author: str) -> None:
    key = (item, author)
    had = connection.execute("SELECT class FROM opinions WHERE item = ? AND author = ?", key).fetchone()
    connection.execute("DELETE FROM opinions WHERE item = ? AND author = ?", key)
    said = connection.execute(_ALL, key).fetchall()
    event, says, stance, at = said[-1] if said else (0, None, "", 0.0)
    unseen = list(takewhile(lambda row: row[2] != "over", said))
    alone = unseen[-1][1] if unseen else None
    if says is not None or alone is not None:
        connection.execute("INSERT INTO opinions VALUES (?, ?, ?, ?, ?, ?)", (*key, says, event, stance != "over", alone))
    connection.execute("DELETE FROM wanting WHERE item = ?", (item,))
    connection.execute(
        "INSERT INTO wanting SELECT item, count(*), json_group_array(author),"
        " (SELECT abs(mix) % 1000 FROM item_rows WHERE id = :item)"
        " FROM opinions WHERE item = :item GROUP BY item HAVING min(independent)",
        {"item": item},
    )
    connection.execute(
        "INSERT INTO people VALUES (:author, :more, :at) ON CONFLICT DO UPDATE"
        " SET opinions = opinions + :more, latest = max(latest, excluded.latest)",
        {"author": author, "more": (says is not None) - (had is not None and had[0] is not None), "at": at},
    )


# reading: `read(sql, *values)` gives the rows

_SAID = "CASE WHEN {0}.class = 0 THEN :none ELSE (SELECT name FROM classes WHERE id = {0}.class) END"


def people(read: Read) -> list[Annotator]:
    """Who has said what of items, the one who said most first."""
    rows = read("SELECT author, opinions, latest FROM people WHERE opinions > 0 ORDER BY opinions DESC, author")
    return [Annotator(*row) for row in rows]


def agreements(read: Read) -> list[tuple[str, str, str, str, int]]:
    """(one person, another, what one said, what the other said, of how many items), of independent opinions alone."""
    rows = read(
        "SELECT a.author, b.author, a.alone, b.alone, count(*) FROM opinions a JOIN opinions b ON b.item = a.item"
        " AND b.author > a.author WHERE a.alone IS NOT NULL AND b.alone IS NOT NULL GROUP BY 1, 2, 3, 4"
    )
    names = _names(read)
    return [(one, other, names[said], names[answered], n) for one, other, said, answered, n in rows]


def shared(read: Read) -> list[tuple[tuple[tuple[str, int], ...], int]]:
    """How people's independent opinions of one item are spread, and of how many items so: ((class, people), …), items."""
    rows = read(
        "SELECT said, count(*) FROM (SELECT group_concat(alone) AS said FROM opinions WHERE alone IS NOT NULL GROUP BY item"
        " HAVING count(*) > 1) GROUP BY said"
    )
    names, spreads = _names(read), Counter[tuple[tuple[str, int], ...]]()
    for said, n in rows:
        spreads[tuple(sorted(Counter(names[int(number)] for number in said.split(",")).items()))] += n
    return list(spreads.items())


def disputed(read: Read, after: int, limit: int) -> list[Dispute]:
    """Up to `limit` items after the item `after` that nobody has settled, in order of import."""
    rows = read(f"{COLUMNS} WHERE i.id IN (SELECT item FROM disputes WHERE item > ?) ORDER BY i.id LIMIT ?", after, limit)
    items = [item_of(row) for row in rows]
    said = of_items(read, [item.id for item in items])
    return [Dispute(item, said.get(item.id, ())) for item in items]


def of_items(read: Read, items: list[int]) -> dict[int, tuple[Opinion, ...]]:
    """What people say of each of these items, the first first."""
    rows = read(
        f"SELECT o.item, o.author, {_SAID.format('o')}, e.at, o.independent FROM opinions o JOIN label_events e ON e.id = o.event"
        " WHERE o.item IN (SELECT value FROM json_each(:items)) AND o.class IS NOT NULL ORDER BY o.item, o.event",
        {"none": NONE_OF_THESE, "items": json.dumps(items)},
    )
    said: dict[int, tuple[Opinion, ...]] = {}
    for item, author, name, at, independent in rows:
        said[item] = (*said.get(item, ()), Opinion(author, name, at, bool(independent)))
    return said


def wanting(read: Read, author: str, people: int, share: float, after: int, limit: int) -> list[Item]:
    """Up to `limit` items after the item `after`, of a share drawn by content, with opinions of fewer than so many `people` and
    none of the author's, who has not skipped it either; none that somebody has settled."""
    given = {"after": after, "author": author, "draw": round(1000 * share), "limit": limit}
    found = [item for spoken in range(1, people) for (item,) in read(_WANTED, {**given, "spoken": spoken})]
    rows = read(f"{COLUMNS} WHERE i.id IN (SELECT value FROM json_each(?)) ORDER BY i.id", json.dumps(sorted(found)[:limit]))
    return [item_of(row) for row in rows]


def _names(read: Read) -> dict[int, str]:
    return {NONE: NONE_OF_THESE, **dict(read("SELECT id, name FROM classes"))}
