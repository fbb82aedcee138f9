"""The Label page: one item at a time, large, with keys."""

from __future__ import annotations

import gradio as gr

from studio.ui import shell
from studio.ui.widgets.label import Desk, labeler
from studio.workspace import Workspace

TITLE = "Label"
PATH = "label"


KEYS = "Press 1–9 to label, Enter to take the model's answer, Space to skip, ⌫ to undo; ? shows all keys."
KEYS_OF_PAIRS = "Press 1 where picture and caption match, 2 where they do not, Space to skip, ⌫ to undo; ? shows all keys."


def heading(workspace: Workspace) -> str:
    """What the keys mean in the open project."""
    project = workspace.project()
    return shell.title_html(TITLE, KEYS_OF_PAIRS if project and not project.classifies else KEYS)


def build(workspace: Workspace) -> None:
    shell.header(workspace, PATH)
    shell.on_load(lambda: heading(workspace), outputs=gr.HTML(shell.title_html(TITLE), js_on_load=None))
    labeler(Desk(workspace))
