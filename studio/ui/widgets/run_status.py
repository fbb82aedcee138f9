"""The runs of the open project, live: what the monitor's script may ask, and what it gets.

Polled once a second. The server knows the state, the tab does not: a reload or a second tab shows the truth.
Keeps nothing between two questions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.core.errors import BadInput
from studio.core.types import RunSnapshot, TrainEvent
from studio.ui import shell, theme
from studio.ui.answers import Answer, Payload, answering, integer, open_project, page_project, text
from studio.ui.widgets.method_choice import title_of
from studio.ui.widgets.model_choice import model_choices
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

MOST_POINTS = 1500
"""Points of one curve sent at once; a longer past is thinned."""

MOST_LINES = 300
"""Log lines sent at once, the newest."""

MOST_RUNS = 100
"""Rows of the table, the newest."""

LONGEST_ID = 200

RUN_FIELDS = (
    "id status method model step total loss accuracy steps_per_s eta_s memory_mb device error hint resumable has_adapter"
    " command note created started ended"
).split()

ROW_FIELDS = "id status method model step total accuracy".split()


class Monitor:
    """Answers the run monitor's script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def since(self, payload: Payload) -> Answer:
        """Everything new about one run: the one asked for, else the running one, else the newest.

        Points and log are those from line `since` on; 0 where the run is another than the page's.
        """
        project = page_project(self.workspace, payload)
        if project is None:
            return {"project": None}
        runs = project.training.runs()
        rows = [_row(project, run) for run in runs[:MOST_RUNS]]
        answer: Answer = {"project": project.id, "measure": project.measure, "digest": _digest(rows)}
        if payload.get("digest") != answer["digest"]:
            answer["runs"] = rows
            # once, like the Start button: it reads the items
            answer["missing"] = None if runs else self._missing(project)
        wanted = text(payload, "run", LONGEST_ID) if payload.get("run") is not None else None
        run = next((r for r in runs if r.id == wanted), None) or in_focus(runs)
        if run is None:
            return {**answer, "run": None}
        since = integer(payload, "since") if payload.get("run") == run.id and "since" in payload else 0
        events, following = project.training.events(run.id, since)
        return {
            **answer,
            "run": _run(project, run),
            "since": since,
            "next": following,
            "curves": curves(events),
            "log": log(events, project.measure),
        }

    def _missing(self, project: OpenProject) -> tuple[str, str, list[tuple[str, str]]] | None:
        """Text, note and links of what a first run waits for."""
        missing = project.training.missing(model_choices(self.workspace, project)[1])
        return shell.lacking(missing) if missing else None

    def act(self, payload: Payload) -> Answer:
        """One of stop, keep, resume, on one run."""
        project = open_project(self.workspace, payload)
        run = text(payload, "run", LONGEST_ID)
        match payload.get("act"):
            case "stop":
                project.training.stop(run)
            case "keep":
                project.training.stop(run, keep=True)
            case "resume":
                project.training.resume(run)
            case _:
                raise BadInput("The page asked for something unknown.", "Reload the page.")
        return {}


def run_monitor(monitor: Monitor, elem_id: str) -> gr.HTML:
    """Status, curves, runs and log; see `assets/js/run_monitor.js`.

    Set its value to `{"run": id}` to show that run. Triggers `reuse` with a run's id, and `finish` when a run has ended.
    """
    return gr.HTML(
        html_template='<div class="lr-monitor"></div>',
        js_on_load=theme.script("dom", "chart", "run_monitor"),
        server_functions=[answering(monitor.since), answering(monitor.act)],
        apply_default_css=False,
        elem_id=elem_id,
    )


def in_focus(runs: Sequence[RunSnapshot]) -> RunSnapshot | None:
    """The running run, else the newest; `runs` is newest first."""
    return next((run for run in runs if run.status == "running"), runs[0] if runs else None)


def curves(events: Sequence[TrainEvent]) -> dict[str, list[list[float]]]:
    """`{"loss", "val_loss", "accuracy"}` as [step, value] pairs, thinned to at most MOST_POINTS each."""
    points: dict[str, list[list[float]]] = {"loss": [], "val_loss": [], "accuracy": []}
    for event in events:
        if event.kind == "step":
            _add(points["loss"], event, "loss")
        elif event.kind == "eval":
            _add(points["val_loss"], event, "loss")
            _add(points["accuracy"], event, "accuracy")
    return {name: _thinned(series) for name, series in points.items()}


def log(events: Sequence[TrainEvent], measure: str) -> list[dict[str, Any]]:
    """What a person may want to read, newest MOST_LINES of it."""
    lines = [{"at": event.at, "text": words} for event in events if (words := _words(event, measure))]
    return lines[-MOST_LINES:]


def _words(event: TrainEvent, measure: str) -> str:
    values = event.values
    if event.kind == "eval" and isinstance(values.get("accuracy"), (int, float)):
        return f"step {event.step}: validation {measure} {100 * values['accuracy']:.1f} %"
    if event.kind == "checkpoint":
        return f"checkpoint at step {event.step}"
    if event.kind in ("log", "end", "start"):
        return str(values.get("message") or (f"{event.kind}: {values.get('status')}" if values.get("status") else ""))
    return ""


def _add(series: list[list[float]], event: TrainEvent, name: str) -> None:
    value = event.values.get(name)
    # a diverged loss is not a number, which JSON cannot carry
    if isinstance(value, (int, float)) and abs(value) < float("inf"):
        series.append([event.step, float(value)])


def _thinned(series: list[list[float]]) -> list[list[float]]:
    stride = -(-len(series) // MOST_POINTS) if series else 1
    return series if stride == 1 else series[::stride] + ([series[-1]] if (len(series) - 1) % stride else [])


def _rung(project: OpenProject, run: RunSnapshot) -> dict[str, str] | None:
    """Which rung a finished run is, and why."""
    found = project.training.chosen(run.id) if not run.tunes and run.status == "done" else None
    return {"title": title_of(found[0]), "reason": found[1]} if found else None


def _named(project: OpenProject, run: RunSnapshot) -> dict[str, str]:
    return {"title": title_of(run.method), "model_title": project.model_title(run.model)}


def _row(project: OpenProject, run: RunSnapshot) -> dict[str, Any]:
    return {**{name: getattr(run, name) for name in ROW_FIELDS}, **_named(project, run)}


def _run(project: OpenProject, run: RunSnapshot) -> dict[str, Any]:
    return {
        **{name: getattr(run, name) for name in RUN_FIELDS},
        **_named(project, run),
        "rung": _rung(project, run),
        "config": dict(run.config),
        "loss": run.loss if run.loss is not None and abs(run.loss) < float("inf") else None,
    }


def _digest(rows: Sequence[dict[str, Any]]) -> str:
    """Changes when the table does; a running row's step is left to the status card."""
    stable = [{**row, "step": 0 if row["status"] == "running" else row["step"]} for row in rows]
    return hashlib.sha256(json.dumps(stable).encode()).hexdigest()[:16]
