"""Item by item, what a second method does otherwise than the first: pictures to look at beside the figures."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.results.comparison import Answered, Changes
from studio.core.types import Item, Prediction

SHOWN = 12
"""Items of each kind."""
LONGEST = 300
"""Characters of a text."""


def changes(titles: tuple[str, str], items: Sequence[Item], before: Sequence[Prediction], after: Sequence[Prediction]) -> Changes:
    """Of labelled `items` and the two methods' answers to them, in the same order; the surest answers come first."""
    seen = [_answered(item, one, two) for item, one, two in zip(items, before, after, strict=True)]
    seen.sort(key=lambda a: -a.confidence)
    fixed = [a for a in seen if a.before != a.truth == a.after]
    broken = [a for a in seen if a.before == a.truth != a.after]
    worst = [a for a in seen if a.after != a.truth]
    return Changes(*titles, len(fixed), len(broken), *(tuple(kind[:SHOWN]) for kind in (fixed, broken, worst)))


def _answered(item: Item, before: Prediction, after: Prediction) -> Answered:
    content = {part: value if len(value) <= LONGEST else f"{value[:LONGEST]}…" for part, value in item.content.items()}
    return Answered(item.id, item.name, content, str(item.label), before.label, after.label, after.confidence)
