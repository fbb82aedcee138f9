"""A progress bar with ETA for one activity; `finish` fires in the browser when it ends. It owns no activity."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from studio.core.results.projects import Activity
from studio.ui import theme
from studio.ui.answers import Answer, Payload, activity_json, answering, page_project
from studio.workspace import Workspace


def progress_panel(workspace: Workspace, find: Callable[[], Activity | None], elem_id: str) -> gr.HTML:
    """`find` gives the open project's activity to show now, or None. Give the component a new value to make it look again."""

    def activity(payload: Payload) -> Answer:
        project = page_project(workspace, payload)
        return {"project": project.id if project else None, "activity": activity_json(find())}

    return gr.HTML(
        html_template='<div class="st-activity" aria-live="polite"></div>',
        js_on_load=theme.script("dom", "activity"),
        server_functions=[answering(activity)],
        apply_default_css=False,
        elem_id=elem_id,
    )
