"""The Share page: a trained model, the labels and a report as files to pass on."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from studio.core.types import RunSnapshot
from studio.ui import shell
from studio.ui.answers import shown_project
from studio.ui.report import report_page
from studio.ui.widgets.markup import Markup, join, percent, plural, tag
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

TITLE = "Share"
PATH = "share"

SAVE = """(file) => {
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
  return null;
}"""
"""Save the file that a button has got. A DownloadButton saves what it had before the click, so it is left without any."""

MODEL = "A fine-tuned adapter with its settings, its scores and a README that says how to use it, as a zip."
LABELS = "Every item with its label and split, as a table (CSV) for a spreadsheet or a script."
REPORT = "What Compare found, as one page that opens in any browser, for people who do not use Studio."


class SharePage:
    """The page's handlers. A file is made when it is asked for, in a folder of its own from which Gradio serves it for a day.

    `shown` is the id of the project that the page shows; to act while another one is open is refused.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = partial(shown_project, workspace)

    def on_load(self) -> list[Any]:
        """Whether there are cards, what is missing; of each card its note and its button; the runs; the project that is shown."""
        project = self.workspace.project()
        if project is None:
            return [gr.update(visible=False), shell.no_project(), *[gr.skip()] * 7, ""]
        runs = [(run_title(run, project.model_title(run.model)), run.id) for run in project.sharing.runs()]
        chosen = gr.update(choices=runs, value=runs[0][1] if runs else None, visible=bool(runs))
        notes = (model_note(runs, project.sharing.finding()), labels_note(project), report_note(project))
        cards = [part for note, ready in notes for part in (note, gr.update(visible=ready))]
        return [gr.update(visible=True), "", chosen, *cards, project.id]

    def model(self, shown: object, run: str | None) -> str:
        """The chosen run's adapter."""
        return str(self.project(shown).sharing.model(_folder(), run or None))

    def labels(self, shown: object) -> str:
        """The table."""
        return str(self.project(shown).sharing.labels(_folder()))

    def report(self, shown: object) -> str:
        """The page."""
        project = self.project(shown)
        return str(project.sharing.report(_folder(), report_page(project)))

    def header(self) -> str:
        """With this step done."""
        return shell.header_html(self.workspace, PATH)


def run_title(run: RunSnapshot, model: str) -> str:
    """A run as the list offers it."""
    score = f" · {percent(run.accuracy)} validation" if run.accuracy is not None else ""
    return f"{run.id.replace('run-', 'Run ')}{score} · {model}"


def model_note(runs: list[tuple[str, str]], finding: str) -> tuple[Markup, bool]:
    """(what the card says, whether there is something to share); likewise below."""
    if runs:
        found = tag("p", finding, role="note") if finding else None
        return join([found, tag("p", "The run to take, the newest first:", class_="st-note")]), True
    return _missing("No fine-tuning has finished yet: train one first.", "/train", "Go to Train"), False


def labels_note(project: OpenProject) -> tuple[Markup, bool]:
    counts = project.labelling.counts()
    if counts.total:
        said = f"{plural(counts.total, 'item')}, {counts.labelled:,} labelled, {counts.skipped:,} skipped."
        return tag("p", said, class_="st-note"), True
    return _missing("Nothing has been imported yet.", "/data", "Go to Data"), False


def report_note(project: OpenProject) -> tuple[Markup, bool]:
    last = project.testing.last_comparison()
    if last is not None:
        asked = max((score.n for score in last.scores), default=0)
        return tag("p", f"The last comparison, on {plural(asked, 'held-out item')}.", class_="st-note"), True
    return _missing("Nothing has been compared yet: compare the methods first.", "/compare", "Go to Compare"), False


def _missing(why: str, href: str, words: str) -> Markup:
    return tag("div", tag("p", why), tag("a", words, href=href, class_="st-button"), class_="sr-missing")


def _folder() -> Path:
    """A new folder, whose name nobody can guess, among those that Gradio serves and clears."""
    made = Path(get_upload_folder(), secrets.token_hex(16))
    made.mkdir(parents=True)
    return made


def _card(title: str, sentence: str) -> gr.HTML:
    """The beginning of a card; the HTML for its note."""
    gr.HTML(tag("div", tag("h2", title), tag("p", sentence)), js_on_load=None, apply_default_css=False)
    return gr.HTML("", js_on_load=None, apply_default_css=False)


def _button(what: str) -> gr.DownloadButton:
    return gr.DownloadButton(f"Download {what}", variant="primary", visible=False, elem_id=f"share-{what}")


def build(workspace: Workspace) -> None:
    page = SharePage(workspace)
    header = shell.header(workspace, PATH)
    shell.title("Share", "Take what was made here with you.")
    shown = gr.State("")
    empty = gr.HTML("", js_on_load=None, apply_default_css=False)
    with gr.Row(visible=False, elem_classes="sr-cards") as cards:
        with gr.Column(min_width=280, elem_classes="st-card sr-card"):
            about_model = _card("Model", MODEL)
            run = gr.Dropdown([], label="Run", container=False, visible=False, elem_id="share-run")
            model = _button("model")
        with gr.Column(min_width=280, elem_classes="st-card sr-card"):
            about_labels, labels = _card("Labels", LABELS), _button("labels")
        with gr.Column(min_width=280, elem_classes="st-card sr-card"):
            about_report, report = _card("Report", REPORT), _button("report")
    noted = [about_model, model, about_labels, labels, about_report, report]
    shell.on_load(page.on_load, outputs=[cards, empty, run, *noted, shown])

    def saves(button: gr.DownloadButton, make: Callable[..., str], inputs: list[Any]) -> None:
        made = button.click(shell.friendly(make), inputs, button, **shell.ACT)
        made.success(None, button, button, js=SAVE).then(page.header, outputs=header, **shell.ACT)

    saves(model, page.model, [shown, run])
    saves(labels, page.labels, [shown])
    saves(report, page.report, [shown])
