"""The Data page: import from this computer, the browser or the hub; the report; the grid of what is there."""

from __future__ import annotations

from functools import partial
from html import escape
from pathlib import PurePath
from typing import Any

import gradio as gr

from studio.core.errors import BadInput, StudioError
from studio.core.interfaces import Progress
from studio.core.results.projects import Activity, ImportReport
from studio.core.types import NONE_OF_THESE, ImportOptions, Split
from studio.ui import shell
from studio.ui.answers import newest, shown_project
from studio.ui.widgets.check import start_check
from studio.ui.widgets.grid import Browser, grid
from studio.ui.widgets.progress import progress_panel
from studio.ui.widgets.upload import uploaded_path, uploader
from studio.workspace import Workspace
from studio.workspace.labelling import modality_names

TITLE = "Data"
PATH = "data"

KEEP = "Keep the labels of the source"
OF_SEVERAL = f"Several classes in a cell: with | or ; between. {NONE_OF_THESE!r} is of none; an empty cell says nothing."
NAMES_ONLY = "Take the class names only: I label myself"

BY_SOURCE = "As the source says"
SPLIT_CHOICES: list[tuple[str, str]] = [(BY_SOURCE, ""), ("All train", "train"), ("All val", "val"), ("All test", "test")]

BY_NAME = ("recognised by its name", "")

SHOWN_REJECTS = 100


class Imports:
    """What the page does: starts imports and finds them again after a reload."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = partial(shown_project, workspace)
        self.parts = (*modality_names(), "label", "split")
        """What a table's columns hold."""
        self._newest: dict[str, str] = {}  # project → activity

    def activity(self) -> Activity | None:
        """The newest import into the open project."""
        project = self.workspace.project()
        return newest(self.workspace, self._newest.get(project.id)) if project else None

    def start(
        self,
        shown: object,
        path: str,
        upload: Any,
        keep: str,
        split: str,
        share: float,
        *columns: str,
    ) -> str:
        """Begin an import in the background, into the project that the page shows; its activity."""
        project, source = self.project(shown), _source(path, upload)
        running = self.activity()
        if running is not None and running.state == "running":
            raise BadInput("An import is running already.", "Wait for its end.")
        named = {part: column for part, column in zip(self.parts, columns, strict=True) if column}
        label, split_column = named.pop("label", None), named.pop("split", None)
        options = ImportOptions(
            columns=named,
            label=label,
            split_column=split_column,
            split=_split(split),
            keep_labels=keep != NAMES_ONLY,
            test_share=share / 100,
        )

        def bring_in(progress: Progress) -> ImportReport:
            report = project.labelling.import_data(source, options, progress)
            if report.added:  # a model may take hours to read them all; what is there twice is seen without one
                start_check(self.workspace, project, None)
            return report

        title = f"Importing {PurePath(source).name or source}"
        activity: str = self.workspace.activities.start("import", title, bring_in)
        self._newest[project.id] = activity
        return activity

    def columns(self, shown: object, path: str, upload: Any) -> list[Any]:
        """Choices of the column fields, and whether to show them at all."""
        try:
            names = self.project(shown).labelling.columns(_source(path, upload))
        except StudioError:  # nothing given yet, or no table; the import itself says what is wrong with it
            names = ()
        # in quotes, because Gradio looks a bare `label` up among its own words
        choices = [BY_NAME, *((f"“{name}”", name) for name in names)]
        project = self.workspace.project()
        held = {"split", *project.modalities, *(("label",) if project.classifies else ())} if project else {"split"}
        about = {"label": OF_SEVERAL} if project and project.several else {}
        fields = [gr.Dropdown(choices=choices, value="", visible=part in held, info=about.get(part)) for part in self.parts]
        return [gr.Group(visible=bool(names)), *fields]

    def finished(self, shown: object) -> tuple[str, str, float, Any]:
        """After an import: the header, the report, a new value for the grid, and the form folded."""
        report = self.project(shown).labelling.last_report()
        failed = (activity := self.activity()) is not None and activity.state == "failed"
        html = "" if failed or report is None else report_html(report)
        return shell.header_html(self.workspace, PATH), html, activity.started if activity else 0.0, gr.Accordion(open=failed)

    def opened(self) -> tuple[str, Any, Any, str]:
        """On load: the newest report, the form open where nothing is there yet, its button, and the project that is shown."""
        project = self.workspace.project()
        if project is None:
            return "", gr.Accordion(visible=False), gr.skip(), ""
        report = project.labelling.last_report()
        empty = project.labelling.counts().total == 0
        form, go = gr.Accordion(open=empty, visible=True), gr.Button(interactive=True)
        return report_html(report) if report else "", form, go, project.id


def build(workspace: Workspace) -> None:
    imports = Imports(workspace)
    header = shell.header(workspace, PATH)
    shell.title("Data", "Bring items in, and look at what is there.")
    shown = gr.State("")
    with gr.Accordion("Import", open=False, elem_id="import-form") as form:
        fields = _form(workspace, imports, shown)
        # pressed before the page knows its project, an import would be refused
        go = gr.Button("Import", variant="primary", interactive=False, elem_id="import-start")
    progress = progress_panel(workspace, imports.activity, elem_id="import-progress")
    report = gr.HTML(elem_id="import-report", js_on_load=None)
    items = grid(Browser(workspace))
    shell.count_along(items.edit, workspace, PATH, header)
    go.click(shell.friendly(imports.start), fields, progress, **shell.ACT)
    progress.finish(shell.friendly(imports.finished), shown, [header, report, items, form], queue=False, api_visibility="private")
    shell.on_load(imports.opened, outputs=[report, form, go, shown])


def _form(workspace: Workspace, imports: Imports, shown: gr.State) -> list[Any]:
    """The fields of an import, in the order that `Imports.start` takes them."""
    hub = (
        "Offline: a hub data set needs the network."
        if workspace.settings.offline
        else "Online, a hub data set also works: OWNER/NAME."
    )
    with gr.Row():
        with gr.Column(scale=3, min_width=300):
            path = gr.Textbox(
                label="From this computer",
                info=f"The path of a folder, a .zip, or a .csv, .jsonl or .parquet table. {hub}",
                placeholder="/home/me/pictures",
                max_lines=1,
                elem_id="import-path",
            )
            upload = uploader(workspace.settings.max_upload_mb, "import-upload")
        with gr.Column(scale=2, min_width=300):
            keep = gr.Radio([KEEP, NAMES_ONLY], value=KEEP, label="Labels", elem_id="import-keep")
            split = gr.Radio(SPLIT_CHOICES, value="", label="Split", elem_id="import-split")
            share = gr.Slider(
                0,
                50,
                value=20,
                step=5,
                label="Hold out for testing (%)",
                info="Of items whose source names no split; same item, same split.",
            )
    with gr.Group(visible=False) as table, gr.Row():
        columns = [
            gr.Dropdown([BY_NAME], value="", label=f"{part.capitalize()} column", allow_custom_value=False, min_width=160)
            for part in imports.parts
        ]
    look = shell.friendly(imports.columns)
    for event in (path.blur, path.submit, upload.uploaded):
        event(look, [shown, path, upload], [table, *columns], queue=False, show_progress="hidden", api_visibility="private")
    return [shown, path, upload, keep, split, share, *columns]


def report_html(report: ImportReport) -> str:
    """What an import took and what it did not, escaped; folded where nothing was rejected."""
    numbers = f"{report.added:,} added"
    if report.duplicates:
        numbers += f" · {report.duplicates:,} there already"
    if report.labelled:
        numbers += f", {report.labelled:,} of them labelled now"
    if report.rejected and not report.added and not report.labelled:
        numbers = f"nothing new: {numbers}"
    numbers += f" · {report.rejected:,} rejected · {report.seconds:.1f} s"
    splits = ", ".join(f"{escape(name)} {n:,}" for name, n in report.by_split.items()) or "none"
    labels = ", ".join(f"{escape(name)} {n:,}" for name, n in list(report.by_label.items())[:30]) or "none"
    more = f" and {len(report.by_label) - 30:,} more" if len(report.by_label) > 30 else ""
    unfolded = " open" if report.rejected else ""
    return (
        f'<details class="st-card dt-report"{unfolded}><summary><b>Last import</b> · {numbers}</summary>'
        f'<p class="st-note">From {escape(report.source)}</p><p>Splits: {splits}</p><p>Labels: {labels}{more}</p>'
        f"{_rejects(report)}</details>"
    )


def _rejects(report: ImportReport) -> str:
    if not report.rejects:
        return ""
    rows = "".join(
        f"<tr><td>{escape(r.file)}</td><td>{'' if r.row is None else r.row}</td><td>{escape(r.reason)}</td></tr>"
        for r in report.rejects[:SHOWN_REJECTS]
    )
    left = report.rejected - min(len(report.rejects), SHOWN_REJECTS)
    more = f'<p class="st-note">and {left:,} more.</p>' if left > 0 else ""
    head = '<tr><th scope="col">File</th><th scope="col">Row</th><th scope="col">Why it was not taken</th></tr>'
    return f'<div class="dt-rejects" tabindex="0"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>{more}'


def _source(path: str, upload: Any) -> str:
    source = (path or "").strip() or uploaded_path(upload)
    if not source:
        raise BadInput("There is nothing to import yet.", "Give a path, or choose a folder or files.")
    return source


def _split(name: str) -> Split | None:
    known: dict[str, Split] = {"train": "train", "val": "val", "test": "test"}
    return known.get(name or "")
