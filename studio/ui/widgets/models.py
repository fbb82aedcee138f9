"""The shelf of models as the page shows it: what is offered, loaded and used, and the acts on it."""

from __future__ import annotations

import gradio as gr

from studio.core.errors import BadInput
from studio.core.interfaces import Progress
from studio.core.results.projects import Activity, CatalogEntry
from studio.core.types import ModelInfo
from studio.ui import theme
from studio.ui.answers import Answer, Payload, activity_json, answering, newest, open_project, page_project, project_json, text
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

LONGEST_ID = 1000


class Shelf:
    """Answers the script of the Models page."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._newest: str | None = None  # activity of the newest loading

    def shelf(self, payload: Payload) -> Answer:
        """Every model that can be chosen for the open project, and every one that is loaded or used."""
        project, shelf = page_project(self.workspace, payload), self.workspace.models
        used = project.model() if project else None
        offered = {entry.id: _offer(entry) for entry in shelf.catalog(project.task if project else None)}
        for info in shelf.loaded():
            offered.setdefault(info.id, self._unlisted(info.id, info.modalities)).update(loaded=True, detail=_detail(info))
        if used:
            offered.setdefault(used, self._unlisted(used, ())).update(used=True)
        return {
            "project": project_json(project) if project else None,
            "offline": self.workspace.settings.offline,
            "forms": shelf.forms(),
            "advice": shelf.advice(project.task) if project else "",
            "models": sorted(offered.values(), key=lambda m: (not m["used"], not m["loaded"])),
            "activity": activity_json(self._activity()),
        }

    def shelf_act(self, payload: Payload) -> Answer:
        """`use` (for the open project, which the payload names, loading it), `load` or `unload`."""
        model = self.workspace.models.check(text(payload, "model", LONGEST_ID).strip())
        match payload.get("act"):
            case "use":
                self._load(model, open_project(self.workspace, payload))
                return {"words": ""}
            case "load":
                self._load(model)
                return {"words": ""}
            case "unload":
                self.workspace.models.unload(model)
                return {"words": "Unloaded; its memory is free."}
        raise BadInput("The page asked for something unknown.", "Reload the page.")

    def _load(self, model: str, user: OpenProject | None = None) -> None:
        """Load it where it is not; then, and only if that worked, `user` uses it."""
        if model in {info.id for info in self.workspace.models.loaded()}:
            if user is not None:
                user.choose_model(model)
            self._newest = None
            return
        running = self._activity()
        if running is not None and running.state == "running":
            raise BadInput(f"{running.title}: one at a time.", "Wait for its end.")

        def work(progress: Progress) -> None:
            self.workspace.models.load(model, progress)
            if user is not None:
                user.choose_model(model)

        self._newest = self.workspace.activities.start("load", f"Loading {self.workspace.models.title(model)}", work)

    def _unlisted(self, model: str, modalities: tuple[str, ...]) -> Answer:
        title, known = self.workspace.models.title(model), self.workspace.models.entry(model)
        return _offer(known or CatalogEntry(model, title, modalities, 0, "", "A model of your own choice.", True))

    def _activity(self) -> Activity | None:
        return newest(self.workspace, self._newest)


def model_shelf(shelf: Shelf) -> gr.HTML:
    """See `assets/js/models.js`. Fires `finish` when something changed."""
    return gr.HTML(
        html_template='<div class="md"></div>',
        js_on_load=theme.script("dom", "models"),
        server_functions=[answering(shelf.shelf), answering(shelf.shelf_act)],
        apply_default_css=False,
        elem_id="models",
    )


def _offer(entry: CatalogEntry) -> Answer:
    return {
        "id": entry.id,
        "title": entry.title,
        "modalities": list(entry.modalities),
        "download_mb": entry.download_mb,
        "licence": entry.licence,
        "good_for": entry.good_for,
        "local": entry.local,
        "loaded": False,
        "used": False,
        "detail": "",
    }


def _detail(info: ModelInfo) -> str:
    return f"{info.parameters / 1e6:,.0f} M parameters · {info.dim} numbers a feature"
