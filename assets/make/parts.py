"""The scenes of the sample "Parts inspection": steel parts on a conveyor, four defects beside sound ones and double feeds.

Few kinds of part, as a real inspection has, seen often: the demo CLIP knows defects in general, how they look on these is left to
learn. Many are slighter than those that it was trained on.
"""

from __future__ import annotations

import numpy as np

from assets.make.world import Group, Place, Rng, Scene, draw_combination

CLASSES = ("good", "scratched", "cracked", "chipped", "rusty", "two parts")
SHAPES = ("washer", "plate")
MATERIALS = ("steel",)
SEVERITY = (0.2, 0.7)
"""Of the defects; training begins at 0.45."""


def part(label: str, seed: int, number: int) -> Scene:
    """Picture `number` of a class; a pure function of its arguments."""
    rng = np.random.default_rng((seed, CLASSES.index(label), number))
    colour, shape, material = _combination(rng)
    pair = label == "two parts"
    radius = float(rng.uniform(0.2, 0.23) if pair else rng.uniform(0.33, 0.42))
    places = _pair(rng) if pair else (_place(rng, 0.5, 0.5, 0.05),)
    defect = "none" if label in ("good", "two parts") else label
    group = Group(shape, material, colour, places, radius, defect, float(rng.uniform(*SEVERITY)))
    look = "dark" if rng.random() < 0.1 else "noisy" if rng.random() < 0.1 else "plain"
    return Scene((group,), "conveyor", look, None, (seed, 77, CLASSES.index(label), number))


def _combination(rng: Rng) -> tuple[str | None, str, str]:
    while True:
        drawn = draw_combination(rng)
        if drawn[1] in SHAPES and drawn[2] in MATERIALS:
            return drawn


def _pair(rng: Rng) -> tuple[Place, Place]:
    away = rng.uniform(0, 2 * np.pi)
    dx, dy = 0.23 * float(np.cos(away)), 0.23 * float(np.sin(away))
    return _place(rng, 0.5 + dx, 0.5 + dy, 0.02), _place(rng, 0.5 - dx, 0.5 - dy, 0.02)


def _place(rng: Rng, x: float, y: float, off: float) -> Place:
    dx, dy = rng.uniform(-off, off, 2)
    return Place(x + float(dx), y + float(dy), float(rng.uniform(0, 2 * np.pi)))
