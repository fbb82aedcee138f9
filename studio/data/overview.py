"""What the start page shows of a project without opening it: one short read of its database. Writes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from studio.core.errors import ProjectError
from studio.core.results.projects import ProjectCard
from studio.data.content import SHA256, shown
from studio.data.foreign import read_only, refuse_strange
from studio.data.project import read_card

QUOTED = 120
"""Letters of a text that a card has room for."""
LONGEST_S = 2.0
"""That is waited for one project."""


def overview(root: Path, opened: float) -> ProjectCard:
    """The card of the project in `root`; its `problem` says why it cannot be read, if so."""
    try:
        card = read_card(root)
    except ProjectError as error:
        return ProjectCard(str(root), root.name, "", str(root), 0, 0, None, opened, str(error))
    items = labelled = 0
    cover = quote = problem = score = None
    until = time.monotonic() + LONGEST_S
    try:
        with closing(read_only(root / "studio.db", timeout=1.0)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
            refuse_strange(connection, root / "studio.db")
            counted = connection.execute(
                "SELECT coalesce(sum(n), 0), coalesce(sum(CASE WHEN class <> 0 THEN n END), 0) FROM counters"
            ).fetchone()
            items, labelled = map(int, counted)
            row = connection.execute("SELECT content FROM items ORDER BY id LIMIT 1").fetchone()
            first = json.loads(row[0]) if row else {}
            quote = shown(first.get("text", ""))[:QUOTED] or None
            cover = first["image"] if SHA256.fullmatch(first.get("image", "")) else None
            row = connection.execute("SELECT value FROM meta WHERE key = 'comparison'").fetchone()
            score = _score(json.loads(row[0])) if row else None
    except ProjectError as error:
        problem = str(error)
    except Exception as error:  # whatever is in one project, the others are listed
        problem = f"Its database cannot be read ({str(error)[:200]})."
    return ProjectCard(card["id"], card["name"], card["task"], str(root), items, labelled, cover, opened, problem, score, quote)


def _score(comparison: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of the method that was chosen without these items; of pairs, which have one way to learn, fine-tuned where there is it.

    None for what another version stored.
    """
    try:
        by_method = {score["method"]: score for score in comparison["scores"]}
        chosen = (comparison.get("best") or {}).get("rung", "lora")
        found = by_method.get(chosen) or by_method["zero_shot"]
        recall = found.get("recall")
        value = float(found["accuracy"] if recall is None else recall["image_to_text@1"])
        title = found["title"]
        sound = isinstance(title, str) and 0 <= value <= 1
        return {"method": shown(title), "value": value, "measure": _measure(recall, comparison)} if sound else None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _measure(recall: object, comparison: Mapping[str, Any]) -> str:
    if recall is not None:
        return "recall@1"
    return "exact match" if comparison.get("several") else "accuracy"
