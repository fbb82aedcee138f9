"""Check the data, beside the Data page: labels that look wrong and items that are there twice, each settled by a key."""

from __future__ import annotations

from functools import partial
from typing import Any

from studio.ui import shell
from studio.ui.pages import data
from studio.ui.widgets.check import Inspector, findings
from studio.workspace import Workspace

TITLE = "Check the data"
PATH = "check"

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

KEYS = "K keeps the one at hand, C changes its label, D drops it, ⌫ takes back; arrows move."
TAP = "Keep each, change its label or drop it."


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, data.PATH)
    shell.title(TITLE, KEYS, TAP)
    found = findings(Inspector(workspace))
    # the last edit counts: "once" would drop it while an earlier one is answered
    found.edit(partial(shell.header_html, workspace, data.PATH), None, header, trigger_mode="always_last", **QUIET)
