"""The Share page: a trained model, the labels and a report as files to pass on, and the whole project as a file to keep."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from studio.core.errors import BadInput
from studio.core.interfaces import Progress
from studio.core.results.projects import Activity
from studio.core.types import RunSnapshot
from studio.ui import shell
from studio.ui.answers import newest, shown_project
from studio.ui.report import report_page
from studio.ui.widgets.markup import Markup, join, percent, plural, tag
from studio.ui.widgets.progress import progress_panel
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

TITLE = "Share"
PATH = "share"

SAVE = """(file) => {
  if (!file) return null;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
  return null;
}"""
"""Save the file that a button has got. A DownloadButton saves what it had before the click, so it is left without any."""

MODEL = "A fine-tuned adapter with its settings, its scores and a README that says how to use it, as a zip."
LABELS = "Every item with its label, split and note, for a spreadsheet, a script, or to import again as it is."
BACKUP = "The whole project as it stands, with its history, pictures and runs, as one file to keep elsewhere."
RESTORE = "On the first page it becomes a project again, every byte checked."
REPORT = "What Compare found, as one page that opens in any browser, for people who do not use Studio."


class SharePage:
    """The page's handlers. A file is made when it is asked for, in a folder of its own from which Gradio serves it for a day.

    `shown` is the id of the project that the page shows; to act while another one is open is refused.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = partial(shown_project, workspace)
        self._newest: dict[tuple[str, str], str] = {}  # (project, what) → activity

    def activity(self, what: str) -> Activity | None:
        """The newest one that writes the open project's `labels`, or its `backup`."""
        project = self.workspace.project()
        return newest(self.workspace, self._newest.get((project.id, what))) if project else None

    def on_load(self) -> list[Any]:
        """Whether there are cards, what is missing; of each card its note and its button; the runs; the project; formats."""
        project = self.workspace.project()
        if project is None:
            return [gr.update(visible=False), shell.no_project(), *[gr.skip()] * 7, "", gr.skip()]
        runs = [(run_title(run, project.model_title(run.model)), run.id) for run in project.sharing.runs()]
        chosen = gr.update(choices=runs, value=runs[0][1] if runs else None, visible=bool(runs))
        notes = (model_note(runs, project.sharing.finding()), labels_note(project), report_note(project))
        cards = [part for note, ready in notes for part in (note, gr.update(visible=ready))]
        formats = [(title, name) for name, title in project.sharing.formats()]
        ready = gr.update(choices=formats, value=formats[0][1], visible=bool(project.labelling.counts().total))
        return [gr.update(visible=True), "", chosen, *cards, project.id, ready]

    def model(self, shown: object, run: str | None) -> str:
        """The chosen run's adapter."""
        return str(self.project(shown).sharing.model(_folder(), run or None))

    def start_labels(self, shown: object, format: str) -> str:
        """Begin to write every item in that format; its activity."""
        sharing = self.project(shown).sharing
        return self._start(shown, "labels", f"Writing {format}", partial(sharing.labels, _folder(), format))

    def start_backup(self, shown: object) -> str:
        """Begin to write the whole project; its activity."""
        return self._start(shown, "backup", "Backing up", partial(self.project(shown).sharing.backup, _folder()))

    def made(self, shown: object, what: str) -> str | None:
        """What was written; None where that failed, which the page says."""
        self.project(shown)
        activity = self.activity(what)
        return str(activity.result) if activity is not None and activity.state == "done" else None

    def _start(self, shown: object, what: str, title: str, work: Callable[[Progress], Path]) -> str:
        project, running = self.project(shown), self.activity(what)
        if running is not None and running.state == "running":
            raise BadInput(f"The {what} {'are' if what == 'labels' else 'is'} being written already.", "Wait for the end.")
        activity: str = self.workspace.activities.start("export", title, lambda progress: str(work(progress)))
        self._newest[project.id, what] = activity
        return activity

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
        parts = [plural(counts.total, "item"), f"{counts.labelled:,} labelled"]
        parts += [f"{counts.none:,} of none of the classes"] if counts.none else []
        return tag("p", f"{', '.join(parts)}, {counts.skipped:,} skipped.", class_="st-note"), True
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


def _button(what: str, visible: bool = False) -> gr.DownloadButton:
    return gr.DownloadButton(f"Download {what}", variant="primary", visible=visible, elem_id=f"share-{what}")


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
            about_labels = _card("Labels", LABELS)
            format = gr.Dropdown([], label="Format", container=False, visible=False, elem_id="share-format")
            labels = _button("labels")
            progress = progress_panel(workspace, partial(page.activity, "labels"), elem_id="share-progress")
        with gr.Column(min_width=280, elem_classes="st-card sr-card"):
            about_report, report = _card("Report", REPORT), _button("report")
        with gr.Column(min_width=280, elem_classes="st-card sr-card"):
            _card("Backup", BACKUP)
            gr.HTML(tag("p", RESTORE, class_="st-note"), js_on_load=None, apply_default_css=False)
            backup = _button("backup", visible=True)
            backing_up = progress_panel(workspace, partial(page.activity, "backup"), elem_id="share-backing-up")
    noted = [about_model, model, about_labels, labels, about_report, report]
    shell.on_load(page.on_load, outputs=[cards, empty, run, *noted, shown, format])

    def saves(event: Callable[..., Any], button: gr.DownloadButton, make: Callable[..., str | None], inputs: list[Any]) -> None:
        made = event(shell.friendly(make), inputs, button, **shell.ACT)
        made.success(None, button, button, js=SAVE).then(page.header, outputs=header, **shell.ACT)

    saves(model.click, model, page.model, [shown, run])
    saves(report.click, report, page.report, [shown])
    # these may be large: they are written in the background, and saved at the end
    labels.click(shell.friendly(page.start_labels), [shown, format], progress, **shell.ACT)
    saves(progress.finish, labels, partial(page.made, what="labels"), [shown])
    backup.click(shell.friendly(page.start_backup), shown, backing_up, **shell.ACT)
    saves(backing_up.finish, backup, partial(page.made, what="backup"), [shown])
