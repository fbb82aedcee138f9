"""How zero-shot says each class: one field a class. Triggers `edit` shortly after the last key; keeps nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from studio.core.errors import BadInput
from studio.core.types import ClassInfo
from studio.ui import theme

LONGEST = 300


def phrase_editor(elem_id: str) -> gr.HTML:
    """Its value is `{"rows": [{"name", "phrase"}, …]}`; see `assets/js/phrases.js`."""
    return gr.HTML(
        {"rows": []},
        html_template='<div class="lr-phrases" role="group" aria-label="What zero-shot calls each class"></div>',
        js_on_load=theme.script("dom", "phrases"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def phrase_rows(classes: Sequence[ClassInfo]) -> dict[str, Any]:
    """The editor's value for these classes."""
    return {"rows": [{"name": c.name, "phrase": c.phrase} for c in classes]}


def phrases_of(value: Any) -> tuple[tuple[str, str], ...]:
    """(class, phrase) pairs from what the browser sent. Raises BadInput for another form or an empty phrase."""
    rows = value.get("rows") if isinstance(value, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise BadInput("The class names came in a form that is not known.", "Reload the page.")
    pairs = tuple((row.get("name"), row.get("phrase")) for row in rows)
    for name, phrase in pairs:
        if not isinstance(name, str) or not isinstance(phrase, str) or len(phrase) > LONGEST:
            raise BadInput(f"A class is described in at most {LONGEST} characters.", "Shorten it.")
        if not phrase.strip():
            raise BadInput(f"{name!r} has no words.", "Write how a caption would name it.")
    return tuple((str(name), str(phrase).strip()) for name, phrase in pairs)
