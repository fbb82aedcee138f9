"""Who agrees with whom, and cards of what is disputed; what their script may ask of the open project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import gradio as gr

from studio.core.results.people import Dispute, Kappa
from studio.core.types import NONE_OF_THESE, LabelEvent
from studio.ui import theme
from studio.ui.answers import (
    Answer,
    Payload,
    answering,
    author,
    class_json,
    integer,
    item_json,
    label_text,
    open_project,
    page_project,
    project_json,
    seen_author,
)
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

SHOWN = 30
"""Cards at once."""
WORDS = ((0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))
"""Names of kappa's ranges, each up to its number, as Landis & Koch (1977) have them."""


class Settler:
    """Answers the page's script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def look(self, payload: Payload) -> Answer:
        """Everything that the page shows; `project` is None where none is open."""
        project = page_project(self.workspace, payload)
        if project is None:
            return {"project": None}
        found, asked = project.people.agreement(), project.people.second_opinions()
        return {
            "project": project_json(project),
            "author": seen_author(self.workspace, payload),
            "people": [asdict(person) for person in found.people],
            "pairs": [{"one": one, "other": other, **_kappa(kappa)} for (one, other), kappa in found.pairs.items()],
            "together": None if found.all is None else _kappa(found.all),
            "confused": [{"one": one, "other": other, "n": n} for one, other, n in found.confused[:8]],
            "disputes": found.disputes,
            "cards": [_card(dispute) for dispute in project.people.disputed(limit=SHOWN)],
            "classes": [class_json(c) for c in project.labelling.classes()],
            "asked": asdict(asked),
        }

    def settle(self, payload: Payload) -> Answer:
        """Say what a disputed item is."""
        project = open_project(self.workspace, payload)
        project.people.settle(integer(payload, "item"), label_text(project, payload, "label"), author(self.workspace, payload))
        return {}

    def undo(self, payload: Payload) -> Answer:
        """Take back the person's newest act, as Undo on the Label page does."""
        project = open_project(self.workspace, payload)
        return _changed(project, project.labelling.undo(author(self.workspace, payload)))

    def redo(self, payload: Payload) -> Answer:
        """Do again what the person took back last."""
        project = open_project(self.workspace, payload)
        return _changed(project, project.labelling.redo(author(self.workspace, payload)))

    def ask_twice(self, payload: Payload) -> Answer:
        """How many people label one item, of how many in a hundred."""
        project = open_project(self.workspace, payload)
        return asdict(project.people.ask_twice(integer(payload, "people"), integer(payload, "percent") / 100))


def settler(behind: Settler) -> gr.HTML:
    """See `assets/js/agreement.js`. Triggers `edit` when something was settled."""
    return gr.HTML(
        html_template='<div class="ag"></div>',
        js_on_load=theme.script("dom", "cards", "agreement"),
        server_functions=[answering(f) for f in (behind.look, behind.settle, behind.undo, behind.redo, behind.ask_twice)],
        apply_default_css=False,
        elem_id="agreement",
    )


def _changed(project: OpenProject, events: Sequence[LabelEvent]) -> Answer:
    names = [project.labelling.item(event.item).name for event in events[:3]]
    return {"items": [event.item for event in events[:SHOWN]], "names": names + ["…"] * (len(events) > 3)}


def _kappa(kappa: Kappa) -> Answer:
    words = None if kappa.value is None else next((word for most, word in WORDS if kappa.value <= most), "almost perfect")
    return {**asdict(kappa), "words": "none beyond chance" if kappa.value is not None and kappa.value <= 0 else words}


def _card(dispute: Dispute) -> Answer:
    item = item_json(dispute.item)
    said = [{"author": opinion.author, "said": opinion.said} for opinion in dispute.opinions]
    choices = list(dict.fromkeys(opinion.said for opinion in dispute.opinions if opinion.said != NONE_OF_THESE))
    return {"item": {**item, "text": (item["text"] or "")[:600] or None}, "said": said, "choices": choices}
