"""What a run would do, in words: labels used per class, items, steps. Beside the Start button, before anything starts."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from studio.ui.widgets.markup import Markup, plural, tag
from studio.workspace.training import TrainPlan

CHIPS = 12
"""With more classes than this, the counts fold away behind their range."""


def plan_summary(plan: TrainPlan, emptied: Sequence[str] = ()) -> Markup:
    """The plan's figures, why it cannot start where it cannot, and what stands for the fields that are empty."""
    parts = [plural(plan.train_items, "training item"), plural(plan.validation_items, "validation item")]
    if plan.steps > 1:
        parts.append(plural(plan.steps, "step"))
    why = tag("p", plan.why_not, class_="lr-why", role="status") if plan.why_not else None
    falls_back = tag("p", f"Empty, so as the model's preset: {', '.join(emptied)}.", class_="st-note") if emptied else None
    return tag("div", why, tag("p", " · ".join(parts)), falls_back, _labels(plan), class_="lr-plan")


def not_a_plan(message: str) -> Markup:
    """In place of the summary: what is wrong with the settings."""
    return tag("div", tag("p", message, class_="lr-why", role="status"), class_="lr-plan")


def _labels(plan: TrainPlan) -> Markup | None:
    if not any(plan.per_class.values()):
        return None
    chips = tag("p", *(tag("span", f"{name} ", tag("b", f"{n:,}"), class_="st-badge") for name, n in plan.per_class.items()))
    low, high = min(plan.per_class.values()), max(plan.per_class.values())
    words = f"Labels per class: {low:,}" if low == high else f"Labels per class: {low:,} to {high:,}"
    open_at_first = len(plan.per_class) <= CHIPS
    return tag("details", tag("summary", words), chips, open=open_at_first)


def command_line(elem_id: str) -> gr.Textbox:
    """The equivalent command, to copy."""
    return gr.Textbox(
        label="The same on the command line", lines=2, max_lines=6, interactive=False, buttons=["copy"], elem_id=elem_id
    )
