"""The grid of items on the Data page: one page at a time, by key or as a model ranks them, and labels for many items at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import gradio as gr

from studio.core.errors import BadInput
from studio.core.results.answers import Hit
from studio.core.results.projects import Counts
from studio.core.types import NONE_OF_THESE, SPLITS, Item, ItemFilter, Split
from studio.ui import theme
from studio.ui.answers import (
    LONGEST_SET,
    Answer,
    Payload,
    activity_json,
    answering,
    author,
    class_json,
    integer,
    integers,
    item_json,
    open_project,
    page_project,
    project_json,
    text,
)
from studio.ui.reading import reading
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

PAGE, MOST_SHOWN = 60, 200
"""Items at once: on a phone, and at most."""

MOST_CHOSEN = 10_000
"""Items that can be named one by one."""
BY = ("suggested", "like")
"""How a model ranks items: by the probability of a class, by their likeness to a text."""

LABELLED = {
    "": ItemFilter(),
    "yes": ItemFilter(labelled=True),
    "no": ItemFilter(labelled=False, none=False),
    "none": ItemFilter(none=True),
    "skipped": ItemFilter(labelled=False, skipped=True),
    "noted": ItemFilter(noted=True),
}

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
        counts = project.labelling.counts()
        return {
            "project": project_json(project),
            "ranks": project.classifies and project.model() is not None,
            "limit": _limit(payload),
            **(self._ranked(project, payload) if payload.get("by") else _found(project, payload)),
            "all": counts.total,
            "splits": _splits(counts),
            "classes": [class_json(c) for c in project.labelling.classes()],
            "none": project.labelling.of_none(),
        }

    def label_each(self, payload: Payload) -> Answer:
        """The class `name`, or none, for the `items`, or for all that match the filter where `items` is None."""
        project = open_project(self.workspace, payload)
        name = text(payload, "name", 200) if payload.get("name") is not None else None
        who, items = author(self.workspace, payload), payload.get("items")
        if items is None and not payload.get("by"):
            wanted = _filter(project, payload) if name is None else _offered(project, payload)
            return {"changed": len(project.labelling.label_matching(wanted, name, who))}
        if items is None:
            given = dict.fromkeys((hit.item.id for hit in self._hits(project, payload, MOST_CHOSEN, 0)[0]), name)
        else:
            given = dict.fromkeys(integers(payload, "items", MOST_CHOSEN), name)
        events = project.labelling.label_each(given, who, _shown_with(payload, tuple(given)))
        return {"changed": len(events), "disputed": sum(event.stance == "aside" for event in events)}

    def undo(self, payload: Payload) -> Answer:
        """Take back the newest act, as Undo on the Label page does."""
        return {"changed": len(open_project(self.workspace, payload).labelling.undo(author(self.workspace, payload)))}

    def redo(self, payload: Payload) -> Answer:
        """Do again what was taken back last."""
        return {"changed": len(open_project(self.workspace, payload).labelling.redo(author(self.workspace, payload)))}

    def _ranked(self, project: OpenProject, payload: Payload) -> Answer:
        """One page of the unlabelled training items as the model ranks them; while it still reads them, its `activity`."""
        skip = integer(payload, "after") if payload.get("after") is not None else 0
        first = reading(self.workspace, project, _ranking(project, payload)[1])
        if first is not None:
            return {"items": [], "after": None, "total": 0, "activity": activity_json(first)}
        hits, total = self._hits(project, payload, _limit(payload), skip)
        after = skip + len(hits) if skip + len(hits) < total else None
        return {"items": [{**_shown(hit.item), "score": hit.score} for hit in hits], "after": after, "total": total}

    def _hits(self, project: OpenProject, payload: Payload, n: int, skip: int) -> tuple[tuple[Hit, ...], int]:
        by, model = _ranking(project, payload)
        if by == "suggested":
            least = integer(payload, "least") / 100
            return project.picking.suggested(model, text(payload, "label", 200), least, n, skip)
        wanted = text(payload, "like", 500).strip()
        return project.picking.alike(model, wanted, n, skip) if wanted else ((), 0)


def grid(browser: Browser) -> gr.HTML:
    """See `assets/js/grid.js`. Give it a new value to make it load again. Triggers `edit` when labels were given."""
    return gr.HTML(
        html_template='<div class="gd"></div>',
        js_on_load=theme.script("dom", "selection", "grid"),
        server_functions=[answering(f) for f in (browser.browse, browser.label_each, browser.undo, browser.redo)],
        apply_default_css=False,
        elem_id="grid",
    )


def _ranking(project: OpenProject, payload: Payload) -> tuple[str, str]:
    """(how the model ranks, the model)."""
    by, model = text(payload, "by", 10), project.model()
    if by not in BY or model is None or not project.classifies:
        raise BadInput("A model has to be chosen for that, and the items have to have classes.", "Choose one on Models.")
    return by, model


def _found(project: OpenProject, payload: Payload) -> Answer:
    """One page of what matches the filter."""
    after = integer(payload, "after") if payload.get("after") is not None else None
    page = project.labelling.page(_filter(project, payload), after=after, limit=_limit(payload))
    return {"items": [_shown(item) for item in page.items], "after": page.after, "total": page.total}


def _shown_with(payload: Payload, items: Sequence[int]) -> dict[int, str | None]:
    """{item: the label that the page showed}, where it says so of each."""
    saw = payload.get("saw")
    if payload.get("items") is None or saw is None:
        return {}
    if not isinstance(saw, list) or len(saw) != len(items):
        raise BadInput("saw has to be a list, one label an item.", "Reload the page.")
    return {item: None if one is None else text({"saw": one}, "saw", LONGEST_SET) for item, one in zip(items, saw, strict=True)}


def _limit(payload: Payload) -> int:
    return max(1, min(integer(payload, "limit"), MOST_SHOWN)) if payload.get("limit") is not None else PAGE


def _shown(item: Item) -> Answer:
    found = item_json(item)
    return {**found, "text": found["text"][:LONGEST_SHOWN] if found["text"] else None}


def _filter(project: OpenProject, payload: Payload) -> ItemFilter:
    labelled = text(payload, "labelled", 10)
    if labelled not in LABELLED:
        raise BadInput("This filter is unknown.", "Reload the page.")
    found = replace(
        LABELLED[labelled],
        split=_split(text(payload, "split", 5)),
        label=text(payload, "label", 200) or None,
        search=text(payload, "search", 500),
    )
    # that is a label where items may be of several classes, and nothing has it beside a class
    return replace(found, none=None, label=NONE_OF_THESE) if project.several and found.none and not found.label else found


def _offered(project: OpenProject, payload: Payload) -> ItemFilter:
    """As `_filter`; what was skipped, dropped or is of no class gets a label only where somebody asks for just that."""
    found = _filter(project, payload)
    return replace(found, skipped=False) if not (found.labelled or found.skipped or found.none) else found


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
