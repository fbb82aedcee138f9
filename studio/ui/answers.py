"""Answers to the widgets' scripts: what a stranger may send is checked, what goes back always says `ok`.

A script cannot tell a failed call from an empty one, so every answer is `{"ok": true, …}` or `{"ok": false, "error", "hint"}`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from studio.core.errors import BadInput, NotFound, StudioError
from studio.core.results.projects import Activity
from studio.core.types import NONE_OF_THESE, ClassInfo, Item
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from studio.workspace.people import person

Payload = Mapping[str, Any]
Answer = dict[str, Any]

MAX_ITEM = 2**63 - 1
LONGEST_NAME = 200
"""Characters of a class's or a person's name."""
MOST_CLASSES = 1_000
LONGEST_SET = MOST_CLASSES * (LONGEST_NAME + 3)
"""Of one item, where it may be of several classes."""

log = logging.getLogger(__name__)


def answering(handler: Callable[[Payload], Answer]) -> Callable[[Any], Answer]:
    """A handler as a server function: refuses what is not an object, turns every error into `ok: false`."""

    def answer(payload: Any) -> Answer:
        try:
            if not isinstance(payload, Mapping):
                raise BadInput("The page sent something that is not an object.", "Reload the page.")
            return {"ok": True, **handler(payload)}
        except StudioError as error:
            return {"ok": False, "error": error.message, "hint": error.hint}
        except Exception:  # the script would take an answer that never comes for a lost one and send the act again, for ever
            log.exception("%s failed", answer.__name__)
            return {"ok": False, "error": "Studio failed at this.", "hint": "The reason is in the terminal where it was started."}

    # Gradio finds a server function by its name; its signature must stay the one above
    functools.update_wrapper(answer, handler, assigned=("__name__", "__qualname__", "__doc__"))
    del answer.__wrapped__  # type: ignore[attr-defined]
    return answer


def open_project(workspace: Workspace, payload: Payload) -> OpenProject:
    """The open project, which the payload has to name, as `shown_project`."""
    return shown_project(workspace, payload.get("project"))


def page_project(workspace: Workspace, payload: Payload) -> OpenProject | None:
    """For what a page only shows: the open project, None where none is.

    A page that shows one already names it, so that no part of it goes on with another. Raises like `open_project`.
    """
    return workspace.project() if payload.get("project") is None else open_project(workspace, payload)


def shown_project(workspace: Workspace, shown: object) -> OpenProject:
    """The open project, where `shown` is its id: a page left open from before must not act on another one.

    Raises NotFound where none is open, BadInput where another one is.
    """
    project = workspace.project()
    if project is None:
        raise NotFound("No project is open.", "Open one on the first page.")
    if shown != project.id:
        raise BadInput(f"This page shows another project; open is {project.name!r}.", "Reload the page.")
    return project


def text(payload: Payload, name: str, longest: int) -> str:
    """A text of at most `longest` characters. Raises BadInput."""
    value = payload.get(name)
    if not isinstance(value, str) or len(value) > longest or "\x00" in value or not _is_unicode(value):
        raise BadInput(f"{name} has to be a text of at most {longest:,} characters.", "Change it and try again.")
    return value


def _is_unicode(value: str) -> bool:
    """JSON can hold half of a character, which nothing can keep."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def author(workspace: Workspace, payload: Payload) -> str:
    """Who sits at the browser that asks; before they have said so, whoever Studio was started for. Raises BadInput."""
    return person(text(payload, "author", LONGEST_NAME)) if payload.get("author") else workspace.settings.author


def seen_author(workspace: Workspace, payload: Payload) -> str:
    """As `author`, for what only shows: a name that is refused does not keep its browser from a page."""
    try:
        return author(workspace, payload)
    except BadInput:
        return workspace.settings.author


def label_text(project: OpenProject, payload: Payload, name: str) -> str:
    """A class, or where an item may be of several, the text of a set of them. Raises BadInput."""
    return text(payload, name, LONGEST_SET if project.several else LONGEST_NAME)


def texts(payload: Payload, name: str, most: int, longest: int) -> list[str]:
    """Up to `most` texts of at most `longest` characters. Raises BadInput."""
    values = payload.get(name)
    if not isinstance(values, list) or len(values) > most:
        raise BadInput(f"{name} has to be a list of at most {most:,} texts.", "Reload the page.")
    return [text({name: value}, name, longest) for value in values]


def integer(payload: Payload, name: str) -> int:
    """A whole number from 0. Raises BadInput."""
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ITEM:
        raise BadInput(f"{name} has to be a whole number.", "Reload the page.")
    return value


def integers(payload: Payload, name: str, most: int) -> list[int]:
    """Up to `most` whole numbers from 0. Raises BadInput."""
    values = payload.get(name)
    if not isinstance(values, list) or len(values) > most or any(type(v) is not int or not 0 <= v <= MAX_ITEM for v in values):
        raise BadInput(f"{name} has to be a list of at most {most:,} numbers.", "Reload the page.")
    return values


def item_json(item: Item) -> Answer:
    return {
        "id": item.id,
        "name": item.name,
        "sha": item.content.get("image"),
        "text": item.content.get("text"),
        "label": NONE_OF_THESE if item.none else item.label,
        "split": item.split,
        "note": item.note,
    }


def class_json(info: ClassInfo) -> Answer:
    return {"name": info.name, "n": info.labelled, "guideline": info.guideline}


def project_json(project: OpenProject) -> Answer:
    return {
        "id": project.id,
        "name": project.name,
        "task": project.task,
        "modalities": list(project.modalities),
        "classifies": project.classifies,
        "several": project.several,
    }


def newest(workspace: Workspace, activity_id: str | None) -> Activity | None:
    """That activity, None where there is none or it is long over."""
    try:
        return workspace.activities.get(activity_id) if activity_id else None
    except NotFound:
        return None


def activity_json(activity: Activity | None) -> Answer | None:
    """What the progress bar needs; never the result."""
    if activity is None:
        return None
    shown = ("id", "kind", "title", "done", "total", "what", "eta_s", "state", "error", "hint")
    return {name: getattr(activity, name) for name in shown}
