"""The samples on the start page: a card each, and one click that opens a copy."""

from __future__ import annotations

from base64 import b64encode

import gradio as gr

from studio.core.results.projects import Sample
from studio.ui import theme
from studio.ui.answers import Answer, Payload, answering, text
from studio.ui.widgets.projects import href_of
from studio.workspace import Workspace

LONGEST_NAME = 200


class Samples:
    """Answers the cards' script."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def samples(self, payload: Payload) -> Answer:
        """Every sample as its card shows it."""
        return {"samples": [self._card(sample) for sample in self.workspace.samples()]}

    def open_sample(self, payload: Payload) -> Answer:
        """A copy of one, by its name; where to go then."""
        return {"href": href_of(self.workspace.open_sample(text(payload, "name", LONGEST_NAME)))}

    def _card(self, sample: Sample) -> Answer:
        cover = None if sample.problem else self.workspace.sample_cover(sample.name)
        return {
            "name": sample.name,
            "title": sample.title,
            "task_title": dict(self.workspace.tasks()).get(sample.task, ""),
            "description": sample.description,
            "items": sample.items,
            "quotes": list(sample.quotes),
            "cover": f"data:image/jpeg;base64,{b64encode(cover).decode()}" if cover else None,
            "problem": sample.problem,
        }


def sample_cards(samples: Samples) -> gr.HTML:
    """See `assets/js/samples.js`."""
    return gr.HTML(
        html_template='<section class="sm" aria-labelledby="sm-title"></section>',
        js_on_load=theme.script("dom", "samples"),
        server_functions=[answering(f) for f in (samples.samples, samples.open_sample)],
        apply_default_css=False,
        elem_id="samples",
    )
