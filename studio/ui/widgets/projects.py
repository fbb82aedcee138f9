"""The list of projects on the start page: open one, take one off the list."""

from __future__ import annotations

import gradio as gr

from studio.ui import theme
from studio.ui.answers import Answer, Payload, answering, text
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

LONGEST_PATH = 4096


class Projects:
    """Answers the start page's script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def projects(self, payload: Payload) -> Answer:
        """Known projects, the one opened last first, and the path of the open one."""
        titles = dict(self.workspace.tasks())
        now = self.workspace.project()
        cards = [
            {
                "id": card.id,
                "name": card.name,
                "task_title": titles.get(card.task, card.task),
                "path": card.path,
                "items": card.items,
                "labelled": card.labelled,
                "cover": card.cover,
                "quote": card.quote,
                "problem": card.problem,
                "score": dict(card.score) if card.score else None,
            }
            for card in self.workspace.projects()
        ]
        return {"projects": cards, "open": now.path if now else None}

    def open_one(self, payload: Payload) -> Answer:
        """Open a project of the list, by its path; where to go then."""
        return {"href": href_of(self.workspace.open_project(text(payload, "path", LONGEST_PATH)))}

    def forget(self, payload: Payload) -> Answer:
        self.workspace.forget_project(text(payload, "path", LONGEST_PATH))
        return {}


def project_list(projects: Projects) -> gr.HTML:
    """See `assets/js/start.js`. Fires `changed` when the list changed."""
    return gr.HTML(
        html_template='<div class="sp"></div>',
        js_on_load=theme.script("dom", "start"),
        server_functions=[answering(f) for f in (projects.projects, projects.open_one, projects.forget)],
        apply_default_css=False,
        elem_id="projects",
    )


def href_of(project: OpenProject) -> str:
    """The page to go on with: Data while there is nothing, Label after, but for pairs, which need no labels."""
    if not project.labelling.counts().total:
        return "/data"
    if project.classifies:
        return "/label"
    return "/train" if project.model() else "/models"
