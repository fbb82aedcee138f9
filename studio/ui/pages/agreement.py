"""Agreement, beside the Label page: who labels, how far they agree, and the items of which they say different things."""

from __future__ import annotations

from studio.ui import shell
from studio.ui.pages import label
from studio.ui.widgets.agreement import Settler, settler
from studio.workspace import Workspace

TITLE = "Agreement"
PATH = "agreement"

KEYS = "A digit settles the item at hand as that class, 0 as none of them, ⌫ takes back; arrows move."
TAP = "Tap what each item is."


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, label.PATH)
    shell.title(TITLE, KEYS, TAP)
    settled = settler(Settler(workspace))
    shell.count_along(settled.edit, workspace, label.PATH, header)
