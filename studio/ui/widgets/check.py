"""What an audit found, one card each, and what the cards' script may ask of the open project."""

from __future__ import annotations

import gradio as gr

from studio.core.results.audit import Audit
from studio.ui import theme
from studio.ui.answers import (
    Answer,
    Payload,
    activity_json,
    answering,
    author,
    item_json,
    label_text,
    open_project,
    page_project,
    project_json,
    text,
)
from studio.workspace import Workspace
from studio.workspace.decisions import Decision
from studio.workspace.open_project import OpenProject

SHOWN = 50
"""Cards of a kind at once."""
LONGEST_SHOWN = 600
"""Characters of a text that travel to a card."""


class Inspector:
    """Answers the cards' script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def look(self, payload: Payload) -> Answer:
        """What is left to look at; `audit` is None before the first, `activity` is the one at work or the one that failed."""
        project = page_project(self.workspace, payload)
        if project is None:
            return {"project": None}
        activity = self.workspace.activities.newest(_kind(project))
        shown = activity is not None and activity.state in {"running", "failed"}
        found = project.auditing.last()
        return {
            "project": project_json(project),
            "all": project.labelling.counts().total,
            "activity": activity_json(activity) if shown else None,
            "audit": _audit(found) if found else None,
        }

    def start(self, payload: Payload) -> Answer:
        """Look at everything anew, in the background."""
        project = open_project(self.workspace, payload)
        work = start_check(self.workspace, project, project.model())
        return {"activity": activity_json(self.workspace.activities.get(work))}

    def settle(self, payload: Payload) -> Answer:
        """Keep, change or drop one finding."""
        project = open_project(self.workspace, payload)
        key, act, who = text(payload, "key", 1000), text(payload, "act", 10), author(self.workspace, payload)
        saw = label_text(project, payload, "saw") if payload.get("saw") is not None else None
        project.auditing.settle(key, act, who, saw)
        return {}

    def undo(self, payload: Payload) -> Answer:
        """Take back the person's newest decision."""
        return _decision(open_project(self.workspace, payload).auditing.undo(author(self.workspace, payload)))

    def redo(self, payload: Payload) -> Answer:
        """Do again what the person took back last."""
        return _decision(open_project(self.workspace, payload).auditing.redo(author(self.workspace, payload)))


def findings(inspector: Inspector) -> gr.HTML:
    """See `assets/js/check.js`. Triggers `edit` when something was decided."""
    return gr.HTML(
        html_template='<div class="ck"></div>',
        js_on_load=theme.script("dom", "cards", "check"),
        server_functions=[
            answering(f) for f in (inspector.look, inspector.start, inspector.settle, inspector.undo, inspector.redo)
        ],
        apply_default_css=False,
        elem_id="findings",
    )


def start_check(workspace: Workspace, project: OpenProject, model: str | None) -> str:
    """Look for what is there twice, and with a model for labels that look wrong, in the background; the activity."""
    return workspace.activities.start_once(
        _kind(project), "Checking the data", lambda progress: project.auditing.audit(model, progress)
    )


def _kind(project: OpenProject) -> str:
    return f"audit/{project.id}"


def _decision(decision: Decision | None) -> Answer:
    return {"key": decision.key, "stays": decision.stays} if decision else {"key": None}


def _audit(found: Audit) -> Answer:
    return {
        "doubts": [
            {"key": d.key, "item": _item(item_json(d.item)), "suggested": d.suggested, "probability": d.probability}
            for d in found.doubts[:SHOWN]
        ],
        "twins": [
            {
                "key": t.key,
                "items": [_item(item_json(t.first)), _item(item_json(t.second))],
                "likeness": t.likeness,
                "leak": t.leak,
            }
            for t in found.twins[:SHOWN]
        ],
        "n_doubts": len(found.doubts),
        "n_twins": len(found.twins),
        "leaks": found.leaks,
        "why_no_doubts": found.why_no_doubts,
        "settled": found.settled,
        "looked_at": found.looked_at,
    }


def _item(item: Answer) -> Answer:
    return {**item, "text": item["text"][:LONGEST_SHOWN] if item["text"] else None}
