"""The Test page: one input on the left, the answers of all methods to it on the right."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.ui import shell
from studio.ui.widgets.asking import NOTHING_YET, AskingDesk
from studio.ui.widgets.model_choice import AS_THE_RUN, FEW_SHOT, NEWEST, model_notice
from studio.ui.widgets.phrases import phrase_editor
from studio.ui.widgets.picker import picker
from studio.ui.widgets.picture import picture_input
from studio.ui.widgets.progress import progress_panel
from studio.workspace import Workspace

TITLE = "Test"
PATH = "test"

SEEN: dict[str, Any] = {
    "trigger_mode": "always_last",
    "show_progress": "minimal",
    "api_visibility": "private",
    "concurrency_limit": 2,
}
"""For what may take seconds the first time: a head has to be fitted, an adapter read."""

LIVE: dict[str, Any] = {
    "trigger_mode": "always_last",
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_limit": 2,
}

UNMARK = """() => {
  for (const one of document.querySelectorAll("#test-examples [aria-current]")) one.removeAttribute("aria-current");
}"""
"""What was clicked is no longer what is asked about."""


class AskingPage:
    """The components, by name, and how they hang together; the handlers are the desk's."""

    def __init__(self, workspace: Workspace) -> None:
        self.desk = AskingDesk(workspace)
        self.subject: gr.State = gr.State({})
        self.activity: gr.State = gr.State("")
        self.shown: gr.State = gr.State("")
        self.none = gr.HTML("", visible=False, js_on_load=None, apply_default_css=False)
        with gr.Column(visible=False) as self.body:
            self._draw_choices()
            with gr.Row(elem_classes="lr-test"):
                with gr.Column(min_width=0, elem_classes="lr-inputs"):
                    self._draw_inputs()
                with gr.Column(min_width=0, elem_classes="lr-said"):
                    self.answers = gr.HTML(NOTHING_YET, js_on_load=None, apply_default_css=False, elem_id="test-answers")
                    self._draw_strength()
                with gr.Column(min_width=0, elem_classes="lr-prompts"):
                    self._draw_prompts()

    def _draw_choices(self) -> None:
        with gr.Row():
            self.model = gr.Dropdown([], label="Model", min_width=220, elem_id="test-model")
            self.run = gr.Dropdown([("Newest finished", NEWEST)], value=NEWEST, label="Fine-tuned run", min_width=220)
            self.shots = gr.Dropdown(FEW_SHOT, value=AS_THE_RUN, label="Few-shot: labels per class", min_width=140)
            self.seed = gr.Number(0, label="Seed", min_width=90)
        with gr.Row(visible=False, elem_classes="lr-notice") as self.unloaded:
            gr.HTML("<p>This model is not loaded yet, so it cannot answer.</p>", js_on_load=None)
            self.load = gr.Button("Load the model", variant="primary", elem_id="test-load", scale=0, min_width=180)
        self.progress = progress_panel(self.desk.workspace, self.desk.activity, elem_id="test-progress")

    def _draw_inputs(self) -> None:
        with gr.Column(visible=False) as self.picture_row:
            self.picture = picture_input(label="Picture: drop, paste or take one", height=300, elem_id="test-picture")
        with gr.Row(visible=False, elem_classes="lr-choices") as self.text_row:
            self.text = gr.Textbox(
                label="Text", lines=3, placeholder="Type here", elem_id="test-text", max_length=10_000, scale=4
            )
            self.search = gr.Button("Search", variant="primary", visible=False, scale=1, min_width=100, elem_id="test-search")
        self.picker = picker("test-examples")

    def _draw_strength(self) -> None:
        with gr.Column(visible=False) as self.sweep:
            self.strength = gr.Slider(
                0, 1, value=1, step=0.25, label="Strength of the fine-tuning", elem_id="test-strength",
                info="0 is the base model, 1 the whole adapter. Fine-tuned answers follow, their confidence calibrated at each.",
            )  # fmt: skip
            with gr.Accordion("What each strength does", open=False):
                self.swept = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="test-strengths")

    def _draw_prompts(self) -> None:
        with gr.Accordion("Class names and prompts for zero-shot", open=True, visible=False) as self.prompts:
            self.phrases = phrase_editor("test-phrases")
            self.templates = gr.Textbox(label="Prompt templates, one a line, {} is the class", lines=2, elem_id="test-templates")
            self.wrong_words = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="test-wrong-words")
            with gr.Row():
                self.keep = gr.Button("Keep for the project", min_width=140)
                self.reset = gr.Button("Back to the project's", min_width=140)

    def wire(self) -> None:
        desk, show = self.desk, shell.friendly
        of_run = [self.shown, self.model, self.run, self.shots, self.seed]
        choices = [*of_run, self.phrases, self.templates, self.strength]
        asked = [self.subject, *choices]
        answered = [self.answers, self.activity, self.progress]
        both = [self.subject, *answered]
        sweep = [self.sweep, self.strength, self.swept]
        shell.on_load(
            desk.on_load,
            outputs=[
                self.none, self.body, self.model, self.run, self.shots, self.seed,
                self.unloaded, self.picture_row, self.picture,
                self.text_row, self.text, self.search,
                self.picker, self.prompts, self.phrases, self.templates, self.subject, self.answers, *sweep, self.shown,
            ],
        )  # fmt: skip
        pictured = [self.picture.input, self.picture.clear]
        gr.on(pictured, show(desk.pictured), [self.picture, *choices], both, show_progress_on=self.answers, **SEEN)
        gr.on([*pictured, self.text.input], None, None, None, js=UNMARK, **shell.QUIET)
        self.text.change(show(desk.typed), [self.text, *asked], both, **LIVE)
        gr.on(
            [self.text.submit, self.search.click],
            show(desk.searched),
            [self.text, *choices],
            both,
            show_progress_on=self.answers,
            **SEEN,
        )
        self.picker.pick(show(desk.example), choices, [self.picture, self.text, *both], show_progress_on=self.answers, **SEEN)
        self.model.input(show(desk.runs_of), [self.shown, self.model], [self.run, self.unloaded], **shell.QUIET).success(
            show(desk.strengths), of_run, sweep, **shell.QUIET
        ).success(show(desk.answer), asked, answered, **LIVE)
        gr.on([self.run.input, self.shots.input, self.seed.input], show(desk.strengths), of_run, sweep, **shell.QUIET).success(
            show(desk.answer), asked, answered, **LIVE
        )
        self.strength.input(show(desk.answer), asked, answered, **LIVE)
        worded = [self.wrong_words, *answered]
        gr.on([self.phrases.edit, self.templates.change], show(desk.worded), asked, worded, **LIVE)
        self.strength.input(show(desk.at_strength), [*of_run, self.strength], self.swept, **shell.QUIET)
        self.keep.click(show(desk.keep), [self.shown, self.phrases, self.templates], None, **shell.ACT)
        self.reset.click(show(desk.reset), self.shown, [self.phrases, self.templates], **shell.QUIET).success(
            show(desk.worded), asked, worded, **LIVE
        )
        self.load.click(show(desk.load), [self.shown, self.model], self.progress, **shell.ACT)
        self.progress.finish(
            show(desk.finished), [self.activity, *asked], [self.unloaded, *answered], show_progress_on=self.answers, **SEEN
        )


def build(workspace: Workspace) -> None:
    shell.header(workspace, PATH)
    shell.title("Test", "The same input, the methods side by side.")
    model_notice(workspace)
    AskingPage(workspace).wire()
