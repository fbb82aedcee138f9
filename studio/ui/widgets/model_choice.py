"""Which models and runs a page offers: what is loaded, what lies on this machine, the project's own choice; how to get one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from studio.core.errors import BadInput
from studio.core.types import RunSnapshot
from studio.ui import shell
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

NEWEST = ""
"""The choice of a run that follows the newest finished one: of a search's trials, what it chose."""

SHOTS: list[tuple[str, int]] = [("All", 0), *((str(k), k) for k in (1, 2, 4, 8, 16, 32, 64))]
"""Labels per class that are offered; 0 stands for all."""

AS_THE_RUN = "run"
"""The choice of few-shot labels that gives few-shot what the run had."""

FEW_SHOT: list[tuple[str, int | str]] = [("As the run", AS_THE_RUN), *SHOTS]

Choices = list[tuple[str, str]]


def offered_models(workspace: Workspace, project: OpenProject, *more: str) -> Choices:
    """(title, id) of loaded models first, then local ones that can do the task, then the project's own and `more`."""
    loaded = [info.id for info in workspace.models.loaded()]
    local = [entry.id for entry in workspace.models.catalog(project.task) if entry.local]
    used = [run.model for run in project.training.runs()]
    ids = dict.fromkeys([*loaded, *local, *filter(None, [project.model(), *more]), *used])
    return [(workspace.models.title(name) + (" (loaded)" if name in loaded else ""), name) for name in ids]


def check_offered(workspace: Workspace, project: OpenProject, model: str | None) -> None:
    """Raise BadInput for a model that the page did not offer: what arrives may come from a stranger."""
    offered = {name for _, name in offered_models(workspace, project)}
    if not model or workspace.models.check(model) not in offered:
        raise BadInput("This model is not on the list.", "Choose one of the list, or add it on the Models page.")


def model_choices(workspace: Workspace, project: OpenProject, *more: str) -> tuple[Choices, str | None]:
    """The choices, and the one to show at first: the project's, else the first."""
    choices = offered_models(workspace, project, *more)
    return choices, project.model() or (choices[0][1] if choices else None)


def model_notice(workspace: Workspace) -> None:
    """Where no model can be chosen on this page, how to get one; else nothing. Looks on each load."""
    notice = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="no-model")
    shell.on_load(lambda: how_to_get_one(workspace), outputs=notice)


def how_to_get_one(workspace: Workspace) -> str:
    """As HTML; empty while no project is open, and where there is a model to choose."""
    project = workspace.project()
    if project is None or offered_models(workspace, project):
        return ""
    return f'<p class="md-advice">{escape(workspace.models.advice(project.task))} <a href="/models">Go to Models</a></p>'


def run_choices(runs: Sequence[RunSnapshot], model: str | None) -> Choices:
    """Finished runs with this model, newest first, after the choice that follows the newest."""
    choices = [("Newest finished", NEWEST)]
    for run in runs:
        if run.has_adapter and run.tunes and run.model == model:
            score = f" · {100 * run.accuracy:.1f} % validation" if run.accuracy is not None else ""
            kind = " · a trial" if run.trial else ""
            early = "" if run.whole else f" · {run.step} of {run.total} steps"
            choices.append((f"{run.id.replace('run-', 'Run ')}{score}{kind}{early}", run.id))
    return choices


def whole(value: Any) -> int:
    """A whole number from 0 that a field sent; an empty field is 0. Raises BadInput."""
    try:
        number = float(value or 0)
    except (TypeError, ValueError):
        number = -1.0
    if number < 0 or not number.is_integer():
        raise BadInput(f"{value!r} is not a whole number from 0.", "Correct it.")
    return int(number)


def few_shot(shots: Any, seed: Any) -> tuple[int | None, int | None]:
    """(shots, seed) as the façade takes them: None where few-shot has what the run had. Raises BadInput."""
    return (None, None) if shots == AS_THE_RUN else (whole(shots), whole(seed))
