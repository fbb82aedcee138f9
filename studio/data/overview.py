"""What the start page shows of a project without opening it: one short read of its database. Writes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from studio.core.errors import ProjectError
from studio.core.results.projects import ProjectCard
from studio.data.project import read_card


def overview(root: Path, opened: float) -> ProjectCard:
    """The card of the project in `root`; its `problem` says why it cannot be read, if so."""
    try:
        card = read_card(root)
    except ProjectError as error:
        return ProjectCard(str(root), root.name, "", str(root), 0, 0, None, opened, str(error))
    items = labelled = 0
    cover = problem = None
    try:
        connection = sqlite3.connect(f"file:{root / 'studio.db'}?mode=ro", uri=True, timeout=1.0)
        try:
            items, labelled = connection.execute(
                "SELECT coalesce(sum(n), 0), coalesce(sum(CASE WHEN class > 0 THEN n END), 0) FROM counters"
            ).fetchone()
            row = connection.execute("SELECT json_extract(content, '$.image') FROM items ORDER BY id LIMIT 1").fetchone()
            cover = row[0] if row else None
        finally:
            connection.close()
    except sqlite3.Error as error:
        problem = f"Its database cannot be read ({error})."
    return ProjectCard(card["id"], card["name"], card["task"], str(root), items, labelled, cover, opened, problem)
