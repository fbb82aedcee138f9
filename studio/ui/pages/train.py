"""The Train page: settings on the left, the truth about the runs on the right."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from studio.core.errors import BadInput, StudioError
from studio.ui import shell
from studio.ui.answers import shown_project
from studio.ui.widgets.model_choice import check_offered, model_choices
from studio.ui.widgets.plan import not_a_plan, plan_summary
from studio.ui.widgets.run_status import LONGEST_ID, Monitor, run_monitor
from studio.ui.widgets.train_form import FIELDS, METHODS, TrainForm
from studio.workspace import Workspace
from studio.workspace.training import TrainPlan

TITLE = "Train"
PATH = "train"

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


class TrainPage:
    """The page's handlers. Every list of outputs is: model, method, the form's fields, then `as_planned`.

    `shown` is the id of the project that the page shows; to act while another one is open is refused.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = partial(shown_project, workspace)

    def on_load(self) -> list[Any]:
        """The chosen model's preset, and the project that is shown; nothing to fill in while none is open."""
        project = self.workspace.project()
        if project is None:
            return [gr.update(visible=False), *[gr.skip()] * (2 + FIELDS), *unplannable(""), ""]
        choices, value = model_choices(self.workspace, project)
        method, *rest = self.preset(project.id, value, "lora")[1:]
        # pairs have no classes to take labels of
        rest[0] = gr.update(visible=project.classifies, **({"value": rest[0]} if isinstance(rest[0], int) else {}))
        return [gr.update(visible=True), gr.update(choices=choices, value=value), method, *rest, project.id]

    def preset(self, shown: object, model: str | None, method: str, shots: Any = None, seed: Any = None) -> list[Any]:
        """The fields at this model's and method's defaults, but for `shots` and `seed`, which say what is learnt from."""
        if not model:
            return [
                gr.skip(),
                method,
                *[gr.skip()] * FIELDS,
                *unplannable("Choose a model first. There is a list on the Models page."),
            ]
        try:
            kept = {name: value for name, value in (("shots", shots), ("seed", seed)) if value not in (None, "")}
            plan = self.project(shown).training.plan(model, method, kept)
        except StudioError as error:
            return [gr.skip(), method, *[gr.skip()] * FIELDS, *unplannable(str(error))]
        return [gr.skip(), method, *TrainForm.values(plan.config), *as_planned(plan, method)]

    def replan(self, shown: object, model: str | None, method: str, *values: Any) -> list[Any]:
        """What these settings would do. Half-typed ones are said beside the button, not as a toast."""
        if not model:
            return unplannable("Choose a model first. There is a list on the Models page.")
        try:
            return as_planned(self.project(shown).training.plan(model, method, TrainForm.settings(values)), method)
        except StudioError as error:
            return unplannable(str(error))

    def start(self, shown: object, model: str, method: str, *values: Any) -> dict[str, str]:
        """Queue the run and show it."""
        project = self.project(shown)
        check_offered(self.workspace, project, model)
        run = project.training.start(model, method, TrainForm.settings(values))
        project.choose_model(model)
        return {"run": run}

    def reuse(self, event: gr.EventData, shown: object) -> list[Any]:
        """The form as that run had it."""
        run = event._data.get("run") if isinstance(event._data, dict) else None
        if not isinstance(run, str) or len(run) > LONGEST_ID:
            raise BadInput("The page named no run.", "Reload the page.")
        project = self.project(shown)
        model, method, settings = project.training.settings_of(run)
        plan = project.training.plan(model, method, settings)
        choices = model_choices(self.workspace, project, model)[0]
        gr.Info("The form now has that run's settings. Change what you like, then press Start.", duration=5)
        return [gr.update(choices=choices, value=model), method, *TrainForm.values(plan.config), *as_planned(plan, method)]


def as_planned(plan: TrainPlan, method: str) -> list[Any]:
    """Summary, Start button, command line, visibility of what only LoRA has."""
    lora_only = gr.update(visible=method == "lora")
    return [plan_summary(plan), gr.update(interactive=plan.why_not is None), plan.command, lora_only]


def unplannable(why: str) -> list[Any]:
    return [not_a_plan(why) if why else "", gr.update(interactive=False), "", gr.skip()]


def build(workspace: Workspace) -> None:
    page = TrainPage(workspace)
    shell.header(workspace, PATH)
    shell.title("Train", "In the background: you may leave this page, or close the browser.")
    shown = gr.State("")
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
    shell.on_load(page.on_load, outputs=[left, *every, shown])
    gr.on([model.input, method.input], shell.friendly(page.preset), [shown, model, method, form.shots, form.seed], every, **QUIET)
    changed = [field.input for field in form.fields]
    settings = [shown, model, method, *form.fields]
    gr.on(changed, shell.friendly(page.replan), settings, plan, trigger_mode="always_last", **QUIET)
    start.click(shell.friendly(page.start), settings, monitor, **shell.ACT)
    monitor.reuse(shell.friendly(page.reuse), shown, every, **shell.ACT)
