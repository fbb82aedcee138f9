"""What a page may do or show while another project is open than the one it shows: nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from studio.core.config import TrainConfig
from studio.core.errors import BadInput
from studio.settings import Settings
from studio.ui.answers import answering
from studio.ui.pages.compare import ComparePage
from studio.ui.pages.data import KEEP, Imports
from studio.ui.pages.train import TrainPage
from studio.ui.widgets.asking import AskingDesk
from studio.ui.widgets.grid import Browser
from studio.ui.widgets.label import Desk
from studio.ui.widgets.model_choice import AS_THE_RUN, NEWEST
from studio.ui.widgets.models import Shelf
from studio.ui.widgets.progress import progress_panel
from studio.ui.widgets.run_status import Monitor
from studio.ui.widgets.train_form import TrainForm
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

MODEL = "open_clip:ViT-B-32/laion2b_s34b_b79k"

FORM = TrainForm.values(TrainConfig())

ACTS: dict[str, Callable[[Workspace, str], Any]] = {
    "import": lambda w, shown: Imports(w).start(shown, "/pictures", None, KEEP, "", 20, "", "", "", ""),
    "train": lambda w, shown: TrainPage(w).start(shown, MODEL, "lora", *FORM),
    "reuse": lambda w, shown: TrainPage(w).reuse(gr.EventData(None, {"run": "run-1"}), shown),
    "keep": lambda w, shown: AskingDesk(w).keep(shown, {"rows": []}, "art of {}"),
    "example": lambda w, shown: AskingDesk(w).example(
        gr.EventData(None, {"id": 1}), shown, MODEL, NEWEST, "", 0, {"rows": []}, ""
    ),
    "compare": lambda w, shown: ComparePage(w).start(shown, MODEL, NEWEST, AS_THE_RUN, 0),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_page_left_open_from_another_project_cannot_act(workspace: Workspace, project: OpenProject, act: str) -> None:
    other = workspace.create_project("Another", "image-classification")
    templates = other.labelling.templates()
    with pytest.raises(BadInput, match=r"shows another project; open is 'Another'.*") as refused:
        ACTS[act](workspace, project.id)
    assert refused.value.hint == "Reload the page."
    assert (other.labelling.counts().total, other.labelling.templates(), other.training.runs()) == (0, templates, ())


def test_what_is_asked_on_such_a_page_is_refused_in_the_answers_place(workspace: Workspace, project: OpenProject) -> None:
    workspace.create_project("Another", "image-classification")
    said, _, _ = AskingDesk(workspace).answer({"image": b"x"}, project.id, MODEL, NEWEST, AS_THE_RUN, 0, {"rows": []}, "")
    assert "shows another project" in said


def test_a_model_is_not_chosen_for_another_project(workspace: Workspace, project: OpenProject) -> None:
    other = workspace.create_project("Another", "image-classification")
    answer = answering(Shelf(workspace).shelf_act)({"act": "use", "model": MODEL, "project": project.id})
    assert answer["ok"] is False and "another project" in answer["error"]
    assert other.model() is None


PARTS: dict[str, Callable[[Workspace], Callable[[Any], dict[str, Any]]]] = {
    "grid": lambda w: answering(Browser(w).browse),
    "runs": lambda w: answering(Monitor(w).since),
    "models": lambda w: answering(Shelf(w).shelf),
    "labelling": lambda w: answering(Desk(w).open_desk),
    "progress": lambda w: progress_panel(w, lambda: None, "progress").activity,
}


@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_a_page_goes_on_with_another_project(workspace: Workspace, project: OpenProject, part: str) -> None:
    ask, asked = PARTS[part](workspace), {"split": "", "label": "", "labelled": "", "search": "", "show": "all"}
    first = ask(asked)
    assert first["ok"] and project.id in str(first["project"])
    workspace.create_project("Another", "image-classification")
    later = ask({**asked, "project": project.id})
    assert later == {"ok": False, "error": "This page shows another project; open is 'Another'.", "hint": "Reload the page."}
    workspace.open_project(project.id)
    assert ask({**asked, "project": project.id})["project"] == first["project"]


def test_every_page_knows_which_project_it_shows(workspace: Workspace, project: OpenProject) -> None:
    shown = [page.on_load()[-1] for page in (TrainPage(workspace), ComparePage(workspace), AskingDesk(workspace))]
    assert [*shown, Imports(workspace).opened()[-1]] == [project.id] * 4


def test_what_another_process_opens_does_not_change_the_project_of_this_one(workspace: Workspace, project: OpenProject) -> None:
    elsewhere = Workspace(Settings(home=workspace.settings.home, offline=True))
    second = elsewhere.create_project("Second", "image-text")
    elsewhere.close()
    listed = json.loads((workspace.settings.home / "projects.json").read_text("utf-8"))
    assert listed[0]["path"] == str(second.path)
    current = workspace.project()
    assert current is not None and current.id == project.id
    workspace.forget_project(project.id)
    following = workspace.project()
    assert following is not None and following.id == second.id
