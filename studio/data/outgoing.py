"""Items as an export needs them: with what was decided of each, by whom and when. Reads page by page, writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.core.types import Item
from studio.data.query import COLUMNS, SKIPPED, item_of

# the act that stands: not put aside, and not taken back
_ACTS = """
    SELECT e.item, e.author, e.at FROM label_events e
    WHERE e.item IN (SELECT value FROM json_each(?)) AND e.aspect = 'label' AND (e.kind <> 'undo' OR e.redo)
      AND e.stance <> 'aside' AND NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = e.id)
    ORDER BY e.id
"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One item to export."""

    item: Item
    skipped: bool
    """Looked at and left."""
    author: str
    """Whose act on its label is the newest that stands; empty where there is none."""
    at: float | None
    """When that was, in seconds since 1970."""


def outgoing(read: Callable[..., list[Any]], after: int, limit: int) -> list[Outgoing]:
    """Up to `limit` items after the item `after`, in order of import."""
    rows = read(f"{COLUMNS} WHERE i.id > ? ORDER BY i.id LIMIT ?", after, limit)
    acts = {item: (author, at) for item, author, at in read(_ACTS, json.dumps([row[0] for row in rows]))}
    return [Outgoing(item_of(row), row[6] == SKIPPED, *acts.get(row[0], ("", None))) for row in rows]
