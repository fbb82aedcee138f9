"""Markup: HTML built from Python values, escaped by construction, and figures as people read them. Knows nothing of projects.

A template's `{{…}}` would not do: Gradio evaluates the filled template as a JavaScript template literal, so `${…}` in a
class's name would run. What is built here goes through `${value}`, which is not evaluated again.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from studio.core.types import classes_in

VOID = frozenset({"br", "img", "input"})

Child = str | None
Attribute = str | int | float | bool | None


class Markup(str):
    """Text that is safe HTML already. Only `tag` and `join` make it."""

    __slots__ = ()


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """One element. Children that are not Markup are escaped.

    `class_` is class, `data_id` is data-id; attributes that are None or False are left out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[Child]) -> Markup:
    """Elements and texts side by side."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts if part is not None))


def percent(share: float | None, digits: int = 1) -> str:
    """`0.633` → `63.3 %`; a dash for None."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def listed(label: str) -> str:
    """A set of classes as people read it: `red | round` → `red, round`."""
    return ", ".join(classes_in(label)) or label


def interval(ci: tuple[float, float] | None) -> str:
    """`(0.581, 0.682)` → `58.1–68.2 %`; empty for None."""
    return "" if ci is None else f"{100 * ci[0]:.1f}–{100 * ci[1]:.1f} %"


def plural(count: int, word: str) -> str:
    """`1 item`, `1,204 items`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def took(milliseconds: float) -> str:
    """`41 ms`, and `0.4 ms` below ten."""
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def duration(seconds: float) -> str:
    """`41 ms`, `3.2 s`, `48 s`, `6 min`."""
    if seconds < 1:
        return took(1000 * seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:,.0f} min"


def _attribute(key: str, value: str | int | float | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
