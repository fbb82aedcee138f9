"""The grid of items on the Data page: one page at a time, by key, with filters, search and counts. Changes nothing."""

from __future__ import annotations

from typing import get_args

import gradio as gr

from studio.core.errors import BadInput
from studio.core.results.projects import Counts
from studio.core.types import SPLITS, ItemFilter, Split
from studio.ui import theme
from studio.ui.answers import Answer, Payload, answering, class_json, integer, item_json, page_project, project_json, text
from studio.workspace import Workspace

PAGE = 60

LABELLED = {"": None, "yes": True, "no": False}

LONGEST_SHOWN = 2000
"""Characters of a text that travel to the grid."""


class Browser:
    """Answers the grid's script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def browse(self, payload: Payload) -> Answer:
        """One page of what matches; `project` is None where none is open."""
        project = page_project(self.workspace, payload)
        if project is None:
            return {"project": None}
        after = integer(payload, "after") if payload.get("after") is not None else None
        page = project.labelling.page(_filter(payload), after=after, limit=PAGE)
        counts = project.labelling.counts()
        items = [item_json(item) for item in page.items]
        for item in items:
            item["text"] = item["text"][:LONGEST_SHOWN] if item["text"] else None
        return {
            "project": project_json(project),
            "items": items,
            "after": page.after,
            "total": page.total,
            "limit": PAGE,
            "all": counts.total,
            "splits": _splits(counts),
            "classes": [class_json(c) for c in project.labelling.classes()],
        }


def grid(browser: Browser) -> gr.HTML:
    """See `assets/js/grid.js`. Give it a new value to make it load again."""
    return gr.HTML(
        html_template='<div class="gd"></div>',
        js_on_load=theme.script("dom", "grid"),
        server_functions=[answering(browser.browse)],
        apply_default_css=False,
        elem_id="grid",
    )


def _filter(payload: Payload) -> ItemFilter:
    labelled = text(payload, "labelled", 3)
    if labelled not in LABELLED:
        raise BadInput("This filter is unknown.", "Reload the page.")
    return ItemFilter(
        split=_split(text(payload, "split", 5)),
        label=text(payload, "label", 200) or None,
        labelled=LABELLED[labelled],
        search=text(payload, "search", 500),
    )


def _split(name: str) -> Split | None:
    for split in get_args(Split):
        if name == split:
            return split  # type: ignore[no-any-return]
    if name:
        raise BadInput(f"There is no split {name!r}.", f"Known: {', '.join(SPLITS)}.")
    return None


def _splits(counts: Counts) -> dict[str, dict[str, int]]:
    return {
        split: {"items": counts.by_split.get(split, 0), "labelled": counts.labelled_by_split.get(split, 0)}
        for split in SPLITS
        if counts.by_split.get(split, 0)
    }
