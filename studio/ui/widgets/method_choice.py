"""What people call the methods of a run and the modes of fine-tuning, and what a mode took in this project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.core.config import Mode
from studio.ui.widgets.markup import Markup, duration, percent, plural, tag
from studio.workspace.modes import Measured
from studio.workspace.training import methods

METHODS = [("Fine-tune (LoRA)", "lora"), ("Best of the quick methods", "few-shot"), ("Let the evidence choose", "best")]
"""(title, method) offered to everyone."""

RUNGS = {"linear": "Linear head", "tip": "Tip-Adapter", "gda": "Gaussian discriminant", "prolip": "Projection (ProLIP)"}
"""Where a method's title is more than its name."""

MODES: list[tuple[str, Mode]] = [
    ("Recommended: what did well for this kind of model", "preset"),
    ("Fast: the top two blocks, what lies below computed once", "fast"),
    ("Best: all layers", "best"),
    ("Paper: CLIP-LoRA's recipe for pictures, at most 2,000 steps", "paper"),
    ("Custom: as the advanced fields say", "custom"),
]


def title_of(method: str) -> str:
    """A method or a rung in words, whether its name is written with `-` or `_`."""
    name = method.replace("_", "-")
    return {value: title for title, value in METHODS}.get(name) or RUNGS.get(name) or name.capitalize()


def single_methods() -> list[tuple[str, str]]:
    """(title, method) of every rung, for those who want one in particular."""
    offered = {value for _, value in METHODS}
    return [(title_of(name), name) for name in methods() if name not in offered]


def method_chosen(method: str) -> dict[str, Any]:
    """The update that shows this method among those offered to everyone, also where it is a single rung."""
    offered = METHODS if method in {value for _, value in METHODS} else [*METHODS, (title_of(method), method)]
    update: dict[str, Any] = gr.update(choices=offered, value=method)
    return update


def modes_measured(found: Mapping[Mode, Measured], measure: str) -> Markup:
    """One line a mode that a run of this project had; no figure that was not measured."""
    if not found:
        words = "What a mode takes and brings stands here once a run of this project with this model has measured it."
        return tag("p", words, class_="st-note")
    modes = [(title.split(":")[0], name) for title, name in MODES if name in found]
    lines = (tag("li", tag("b", title), f" {_line(found[name], measure)}") for title, name in modes)
    return tag("div", tag("p", "Measured here:", class_="st-note"), tag("ul", *lines), class_="lr-measured")


def _line(seen: Measured, measure: str) -> str:
    speed = f"{seen.steps_per_s:.3g} steps/s" if seen.steps_per_s else ""
    took = f"{plural(seen.steps, 'step')} in {duration(seen.seconds)}" if seen.seconds else plural(seen.steps, "step")
    right = f"validation {measure} {percent(seen.accuracy)}" if seen.accuracy is not None else ""
    return ", ".join(filter(None, (took, speed, right))) + f" ({seen.run.replace('run-', 'run ')})"
