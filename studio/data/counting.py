"""How many items there are of what, from kept counters: the same time for ten items as for a million.

An item of several classes counts for each of them, and once among those that have a label. Triggers keep the counters (see
`schema.py`), but for what an import brings. `read(sql, *values)` gives the rows.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from studio.core.results.projects import Counts
from studio.core.types import SPLITS, ItemFilter, Split
from studio.data.query import OF_NONE, SKIPPED, is_set, where

Read = Callable[..., list[Any]]
Cell = tuple[Split, bool, str | None, int, int]
"""(split, whether it has a label, its class, skipped, items)."""


def count(read: Read, filter: ItemFilter) -> int:
    """Items that match; from the counters unless texts are searched, or what has just such a set of classes."""
    if filter.search.strip() or filter.noted is not None or (filter.label is not None and is_set(filter.label)):
        condition, values = where(filter)
        return int(read(f"SELECT count(*) FROM items i WHERE {condition}", values)[0][0])
    total = 0
    for split, has_label, name, skipped, n in (*_counters(read), *(_of_sets(read) if filter.label is not None else ())):
        fits = filter.split in (None, split) and filter.label in (None, name) and filter.none in (None, skipped == OF_NONE)
        fits = fits and (filter.skipped is None or skipped == (SKIPPED if filter.skipped else 0))
        total += n if fits and filter.labelled in (None, has_label) else 0
    return total


def counts(read: Read) -> Counts:
    """Skipped are those without a label."""
    by_split: dict[str, int] = dict.fromkeys(SPLITS, 0)
    labelled: dict[str, int] = dict.fromkeys(SPLITS, 0)
    by_class: dict[str, dict[str, int]] = {
        row[0]: {} for row in read("SELECT name FROM classes WHERE parts IS NULL AND NOT hidden ORDER BY position")
    }
    skipped_items = of_none = 0
    cells = list(_counters(read))
    for split, has_label, _, skipped, n in cells:
        by_split[split] += n
        if has_label:
            labelled[split] += n
        else:
            skipped_items += n if skipped == SKIPPED else 0
            of_none += n if skipped == OF_NONE else 0
    for split, _, name, _, n in (*cells, *_of_sets(read)):
        if name is not None:
            by_class[name][split] = by_class[name].get(split, 0) + n
    return Counts(sum(by_split.values()), sum(labelled.values()), skipped_items, by_split, labelled, by_class, of_none)


def by_class(read: Read) -> Counter[str | None]:
    """{class: its items}, over all splits."""
    counted: Counter[str | None] = Counter()
    for _, _, name, _, n in (*_counters(read), *_of_sets(read)):
        counted[name] += n
    return counted


def count_more(connection: sqlite3.Connection, split: Split, class_id: int, skipped: int, n: int) -> None:
    """That many more items of a class or set, 0 for none. Takes the writer's connection."""
    row = connection.execute("SELECT parts FROM classes WHERE id = ?", (class_id,)).fetchone()
    of_set = row is not None and row[0] is not None
    more = "ON CONFLICT DO UPDATE SET n = n + excluded.n"
    connection.execute(f"INSERT INTO counters VALUES (?, ?, ?, ?) {more}", (split, -1 if of_set else class_id, skipped, n))
    connection.execute(
        f"INSERT INTO set_counters SELECT ?, class, ?, ? FROM sets WHERE id = ? {more}", (split, skipped, n, class_id)
    )


def _counters(read: Read) -> Iterator[Cell]:
    """Every item once: with its class where it is of one."""
    for split, number, name, skipped, n in read(
        "SELECT n.split, n.class, c.name, n.skipped, n.n FROM counters n LEFT JOIN classes c ON c.id = n.class WHERE n.n"
    ):
        yield split, number != 0, name, skipped, n


def _of_sets(read: Read) -> Iterator[Cell]:
    """What is of several classes, once for each of them."""
    for split, name, skipped, n in read(
        "SELECT n.split, c.name, n.skipped, n.n FROM set_counters n JOIN classes c ON c.id = n.class WHERE n.n"
    ):
        yield split, True, name, skipped, n
