"""The project's search for settings: the box that starts one, and the board that follows it.

The board polls once a second, like the run monitor: a reload or a second tab shows the truth. Keeps nothing between two
questions.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import gradio as gr

from studio.core.errors import BadInput
from studio.core.results.training import AutoState
from studio.ui import theme
from studio.ui.answers import Answer, Payload, answering, open_project, page_project
from studio.ui.widgets.markup import Markup, tag
from studio.ui.widgets.method_choice import title_of
from studio.ui.widgets.plan import command_line
from studio.ui.widgets.trials import trials_plot
from studio.workspace import Workspace

MINUTES = 10

WHAT = "Tries settings of fine-tuning as ordinary runs, then compares the best with every quick method, on your labels alone."


class SearchBoard:
    """Answers the board's script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def look(self, payload: Payload) -> Answer:
        """The newest search; its trials as HTML where they are not those of `digest`."""
        project = page_project(self.workspace, payload)
        if project is None:
            return {"project": None, "search": None}
        found = project.auto.state()
        shown = None if found is None else _search(found, project.model_title(found.model))
        answer: Answer = {"project": project.id, "search": shown}
        if found is not None:
            answer["digest"] = _digest(found)
            if payload.get("digest") != answer["digest"]:
                answer["trials"] = trials_plot(found.trials, found.status == "running", found.best_run) if found.trials else ""
        return answer

    def steer(self, payload: Payload) -> Answer:
        """One of stop, resume."""
        project = open_project(self.workspace, payload)
        match payload.get("act"):
            case "stop":
                project.auto.stop()
            case "resume":
                project.auto.resume()
            case _:
                raise BadInput("The page asked for something unknown.", "Reload the page.")
        return {}


class SearchForm:
    """Draws the box that starts a search: minutes, a button, the command line."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="st-card lr-search-form") as self.box:
            self.note = gr.HTML(search_note(None), js_on_load=None, apply_default_css=False, elem_id="search-note")
            with gr.Row(elem_classes="lr-choices"):
                self.minutes = gr.Number(
                    MINUTES, label="Minutes", placeholder=f"{MINUTES}", min_width=90, elem_id="search-minutes"
                )
                self.start = gr.Button("Search", variant="primary", interactive=False, min_width=120, elem_id="search-start")
            self.command = command_line("search-command")


def search_board(board: SearchBoard, elem_id: str) -> gr.HTML:
    """The search while it works and after; see `assets/js/auto_search.js`. Nothing where there was none.

    Give it a new value to make it look again. Triggers `use` for the settings that were found.
    """
    return gr.HTML(
        html_template='<div class="lr-search" aria-live="polite"></div>',
        js_on_load=theme.script("dom", "auto_search"),
        server_functions=[answering(board.look), answering(board.steer)],
        apply_default_css=False,
        elem_id=elem_id,
    )


def budget(minutes: Any) -> float:
    """The minutes that the field sent; an empty one is `MINUTES`, as its placeholder says."""
    return float(MINUTES if minutes is None else minutes)


def search_note(why: str | None) -> Markup:
    """What a search does; why it would compare the rungs alone, or cannot start, where that is so."""
    said = tag("p", why, class_="lr-why", role="status") if why else None
    return tag("div", tag("h3", "Let Studio search"), tag("p", WHAT, class_="st-note"), said, class_="lr-search-note")


def _search(found: AutoState, model: str) -> dict[str, Any]:
    at_work = next((row for row in found.trials if not row.ended), None)
    used = sum(row.seconds for row in found.trials)
    best = found.best
    return {
        "status": found.status,
        "minutes": found.minutes,
        "model": model,
        "note": found.note,
        "used_s": used,
        "left_s": max(0.0, 60 * found.minutes - used),
        "trial": {"number": at_work.number, "run": at_work.run} if at_work else None,
        "best": {"title": title_of(best.rung), "reason": best.reason, "run": best.run} if best else None,
    }


def _digest(found: AutoState) -> str:
    """Changes when the trials do; the time of the one at work is said beside them."""
    rows = [{**asdict(row), "seconds": row.seconds if row.ended else 0, "looks": {}} for row in found.trials]
    return hashlib.sha256(json.dumps([found.started, found.status, rows]).encode()).hexdigest()[:16]
