"""What every page shares: the header with the stepper, errors as toasts, empty states, values filled in on load.

Owns no use case: it asks the workspace what is done and shows it. All text from projects is escaped here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NoReturn, ParamSpec, TypeVar

import gradio as gr
from gradio.context import Context

from studio.core.errors import BadInput, CannotRun, StudioError
from studio.core.results.projects import Missing
from studio.ui.login import PATH as SIGNED_IN
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

STEPS: tuple[tuple[str, str], ...] = (
    ("data", "Data"),
    ("models", "Models"),
    ("label", "Label"),
    ("train", "Train"),
    ("test", "Test"),
    ("compare", "Compare"),
    ("share", "Share"),
)
"""(path, title) of the steps of a project, in order."""

ACT: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
"""For events that a person waits for a word about: past the queue, Gradio shows no gr.Info."""

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""For events that answer at once."""

P = ParamSpec("P")
R = TypeVar("R")


def header(workspace: Workspace, active: str) -> gr.HTML:
    """Draw the top of a page; `active` is the page's PATH, or "" on the start page. Filled in on each load.

    Returns the component, so that a handler can give it a new `header_html` when something became done.
    """
    gr.Navbar(visible=False)
    bar = gr.HTML(_header(None, active, {}, workspace.settings.login), elem_id="studio-header", js_on_load=None)
    on_load(lambda: header_html(workspace, active), outputs=bar)
    return bar


def count_along(event: Any, workspace: Workspace, active: str, bar: gr.HTML) -> None:
    """Draw the header anew whenever `event` says that something was counted."""
    # the last one counts: "once" would drop it while an earlier one is answered
    event(functools.partial(header_html, workspace, active), None, bar, trigger_mode="always_last", **QUIET)


def header_html(workspace: Workspace, active: str) -> str:
    """The header as it stands now."""
    project = workspace.project()
    return _header(project, active, done(project) if project else {}, workspace.settings.login)


def done(project: OpenProject) -> dict[str, str]:
    """What each finished step has to say, by path; a step that is not finished is absent."""
    counts = project.labelling.counts()
    learnt_from = sum(n for split, n in counts.labelled_by_split.items() if split != "test")
    runs = [run for run in project.training.runs() if run.status == "done"]
    compared = project.testing.last_comparison()
    steps = {
        "data": f"{counts.total:,} items" if counts.total else "",
        "models": "chosen" if project.model() else "",
        "label": f"{learnt_from:,} labelled" if learnt_from else "",
        "train": f"{len(runs)} done" if runs else "",
        "test": "tried" if project.testing.was_used() else "",
        "compare": "verdict" if compared and compared.learnt else "",
        "share": "exported" if project.sharing.was_used() else "",
    }
    return {step: note for step, note in steps.items() if note}


def render_error(error: StudioError) -> NoReturn:
    """Show an error of the house as a toast: what happened and what to do."""
    # Gradio 6.31 sends the title and its page shows "Error" instead (it reads `_title`); so the message has to do without it
    title = (
        "This does not work yet" if isinstance(error, CannotRun) else "Please check" if isinstance(error, BadInput) else "Error"
    )
    # Gradio takes it for HTML, and cleans it only after a browser has begun to load what stands in it
    said = escape(f"{error.message} {error.hint}".strip(), quote=False)
    raise gr.Error(said, duration=15, title=title, print_exception=False) from error


def friendly(handler: Callable[P, R]) -> Callable[P, R]:
    """A handler whose StudioErrors reach the person as a toast."""

    @functools.wraps(handler)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except StudioError as error:
            render_error(error)

    return shown


def on_load(handler: Callable[..., Any], outputs: Any, inputs: Any = None) -> None:
    """Run `handler` each time this page is loaded in a browser, past the queue."""
    blocks = Context.root_block
    if blocks is None:
        raise RuntimeError("on_load() belongs inside a page's build()")
    blocks.load(friendly(handler), inputs=inputs, outputs=outputs, queue=False, show_progress="hidden", api_visibility="private")


def title(text: str, note: str = "", on_phone: str = "") -> None:
    """A page's heading with one sentence beside it; on a phone another, where that is given."""
    gr.HTML(title_html(text, note, on_phone), js_on_load=None)


def title_html(text: str, note: str = "", on_phone: str = "") -> str:
    """The same as HTML, where what it says depends on the project."""
    notes = f"<small>{escape(note)}</small>"
    if on_phone:
        notes = f'<small class="st-wide">{escape(note)}</small><small class="st-phone">{escape(on_phone)}</small>'
    return f'<h1 class="st-title">{escape(text)} {notes}</h1>'


def empty(text: str, note: str = "", links: Sequence[tuple[str, str]] = ()) -> str:
    """An empty state as HTML: what is missing, why, and links (address, words) to what to do; the first is primary."""
    buttons = "".join(
        f'<a class="st-button{" primary" if n == 0 else ""}" href="{escape(href)}">{escape(words)}</a>'
        for n, (href, words) in enumerate(links)
    )
    return f'<div class="st-empty"><h2>{escape(text)}</h2><p>{escape(note)}</p><p class="st-actions">{buttons}</p></div>'


def lacking(missing: Missing) -> tuple[str, str, list[tuple[str, str]]]:
    """What `empty` takes to say what is missing and to lead to where it is got."""
    said = CannotRun.saying(missing.why)
    return said.message, said.hint, [(f"/{missing.step}", f"Go to {dict(STEPS)[missing.step]}")]


def no_project() -> str:
    """The empty state of every page but the first while no project is open."""
    return empty(
        "No project is open.", "Try a sample, open a project of yours, or create a new one.", [("/", "Go to the projects")]
    )


def _header(project: OpenProject | None, active: str, finished: dict[str, str], login: bool) -> str:
    optional = {"label"} if project and not project.classifies else set()  # a pair counts as a match until it is labelled
    following = next((path for path, _ in STEPS if path not in {*finished, *optional}), "") if project else ""
    notes = {**dict.fromkeys(optional, "optional"), following: "next", **finished}
    steps = "".join(_step(n, path, words, active, finished, notes) for n, (path, words) in enumerate(STEPS, start=1))
    name = f"<strong>{escape(project.name)}</strong><span>{escape(project.task_title)}</span>" if project else ""
    if project and project.read_only:
        name += f'<span class="st-bad" role="status">Read-only: {escape(project.read_only)}. Look and export only.</span>'
    nav = f'<nav class="st-steps" aria-label="Steps"><ol>{steps}</ol></nav>' if project or active else ""
    out = f'<a class="st-out" href="{SIGNED_IN}">Sign out</a>' if login else ""
    brand = '<a class="st-brand" href="/">Studio</a>'
    return f'<header class="st-header">{brand}<div class="st-project">{name}</div>{nav}{out}</header>'


def _step(number: int, path: str, words: str, active: str, finished: dict[str, str], notes: dict[str, str]) -> str:
    note = notes.get(path, "")
    kind = "done" if path in finished else "next" if note == "next" else ""
    mark = "✓" if path in finished else str(number)
    current = ' aria-current="page"' if path == active else ""
    return (
        f'<li class="{kind}"><a href="/{path}"{current}><i aria-hidden="true">{mark}</i>'
        f"<b>{escape(words)}</b><small>{escape(note)}</small></a></li>"
    )
