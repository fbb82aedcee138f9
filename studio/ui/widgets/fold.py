"""A section that is folded away behind its question and, in words, its answer."""

from __future__ import annotations

from studio.ui.widgets.markup import Child, Markup, tag


def fold(question: str, answer: str, *parts: Child, unfolded: bool = False) -> Markup:
    """Without `parts` there is nothing to unfold: question and answer alone."""
    said = (tag("b", question), tag("span", answer))
    if not any(parts):
        return tag("section", *said, class_="st-card lr-section")
    return tag("details", tag("summary", *said), tag("div", *parts), class_="st-card lr-section", open=unfolded)
