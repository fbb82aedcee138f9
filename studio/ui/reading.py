"""A model reads a project's items in the background, for whatever on a page needs that first."""

from __future__ import annotations

import time
from functools import partial

from studio.core.results.projects import Activity
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

RETRY_S = 300
"""After a reading that failed was begun, how long until it is tried again."""


def reading(workspace: Workspace, project: OpenProject, model: str) -> Activity | None:
    """The reading that has to end, or has just failed, before a model can choose among the items; begun here where it has to be.

    None: everything is read.
    """
    kind = f"reading/{project.id}/{model}"
    newest = workspace.activities.newest(kind)
    if newest is not None and newest.state == "running":
        return newest
    if project.picking.ready(model):
        return None
    if newest is not None and newest.state == "failed" and time.monotonic() - newest.started < RETRY_S:
        return newest
    title = f"{workspace.models.title(model)} reads the items"
    return workspace.activities.get(workspace.activities.start_once(kind, title, partial(project.picking.read, model)))
