"""Rows of items that look alike, and what their script may ask of the open project."""

from __future__ import annotations

import gradio as gr

from studio.core.errors import BadInput
from studio.core.results.answers import Group
from studio.ui import theme
from studio.ui.answers import (
    Answer,
    Payload,
    activity_json,
    answering,
    author,
    class_json,
    integers,
    item_json,
    label_text,
    open_project,
    page_project,
    project_json,
)
from studio.ui.reading import reading
from studio.workspace import Workspace

ROWS = 12
LARGEST = 24
"""Items in a row at most."""
LONGEST_SHOWN = 300
"""Characters of a text that travel to a row."""


class Sorter:
    """Answers the rows' script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def rows(self, payload: Payload) -> Answer:
        """Rows of what has no label yet; while the model still reads the items, its `activity`; why there can be none."""
        project = page_project(self.workspace, payload)
        if project is None:
            return {"project": None}
        model, counts = project.model(), project.labelling.counts()
        found: Answer = {
            "project": project_json(project),
            "classes": [class_json(c) for c in project.labelling.classes()],
            "left": counts.by_split["train"] - counts.labelled_by_split["train"],
            "all": counts.total,
            "rows": [],
        }
        if not project.classifies or model is None:
            why = (
                "Groups are for items that get a class."
                if not project.classifies
                else "Choose a model: it finds what looks alike."
            )
            return {**found, "why": why}
        first = reading(self.workspace, project, model)
        if first is not None:
            return {**found, "activity": activity_json(first)}
        return {**found, "rows": [_row(group) for group in project.picking.groups(model, ROWS, LARGEST)]}

    def give(self, payload: Payload) -> Answer:
        """The class `name` for those of the `items` of which nobody has said anything by now, in one act."""
        project = open_project(self.workspace, payload)
        name = label_text(project, payload, "name")
        items = [project.labelling.item(number) for number in integers(payload, "items", LARGEST)]
        if not items:
            raise BadInput("Every item of this row is taken out.", "Take some in again, or leave the row with Space.")
        said = project.labelling.done_among([item.id for item in items])
        given = {item.id: name for item in items if item.id not in said}
        # they were shown without a label: whoever gives one at this moment is not overruled
        events = project.labelling.label_each(given, author(self.workspace, payload), dict.fromkeys(given))
        disputed = sum(event.stance == "aside" for event in events)
        return {"changed": len(events), "items": [event.item for event in events], "disputed": disputed}

    def undo(self, payload: Payload) -> Answer:
        """Take back the newest act, as Undo on the Label page does."""
        events = open_project(self.workspace, payload).labelling.undo(author(self.workspace, payload))
        return {"items": [event.item for event in events]}

    def redo(self, payload: Payload) -> Answer:
        """Do again what was taken back last."""
        events = open_project(self.workspace, payload).labelling.redo(author(self.workspace, payload))
        return {"items": [event.item for event in events]}


def sorter(desk: Sorter) -> gr.HTML:
    """See `assets/js/groups.js`. Triggers `edit` when labels were given."""
    return gr.HTML(
        html_template='<div class="gp"></div>',
        js_on_load=theme.script("dom", "groups"),
        server_functions=[answering(f) for f in (desk.rows, desk.give, desk.undo, desk.redo)],
        apply_default_css=False,
        elem_id="sorter",
    )


def _row(group: Group) -> Answer:
    items = [item_json(item) for item in group.items]
    return {
        "items": [{**item, "text": item["text"][:LONGEST_SHOWN] if item["text"] else None} for item in items],
        "label": group.label,
        "probability": group.probability,
        "others": sorted(group.others),
    }
