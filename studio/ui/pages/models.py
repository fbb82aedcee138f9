"""The Models page: choose what this project is tuned from, load and unload."""

from __future__ import annotations

from studio.ui import shell
from studio.ui.widgets.models import Shelf, model_shelf
from studio.workspace import Workspace

TITLE = "Models"
PATH = "models"


def build(workspace: Workspace) -> None:
    header = shell.header(workspace, PATH)
    shell.title("Models", "Choose what this project starts from. Loading goes on when you leave the page.")
    view = model_shelf(Shelf(workspace))
    view.finish(
        lambda: shell.header_html(workspace, PATH), None, header, queue=False, show_progress="hidden", api_visibility="private"
    )
