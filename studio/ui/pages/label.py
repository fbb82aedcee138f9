"""The Label page: one item at a time, large, with keys."""

from __future__ import annotations

from functools import partial
from typing import Any

from studio.ui import shell
from studio.ui.widgets.label import Desk, labeler
from studio.workspace import Workspace

TITLE = "Label"
PATH = "label"

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, PATH)
    keys = "Press 1–9 to label, Enter to take the model's answer, Space to skip, ⌫ to undo; ? shows all keys."
    shell.title("Label", keys, on_phone="Tap a class: it is saved, and the next item comes.")
    desk = labeler(Desk(workspace))
    # the last rest counts: "once" would drop it while an earlier one is answered
    desk.rest(partial(shell.header_html, workspace, PATH), None, header, trigger_mode="always_last", **QUIET)
