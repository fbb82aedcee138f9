"""A plot as HTML: stretched SVG for lines and bands, every text beside it in HTML. Knows figures, not what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from studio.ui.widgets.markup import Child, Markup, tag

WIDTH, HEIGHT = 600, 300
"""Of the SVG's own units; the page stretches them, strokes keep their width."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, with words at `ticks`."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str
    log: bool = False

    def place(self, value: float) -> float:
        """Share of the axis, kept within it."""
        low, high, at = (
            (log(v) for v in (self.low, self.high, max(value, self.low))) if self.log else (self.low, self.high, value)
        )
        return min(1.0, max(0.0, (at - low) / (high - low)))


@dataclass(frozen=True, slots=True)
class Plot:
    """Two axes, on which shapes are drawn and labelled."""

    x: Axis
    y: Axis

    def line(self, points: Sequence[Point], class_: str) -> Markup:
        """A line through `points`; `line0`, `line1`, `dashed`, `thin` are classes of the style sheet."""
        return self._shape("polyline", points, f"line {class_}", "none")

    def dots(self, points: Iterable[Point], class_: str) -> list[Markup]:
        """Round dots: lines of no length with round ends, which stretching leaves round."""
        return [self._shape("polyline", (point, point), f"line dot {class_}", "none") for point in points]

    def band(self, low: Sequence[Point], high: Sequence[Point]) -> Markup:
        """The area between two lines."""
        return self._shape("polygon", (*low, *reversed(high)), "band", None)

    def drawn(self, shapes: Iterable[Child], spoken: str) -> Markup:
        """The whole: ticks, grid, shapes, and `spoken` for those who cannot see it."""
        grid = [self.line(((self.x.low, at), (self.x.high, at)), "grid") for at, _ in self.y.ticks]
        svg = tag(
            "svg", *grid, *shapes, viewBox=f"0 0 {WIDTH} {HEIGHT}", preserveAspectRatio="none", role="img", aria_label=spoken
        )
        ups = (tag("span", words, style=f"bottom:{100 * self.y.place(at):.2f}%") for at, words in self.y.ticks)
        acrosses = (tag("span", words, style=f"left:{100 * self.x.place(at):.2f}%") for at, words in self.x.ticks)
        return tag(
            "div",
            tag("p", self.y.title, class_="lr-up"),
            tag("div", *ups, class_="lr-ys", aria_hidden="true"),
            tag("div", svg, class_="lr-canvas"),
            tag("div", *acrosses, class_="lr-xs", aria_hidden="true"),
            tag("p", self.x.title, class_="lr-across"),
            class_="lr-graph",
        )

    def _shape(self, name: str, points: Iterable[Point], class_: str, fill: str | None) -> Markup:
        at = " ".join(f"{WIDTH * self.x.place(x):.1f},{HEIGHT * (1 - self.y.place(y)):.1f}" for x, y in points)
        return tag(name, points=at, class_=class_, fill=fill, vector_effect="non-scaling-stroke")


def figure(title: str, legend: Sequence[tuple[str, str]], *parts: Child) -> Markup:
    """A card with a title and a legend of (words, classes of the line)."""
    keys = (tag("span", tag("i", class_=kind), words) for words, kind in legend)
    caption = tag("figcaption", tag("b", title), tag("span", *keys, class_="lr-legend") if legend else None)
    return tag("figure", caption, *parts, class_="lr-chart st-card")


def shares(low: float, high: float, title: str) -> Axis:
    """An axis in percent with round ticks that holds `low` and `high`, shares from 0 to 1."""
    step = next((s for s in (1, 2, 5, 10, 20) if 100 * (high - low) <= 5 * s), 25)
    first = max(0, int(100 * low // step) * step)
    last = min(100, -int(-100 * high // step) * step)
    if last <= first:
        first, last = max(0, last - step), max(step, last)
    ticks = tuple((at / 100, f"{at} %") for at in range(first, last + 1, step))
    return Axis(first / 100, last / 100, ticks, title)
