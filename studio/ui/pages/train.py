"""The Train page: settings and the search for them on the left, the truth about both on the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from studio.core.errors import BadInput, CannotRun, StudioError
from studio.core.types import FINE_TUNING
from studio.ui import shell
from studio.ui.answers import shown_project
from studio.ui.widgets.auto_search import SearchBoard, SearchForm, budget, search_board, search_note
from studio.ui.widgets.method_choice import MODES, method_chosen, modes_measured, single_methods
from studio.ui.widgets.model_choice import check_offered, model_choices, model_notice, whole
from studio.ui.widgets.plan import command_line, not_a_plan, plan_summary
from studio.ui.widgets.run_status import LONGEST_ID, Monitor, run_monitor
from studio.ui.widgets.train_form import FIELDS, TrainForm
from studio.workspace import Workspace
from studio.workspace.modes import measured
from studio.workspace.open_project import OpenProject
from studio.workspace.training import TrainPlan

TITLE = "Train"
PATH = "train"
CUSTOM, PAPER = "custom", "paper"


class TrainPage:
    """The page's handlers. What fills the form gives: model, method, single method, the form's fields, then `as_planned`.

    `shown` is the id of the project that the page shows; to act while another one is open is refused.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = partial(shown_project, workspace)

    def on_load(self) -> list[Any]:
        """The chosen model's preset, and the project that is shown; nothing to fill in while none is open."""
        project = self.workspace.project()
        if project is None:
            return [gr.update(visible=False), *[gr.skip()] * (3 + FIELDS), *unplannable(""), ""]
        choices, value = model_choices(self.workspace, project)
        rest = self.preset(project.id, value, "lora")[1:]
        return [gr.update(visible=True), gr.update(choices=choices, value=value), *rest, project.id]

    def offered(self) -> list[Any]:
        """Which parts of the form this project has: method, single method, shots, search; fields of pictures, of texts with one
        class each; modes."""
        project = self.workspace.project()
        classifies, pictures = project is None or project.classifies, project is None or "image" in project.modalities
        modes = [(title, mode) for title, mode in MODES if mode != PAPER or (classifies and pictures)]
        several = project is not None and project.several
        shown = (*[classifies] * 4, pictures, not pictures and not several)
        return [*(gr.update(visible=seen) for seen in shown), gr.update(choices=modes)]

    def preset(self, shown: object, model: str | None, method: str, shots: Any = None, seed: Any = None) -> list[Any]:
        """The fields at this model's and method's defaults, but for `shots` and `seed`, which say what is learnt from."""
        try:
            kept = {name: value for name, value in (("shots", shots), ("seed", seed)) if value not in (None, "")}
            plan = self.project(shown).training.plan(chosen(model), method, kept)
        except StudioError as error:
            return [gr.skip(), *as_method(method), *[gr.skip()] * FIELDS, *unplannable(str(error))]
        return [gr.skip(), *as_method(method), *TrainForm.values(plan.config), *as_planned(plan, method)]

    def in_mode(self, shown: object, model: str | None, method: str, mode: str, *values: Any) -> list[Any]:
        """Advanced unfolded for a custom mode; the fields with what the mode sets of the preset, and what they would do.

        From the preset, so that nothing of a mode that was looked at before stays behind.
        """
        fields = list(values)
        if mode != CUSTOM:
            shots, seed = values[:2]
            said = {name: value for name, value in (("mode", mode), ("shots", shots), ("seed", seed)) if value not in (None, "")}
            try:
                fields = TrainForm.values(self.project(shown).training.plan(chosen(model), method, said).config)
            except StudioError as error:
                return [gr.skip(), *fields, *unplannable(str(error))]
        return [gr.update(open=True) if mode == CUSTOM else gr.skip(), *fields, *self.replan(shown, model, method, mode, *fields)]

    def replan(self, shown: object, model: str | None, method: str, mode: str, *values: Any) -> list[Any]:
        """What these settings would do. Half-typed ones are said beside the button, not as a toast."""
        try:
            plan = self.project(shown).training.plan(chosen(model), method, TrainForm.settings(values))
        except StudioError as error:
            return unplannable(str(error))
        return as_planned(plan, method, mode, TrainForm.emptied(values, plan.config, method))

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
        gr.Info("The form now has that run's settings. Change what you like, then press Start.", duration=5)
        return self._filled(project, *project.training.settings_of(run))

    def use_found(self, shown: object) -> list[Any]:
        """The form with what the search found best: its run's settings, or the rung."""
        project = self.project(shown)
        found = project.auto.state()
        if found is None or found.best is None:
            raise CannotRun("No search has found anything yet.", "Let Studio search first.")
        if found.best.run:
            filled = self._filled(project, *project.training.settings_of(found.best.run))
        else:
            filled = self._filled(project, found.model, found.best.rung.replace("_", "-"), {"seed": found.seed})
        gr.Info("The form now has what the search found best. Press Start to learn it.", duration=5)
        return filled

    def about_model(self, shown: object, model: str | None, minutes: Any, seed: Any) -> list[Any]:
        """What each mode took with this model; what a search would do, whether it can start, its command line."""
        try:
            project = self.project(shown)
            seen = measured(project.training, chosen(model))
            note = search_note(project.auto.only_rungs() if project.classifies else None)
            command = project.auto.command(chosen(model), budget(minutes), whole(seed))
        except StudioError as error:
            return [gr.skip(), search_note(str(error)), gr.update(interactive=False), ""]
        return [modes_measured(seen, project.measure), note, gr.update(interactive=True), command]

    def search(self, shown: object, model: str, minutes: Any, seed: Any) -> dict[str, float]:
        """Begin a search; the board looks again."""
        project = self.project(shown)
        check_offered(self.workspace, project, model)
        begun = project.auto.start(model, budget(minutes), whole(seed))
        project.choose_model(model)
        return {"begun": begun.started}

    def _filled(self, project: OpenProject, model: str, method: str, settings: dict[str, Any]) -> list[Any]:
        plan = project.training.plan(model, method, settings)
        choices = model_choices(self.workspace, project, model)[0]
        fields = TrainForm.values(plan.config)
        return [gr.update(choices=choices, value=model), *as_method(method), *fields, *as_planned(plan, method)]


def chosen(model: str | None) -> str:
    """The model; raises BadInput where none is."""
    if not model:
        raise BadInput("Choose a model first.", "There is a list on the Models page.")
    return model


def as_method(method: str) -> list[Any]:
    """The method among those offered to everyone, and in the list of single ones where it is one of these."""
    return [method_chosen(method), method if method in {name for _, name in single_methods()} else None]


def as_planned(plan: TrainPlan, method: str, mode: str = "", emptied: Sequence[str] = ()) -> list[Any]:
    """Summary, Start button, command line, visibility of what only LoRA has (twice), the mode that the settings are.

    Who chose one keeps it while the settings are of it, as they may be of several.
    """
    lora = gr.update(visible=method == FINE_TUNING)
    mode = mode if mode in plan.modes else plan.modes[0]
    return [plan_summary(plan, emptied), gr.update(interactive=plan.why_not is None), plan.command, lora, lora, mode]


def unplannable(why: str) -> list[Any]:
    return [not_a_plan(why) if why else "", gr.update(interactive=False), "", *[gr.skip()] * 3]


class _Parts:
    """The page's components, in their places."""

    def __init__(self, workspace: Workspace) -> None:
        with gr.Row(elem_classes="lr-train"):
            with gr.Column(scale=1, min_width=320, elem_classes="lr-form", visible=False) as self.left:
                self.model = gr.Dropdown([], label="Model", elem_id="train-model")
                self.form = TrainForm()
                self.summary = gr.HTML("", js_on_load=None, apply_default_css=False)
                self.start = gr.Button("Start", variant="primary", interactive=False, elem_id="train-start")
                self.command = command_line("train-command")
                self.search = SearchForm()
            with gr.Column(scale=3, min_width=320, elem_classes="lr-live-side"):
                self.board = search_board(SearchBoard(workspace), "search-board")
                self.monitor = run_monitor(Monitor(workspace), "run-monitor")
        form = self.form
        self.plan = [self.summary, self.start, self.command, form.lora_only, form.lora_more, form.mode]
        self.every = [self.model, form.method, form.single, *form.fields, *self.plan]


def build(workspace: Workspace) -> None:
    page = TrainPage(workspace)
    header = shell.header(workspace, PATH)
    shell.title("Train", "In the background: you may leave this page, or close the browser.")
    model_notice(workspace)
    shown = gr.State("")
    parts = _Parts(workspace)
    form = parts.form
    shell.on_load(page.on_load, outputs=[parts.left, *parts.every, shown])
    shell.on_load(
        page.offered, outputs=[form.method, form.single, form.shots, parts.search.box, form.of_pictures, form.of_texts, form.mode]
    )
    _wire_form(page, parts, shown)
    _wire_search(page, parts, shown)
    parts.monitor.finish(partial(shell.header_html, workspace, PATH), None, header, **shell.QUIET)


def _wire_form(page: TrainPage, parts: _Parts, shown: gr.State) -> None:
    form, preset = parts.form, shell.friendly(page.preset)
    kept = [form.shots, form.seed]
    gr.on([parts.model.input, form.method.input], preset, [shown, parts.model, form.method, *kept], parts.every, **shell.QUIET)
    form.single.input(preset, [shown, parts.model, form.single, *kept], parts.every, **shell.QUIET)
    planned = [shown, parts.model, form.method, form.mode, *form.fields]
    form.mode.input(shell.friendly(page.in_mode), planned, [form.more, *form.fields, *parts.plan], **shell.QUIET)
    changed = [field.input for field in form.fields]
    gr.on(changed, shell.friendly(page.replan), planned, parts.plan, trigger_mode="always_last", **shell.QUIET)
    settings = [shown, parts.model, form.method, *form.fields]
    parts.start.click(shell.friendly(page.start), settings, parts.monitor, **shell.ACT)
    parts.monitor.reuse(shell.friendly(page.reuse), shown, parts.every, **shell.ACT)


def _wire_search(page: TrainPage, parts: _Parts, shown: gr.State) -> None:
    form, search = parts.form, parts.search
    asked = [shown, parts.model, search.minutes, form.seed]
    said = [form.measured, search.note, search.start, search.command]
    changed = [parts.model.change, search.minutes.input, form.seed.input]
    gr.on(changed, shell.friendly(page.about_model), asked, said, trigger_mode="always_last", **shell.QUIET)
    parts.monitor.finish(shell.friendly(page.about_model), asked, said, **shell.QUIET)  # what its mode took
    search.start.click(shell.friendly(page.search), asked, parts.board, **shell.ACT)
    parts.board.use(shell.friendly(page.use_found), shown, parts.every, **shell.ACT)
