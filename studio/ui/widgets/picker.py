"""Examples to click: pictures or texts of the project. Triggers `pick` with the item's id; loads nothing itself."""

from __future__ import annotations

from collections.abc import Iterable

import gradio as gr

from studio.core.types import Item
from studio.ui import theme
from studio.ui.server import MEDIA
from studio.ui.widgets.markup import Markup, tag
from studio.workspace.open_project import OpenProject


def picker(elem_id: str) -> gr.HTML:
    """Its value is the Markup of `examples`; see `assets/js/picker.js`."""
    return gr.HTML("", js_on_load=theme.script("picker"), apply_default_css=False, elem_id=elem_id)


def examples(project: OpenProject, items: Iterable[Item]) -> Markup:
    """Buttons, one an item; of a pair its picture is shown."""
    shows = project.modalities[0]
    buttons = [_example(project, item, shows) for item in items]
    if not buttons:
        return Markup("")
    return tag(
        "div",
        tag("p", "Or click one of the project's own items", class_="st-note"),
        tag("div", *buttons, class_=f"lr-strip {shows}"),
    )


def subject_card(project: OpenProject, item: Item) -> Markup:
    """The item that the answers are about, with what people called it."""
    shows = project.modalities[0]
    known = f"labelled {_called(project, item)}" if item.label else "not labelled"
    label = f"“{item.content['text']}”" if len(item.content) > 1 else known
    words = tag("span", tag("b", item.name), f" · {label} · {item.split} split")
    picture = tag("img", src=_source(project.id, item, 240), alt=item.name) if shows == "image" else None
    return tag("figure", picture, tag("figcaption", words), class_="lr-subject")


def _example(project: OpenProject, item: Item, shows: str) -> Markup:
    name = f"{item.name}, {_called(project, item)}" if item.label else item.name
    inside = (
        tag("img", src=_source(project.id, item, 96), alt=name, loading="lazy")
        if shows == "image"
        else tag("span", item.content["text"])
    )
    return tag("button", inside, type="button", data_pick=item.id, title=name)


def _called(project: OpenProject, item: Item) -> str | None:
    """As people read its label: where an item may be of several classes, with commas between."""
    return ", ".join(item.labels) or item.label if project.several else item.label


def _source(project_id: str, item: Item, size: int) -> str:
    return f"{MEDIA}/{project_id}/{item.content['image']}/{size}"
