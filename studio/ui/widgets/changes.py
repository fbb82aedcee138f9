"""Pictures and texts that fine-tuning fixed, those that it broke, and the mistakes of which it is surest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from studio.core.results.comparison import Answered, Changes
from studio.ui.widgets.fold import fold
from studio.ui.widgets.markup import Markup, join, listed, percent, plural, tag

Picture = Callable[[str], str]
"""Of a content hash: the address of its picture."""


def change_galleries(changes: Changes, picture: Picture | None, several: bool = False) -> Markup:
    """Two galleries side by side that stand open, and the worst mistakes folded below them."""
    before, after = changes.before, changes.after
    if several:
        fixed, broken, worst = (tuple(map(_listed, kind)) for kind in (changes.fixed, changes.broken, changes.worst))
        changes = replace(changes, fixed=fixed, broken=broken, worst=worst)
    kinds = (
        ("Fixed", changes.n_fixed, changes.fixed, f"{after} is right where {before} was wrong", "good"),
        ("Broken", changes.n_broken, changes.broken, f"{after} is wrong where {before} was right", "bad"),
    )
    both = tag("div", *(_kind(*kind, picture) for kind in kinds), class_="ch-both")
    said = f"{after} is surest of these, and wrong." if changes.worst else f"{after} makes none."
    mistakes = fold("Which mistakes are the worst?", said, _gallery(changes.worst, picture) if changes.worst else None)
    return join([both, mistakes])


def _listed(one: Answered) -> Answered:
    """Its sets of classes as people read them."""
    return replace(one, truth=listed(one.truth), before=listed(one.before), after=listed(one.after))


def _kind(title: str, count: int, shown: Sequence[Answered], note: str, kind: str, picture: Picture | None) -> Markup:
    head = tag("h3", f"{title}: {count:,}", tag("small", f" {note}"))
    if not count:
        return tag("section", head, tag("p", "None.", class_="st-note"), class_=f"st-card ch-kind {kind}")
    more = count - len(shown)
    rest = tag("p", f"and {plural(more, 'more item')}", class_="st-note") if more > 0 else None
    return tag("section", head, _gallery(shown, picture), rest, class_=f"st-card ch-kind {kind}")


def _gallery(shown: Sequence[Answered], picture: Picture | None) -> Markup:
    return tag("ul", *(_item(one, picture) for one in shown), class_="ch-gallery")


def _item(one: Answered, picture: Picture | None) -> Markup:
    image, words = one.content.get("image"), one.content.get("text")
    seen = (
        tag("img", src=picture(image), alt=one.name, loading="lazy", width=120, height=120)
        if image and picture
        else tag("q", words or one.name, title=words)
    )
    answers: list[str] = [_answer(one.before, one.truth)]
    if one.after != one.before:
        answers += [" → ", _answer(one.after, one.truth)]
    truth = None if one.truth in (one.before, one.after) else tag("span", f"is {one.truth}", class_="ch-truth")
    sure = tag("small", f"{percent(one.confidence, 0)} sure")
    return tag("li", seen, tag("span", *answers, class_="ch-said"), truth, sure, title=one.name)


def _answer(said: str, truth: str) -> Markup:
    right = said == truth
    spoken = tag("span", "right: " if right else "wrong: ", class_="st-sr")
    return tag("b" if right else "s", spoken, said, class_="right" if right else "wrong")
