"""Confusion matrices as heat maps: rows are truths, columns answers. A row's colour is the share of its items."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.results.comparison import Score
from studio.ui.widgets.markup import Markup, join, plural, tag

NUMBERS_UP_TO = 16
"""With more classes the cells are small: colour alone, the figure on hover."""


def confusion_maps(scores: Sequence[Score], classes: Sequence[str]) -> Markup:
    """One map a method, side by side where there is room."""
    maps = [heat_map(score, classes) for score in scores if score.confusion]
    many = " many" if len(classes) > NUMBERS_UP_TO else ""
    return tag("div", *maps, class_=f"lr-maps{many}")


def heat_map(score: Score, classes: Sequence[str]) -> Markup:
    """`score.confusion` is `[C][C]`, in the order of `classes`."""
    corner = tag("th", "truth ↓ answer →", scope="col", class_="corner")
    head = tag("tr", corner, *(tag("th", tag("span", name, title=name), scope="col") for name in classes))
    rows = join(
        _row(name, index, counts, classes) for index, (name, counts) in enumerate(zip(classes, score.confusion, strict=True))
    )
    grid = tag("table", tag("thead", head), tag("tbody", rows), class_="lr-map")
    caption = tag("figcaption", tag("b", score.title), f" · {worst(score, classes)}")
    return tag(
        "figure",
        caption,
        tag("div", grid, class_="lr-scroll", tabindex=0, role="region", aria_label=f"Confusion matrix, {score.title}"),
    )


def _row(name: str, truth: int, counts: Sequence[int], classes: Sequence[str]) -> Markup:
    total = sum(counts) or 1
    cells = (
        _cell(count, count / total, truth == answer, f"{name} → {classes[answer]}", len(classes))
        for answer, count in enumerate(counts)
    )
    return tag("tr", tag("th", name, scope="row", title=name), *cells)


def _cell(count: int, share: float, right: bool, what: str, classes: int) -> Markup:
    if not count:
        return tag("td", class_="right" if right else None)
    words = f"{count:,}" if classes <= NUMBERS_UP_TO else None
    return tag("td", words, class_="right" if right else "wrong", style=f"--h:{100 * share:.0f}%", title=f"{what}: {count:,}")


def worst(score: Score, classes: Sequence[str]) -> str:
    """How many mistakes there are, and the commonest."""
    mistakes = [
        (count, classes[truth], classes[answer])
        for truth, counts in enumerate(score.confusion)
        for answer, count in enumerate(counts)
        if truth != answer and count
    ]
    if not mistakes:
        return "no mistakes"
    count, truth, answer = max(mistakes)
    return f"{plural(sum(m[0] for m in mistakes), 'mistake')}; most often {truth} taken for {answer} ({count:,})"
