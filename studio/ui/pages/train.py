"""The Train page: settings on the left, the truth about the runs on the right."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.core.errors import BadInput, NotFound, StudioError
from studio.ui import shell
from studio.ui.widgets.model_choice import model_choices, offered_models
from studio.ui.widgets.plan import not_a_plan, plan_summary
from studio.ui.widgets.run_status import LONGEST_ID, Monitor, run_monitor
from studio.ui.widgets.train_form import FIELDS, METHODS, TrainForm
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from studio.workspace.training import TrainPlan

TITLE = "Train"
PATH = "train"

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


class TrainPage:
    """The page's handlers. Every list of outputs is: model, method, the form's fields, then `shown`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def project(self) -> OpenProject:
        project = self.workspace.project()
        if project is None:
            raise NotFound("No project is open.", "Open one on the first page.")
        return project

    def on_load(self) -> list[Any]:
        """The chosen model's preset; nothing to fill in while no project is open."""
        project = self.workspace.project()
        if project is None:
            return [gr.update(visible=False), *[gr.skip()] * (2 + FIELDS), *unplannable("")]
        choices, value = model_choices(self.workspace, project)
        method, *rest = self.preset(value, "lora")[1:]
        # pairs have no classes to take labels of
        rest[0] = gr.update(visible=not project.fixed_classes, **({"value": rest[0]} if isinstance(rest[0], int) else {}))
        return [gr.update(visible=True), gr.update(choices=choices, value=value), method, *rest]

    def preset(self, model: str | None, method: str) -> list[Any]:
        """The fields at this model's and method's defaults."""
        if not model:
            return [
                gr.skip(),
                method,
                *[gr.skip()] * FIELDS,
                *unplannable("Choose a model first. There is a list on the Models page."),
            ]
        try:
            plan = self.project().training.plan(model, method)
        except StudioError as error:
            return [gr.skip(), method, *[gr.skip()] * FIELDS, *unplannable(str(error))]
        return [gr.skip(), method, *TrainForm.values(plan.config), *shown(plan, method)]

    def replan(self, model: str | None, method: str, *values: Any) -> list[Any]:
        """What these settings would do. Half-typed ones are said beside the button, not as a toast."""
        if not model:
            return unplannable("Choose a model first. There is a list on the Models page.")
        try:
            return shown(self.project().training.plan(model, method, TrainForm.settings(values)), method)
        except StudioError as error:
            return unplannable(str(error))

    def start(self, model: str, method: str, *values: Any) -> dict[str, str]:
        """Queue the run and show it."""
        project = self.project()
        if model not in {name for _, name in offered_models(self.workspace, project)}:
            raise BadInput("This model is not on the list.", "Choose one of the list, or add it on the Models page.")
        run = project.training.start(model, method, TrainForm.settings(values))
        project.choose_model(model)
        return {"run": run}

    def reuse(self, event: gr.EventData) -> list[Any]:
        """The form as that run had it."""
        run = event._data.get("run") if isinstance(event._data, dict) else None
        if not isinstance(run, str) or len(run) > LONGEST_ID:
            raise BadInput("The page named no run.", "Reload the page.")
        project = self.project()
        model, method, settings = project.training.settings_of(run)
        plan = project.training.plan(model, method, settings)
        choices = model_choices(self.workspace, project, model)[0]
        gr.Info("The form now has that run's settings. Change what you like, then press Start.", duration=5)
        return [gr.update(choices=choices, value=model), method, *TrainForm.values(plan.config), *shown(plan, method)]


def shown(plan: TrainPlan, method: str) -> list[Any]:
    """Summary, Start button, command line, visibility of what only LoRA has."""
    lora_only = gr.update(visible=method == "lora")
    return [plan_summary(plan), gr.update(interactive=plan.why_not is None), plan.command, lora_only]


def unplannable(why: str) -> list[Any]:
    return [not_a_plan(why) if why else "", gr.update(interactive=False), "", gr.skip()]


def build(workspace: Workspace) -> None:
    page = TrainPage(workspace)
    shell.header(workspace, PATH)
    shell.title("Train", "In the background: you may leave this page, or close the browser.")
    with gr.Row(elem_classes="lr-train"):
        with gr.Column(scale=1, min_width=320, elem_classes="lr-form", visible=False) as left:
            model = gr.Dropdown([], label="Model", elem_id="train-model")
            method = gr.Radio(METHODS, value="lora", label="Method", elem_id="train-method")
            form = TrainForm()
            summary = gr.HTML("", js_on_load=None, apply_default_css=False)
            start = gr.Button("Start", variant="primary", interactive=False, elem_id="train-start")
            command = gr.Textbox(
                label="The same on the command line",
                lines=2,
                max_lines=6,
                interactive=False,
                buttons=["copy"],
                elem_id="train-command",
            )
        with gr.Column(scale=3, min_width=320, elem_classes="lr-live-side"):
            monitor = run_monitor(Monitor(workspace), "run-monitor")
    plan = [summary, start, command, form.lora_only]
    every = [model, method, *form.fields, *plan]
    shell.on_load(page.on_load, outputs=[left, *every])
    gr.on([model.input, method.input], shell.friendly(page.preset), [model, method], every, **QUIET)
    changed = [field.input for field in form.fields]
    gr.on(changed, shell.friendly(page.replan), [model, method, *form.fields], plan, trigger_mode="always_last", **QUIET)
    start.click(shell.friendly(page.start), [model, method, *form.fields], monitor, **QUIET)
    monitor.reuse(shell.friendly(page.reuse), None, every, **QUIET)
