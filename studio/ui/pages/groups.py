"""Groups, beside the Label page: items that look alike in a row, and one key for a row."""

from __future__ import annotations

from functools import partial
from typing import Any

from studio.ui import shell
from studio.ui.pages import label
from studio.ui.widgets.groups import Sorter, sorter
from studio.workspace import Workspace

TITLE = "Label in groups"
PATH = "groups"

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

KEYS = "Enter gives a row the class that stands beside it, a digit another, Space leaves it; click an item to take it out or in."
TAP = "Tap a class for the whole row; tap an item to take it out or in."


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, label.PATH)
    shell.title(TITLE, KEYS, TAP)
    rows = sorter(Sorter(workspace))
    # the last edit counts: "once" would drop it while an earlier one is answered
    rows.edit(partial(shell.header_html, workspace, label.PATH), None, header, trigger_mode="always_last", **QUIET)
