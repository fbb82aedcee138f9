"""The Compare page: zero-shot, few-shot and fine-tuned on the same held-out items."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from studio.core.interfaces import Progress
from studio.core.results.comparison import Comparison
from studio.core.results.projects import Activity, Missing
from studio.ui import shell
from studio.ui.answers import shown_project
from studio.ui.server import picture_at
from studio.ui.widgets.comparison import comparison_report
from studio.ui.widgets.evidence import (
    USUAL_ERRORS,
    Wish,
    calibration_section,
    curve_section,
    doubt_desk,
    doubt_section,
    wish_of,
)
from studio.ui.widgets.model_choice import (
    AS_THE_RUN,
    FEW_SHOT,
    NEWEST,
    check_offered,
    few_shot,
    model_choices,
    model_notice,
    run_choices,
)
from studio.ui.widgets.progress import progress_panel
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

TITLE = "Compare"
PATH = "compare"


class ComparePage:
    """The page's handlers. A comparison is an activity of the server: a reload finds it again.

    `shown` is the id of the project that the page shows; to act while another one is open is refused.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = partial(shown_project, workspace)

    def on_load(self) -> list[Any]:
        """Choices, the last comparison, whether one runs now, and the project that is shown."""
        project = self.workspace.project()
        if project is None:
            return [gr.update(visible=False), *[gr.skip()] * 4, shell.no_project(), "", "", gr.skip(), ""]
        choices, model = model_choices(self.workspace, project)
        missing = self.missing(project)
        return [
            gr.update(visible=True),
            gr.update(choices=choices, value=model),
            gr.update(choices=run_choices(project.training.runs(), model)),
            gr.update(visible=project.classifies),
            gr.update(visible=project.classifies),
            *report(project, missing),
            gr.update(interactive=missing is None and self.running(project) is None),
            project.id,
        ]

    def runs_of(self, shown: object, model: str | None) -> Any:
        """Another model has other runs."""
        runs = run_choices(self.project(shown).training.runs(), model)
        return gr.update(choices=runs, value=runs[0][1])

    def start(self, shown: object, model: str | None, run: str, shots: Any, seed: Any) -> list[Any]:
        """Start comparing, unless this project's comparison runs already."""
        project = self.project(shown)
        check_offered(self.workspace, project, model)
        chosen, labels = str(model), few_shot(shots, seed)

        def work(progress: Progress) -> Comparison:
            return project.testing.compare(chosen, run or None, *labels, progress)

        running = self.running(project)
        title = f"Comparing the methods in {project.name}"
        activity = running.id if running else self.workspace.activities.start(kind_of(project), title, work)
        return [activity, gr.update(interactive=False)]

    def activity(self) -> Activity | None:
        """What the progress bar shows."""
        project = self.workspace.project()
        return self.workspace.activities.newest(kind_of(project)) if project else None

    def finished(self, shown: object) -> list[Any]:
        """After a comparison: the header, the report, and the button."""
        project = self.project(shown)
        missing = self.missing(project)
        header = shell.header_html(self.workspace, PATH)
        return [header, *report(project, missing), gr.update(interactive=missing is None)]

    def accept(self, event: gr.EventData, shown: object) -> str:
        """Keep the error rate that a person accepts, or forget it; what it means."""
        project, wish = self.project(shown), wish_of(event._data)
        project.testing.accept_errors(wish.rate if wish.flagged else None)
        return doubt_of(project, wish, unfolded=True)

    def missing(self, project: OpenProject) -> Missing | None:
        """Why the button is disabled; None where it can be pressed."""
        _, model = model_choices(self.workspace, project)
        return project.testing.missing(model)

    def running(self, project: OpenProject) -> Activity | None:
        return next(iter(self.workspace.activities.running(kind_of(project))), None)


def kind_of(project: OpenProject) -> str:
    return f"compare/{project.id}"


def report(project: OpenProject, missing: Missing | None) -> list[str]:
    """The last comparison, when to say "not sure", the learning curve; what to do for the first, or for another one."""
    last = project.testing.last_comparison()
    lacking = shell.empty(*shell.lacking(missing)) if missing else ""
    if last is None:
        why = "Zero-shot, few-shot and fine-tuned answer the same held-out items; press Compare."
        return [lacking or shell.empty("No comparison yet", why), "", ""]
    accepted = project.testing.accepted_errors()
    doubt = doubt_of(project, Wish(accepted or USUAL_ERRORS, accepted is not None))
    picture, model = partial(picture_at, project.id), project.model_title(last.model)
    shown = comparison_report(last, calibration_section(last), picture=picture, model=model)
    return [lacking + shown, doubt, curve_section(last) or ""]


def doubt_of(project: OpenProject, wish: Wish, unfolded: bool = False) -> str:
    last = project.testing.last_comparison()
    return (doubt_section(last, project.testing.abstention(wish.rate), wish, unfolded) if last else None) or ""


def build(workspace: Workspace) -> None:
    page = ComparePage(workspace)
    header = shell.header(workspace, PATH)
    shell.title("Compare", "Is fine-tuning worth it? The methods on the same held-out items.")
    model_notice(workspace)
    shown = gr.State("")
    with gr.Row(visible=False, elem_classes="lr-choices") as choices:
        model = gr.Dropdown([], label="Model", min_width=220, elem_id="compare-model")
        run = gr.Dropdown([("Newest finished", NEWEST)], value=NEWEST, label="Fine-tuned run", min_width=220)
        shots = gr.Dropdown(FEW_SHOT, value=AS_THE_RUN, label="Few-shot: labels per class", min_width=140)
        seed = gr.Number(0, label="Seed", min_width=90)
        compare = gr.Button("Compare", variant="primary", min_width=140, elem_id="compare-start")
    progress = progress_panel(workspace, page.activity, elem_id="compare-progress")
    result = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="compare-report")
    doubt = doubt_desk("compare-doubt")
    curve = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="compare-curve")
    found = [result, doubt, curve]
    shell.on_load(page.on_load, outputs=[choices, model, run, shots, seed, *found, compare, shown])
    model.input(shell.friendly(page.runs_of), [shown, model], run, **shell.QUIET)
    compare.click(shell.friendly(page.start), [shown, model, run, shots, seed], [progress, compare], **shell.ACT)
    progress.finish(shell.friendly(page.finished), shown, [header, *found, compare], **shell.QUIET)
    doubt.edit(shell.friendly(page.accept), shown, doubt, **shell.QUIET)
