"""Groups, beside the Label page: items that look alike in a row, and one key for a row."""

from __future__ import annotations

from studio.ui import shell
from studio.ui.pages import label
from studio.ui.widgets.groups import Sorter, sorter
from studio.workspace import Workspace

TITLE = "Label in groups"
PATH = "groups"

KEYS = "Enter gives a row the class that stands beside it, a digit another, Space leaves it; click an item to take it out or in."
TAP = "Tap a class for the whole row; tap an item to take it out or in."


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, label.PATH)
    shell.title(TITLE, KEYS, TAP)
    rows = sorter(Sorter(workspace))
    shell.count_along(rows.edit, workspace, label.PATH, header)
