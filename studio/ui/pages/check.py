"""Check the data, beside the Data page: labels that look wrong and items that are there twice, each settled by a key."""

from __future__ import annotations

from studio.ui import shell
from studio.ui.pages import data
from studio.ui.widgets.check import Inspector, findings
from studio.workspace import Workspace

TITLE = "Check the data"
PATH = "check"

KEYS = "K keeps the one at hand, C changes its label, D drops it, ⌫ takes back; arrows move."
TAP = "Keep each, change its label or drop it."


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, data.PATH)
    shell.title(TITLE, KEYS, TAP)
    found = findings(Inspector(workspace))
    shell.count_along(found.edit, workspace, data.PATH, header)
