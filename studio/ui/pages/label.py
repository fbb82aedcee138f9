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
KEYS_OF_SEVERAL = (
    "Press 1–9 to choose classes or take them off, Enter for the next item, 0 for none of them, Space to skip, ⌫ to undo."
)
TAP = "Tap a class: it is saved, and the next item comes."
TAP_OF_SEVERAL = "Tap every class that it is of: each is saved. Then tap Next item."
TAP_OF_PAIRS = "Tap whether picture and caption match: it is saved, and the next pair comes."


def heading(workspace: Workspace) -> str:
    """What the keys mean in the open project."""
    project = workspace.project()
    keys, tap = (KEYS_OF_PAIRS, TAP_OF_PAIRS) if project and not project.classifies else (KEYS, TAP)
    if project and project.several:
        keys, tap = KEYS_OF_SEVERAL, TAP_OF_SEVERAL
    return shell.title_html(TITLE, keys, tap)


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, PATH)
    shell.on_load(lambda: heading(workspace), outputs=gr.HTML(shell.title_html(TITLE), js_on_load=None))
    desk = labeler(Desk(workspace))
    shell.count_along(desk.rest, workspace, PATH, header)
