"""The demo world: what there is to see, how scenes are drawn by lot, which combinations training never sees.

Scene n of a seed is a pure function of both. Knows no pixels and no words but the names of things.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

Rng = np.random.Generator

SHAPES = tuple(
    "washer ring nut bolt gear plate cube ball bottle key spring bracket button cup hook pipe star wrench cone spoon"
    " heart propeller horseshoe fork".split()
)
LONG = frozenset("bolt plate bottle key spring pipe wrench spoon fork".split())
"""Shapes that can be bent."""
COLOURS = tuple("red orange yellow green turquoise blue purple pink brown black white grey".split())
NATURAL = ("steel", "brass", "copper", "wood")
"""Materials that come in their own colour; wood comes painted too."""
DYED = ("plastic", "rubber", "glass", "ceramic", "aluminium", "felt", "stone", "wood")
MATERIALS = tuple(dict.fromkeys(NATURAL + DYED))
METALS = frozenset({"steel", "brass", "copper", "aluminium"})
SOFT = frozenset({"rubber", "felt"})
"""Materials that neither crack nor chip nor take a dent."""
DEFECTS = ("none", "scratched", "cracked", "dented", "stained", "rusty", "chipped", "bent")
BACKGROUNDS = ("table", "concrete", "cloth", "conveyor", "paper", "tiles", "sand", "cardboard")
LOOKS = ("plain", "blurry", "dark", "bright", "noisy")
MOST_WORN = 2
"""Pieces of a group that may have a defect: on more they are too small for it to be seen."""
RELATIONS = ("left of", "right of", "above", "below")
TWINS = 0.6
"""Share of the scenes that come in twos, alike but for the wear of the second: what a defect is shows in the difference."""
HELD_OUT_SHARE = 10
"""One combination in this many is held out."""

Combination = tuple[str | None, str, str]
"""(colour or None for the material's own, shape, material)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one piece lies, in parts of the picture's side, and how it is turned."""

    x: float
    y: float
    angle: float


@dataclass(frozen=True, slots=True)
class Group:
    """Pieces of one kind."""

    shape: str
    material: str
    colour: str | None
    places: tuple[Place, ...]
    radius: float
    """Half of a piece's length, in parts of the picture's side."""
    defect: str = "none"
    severity: float = 0.6
    """0 hardly to be seen, 1 plain."""

    @property
    def combination(self) -> Combination:
        return (self.colour, self.shape, self.material)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows."""

    groups: tuple[Group, ...]
    background: str
    look: str
    relation: str | None
    """Of the first group to the second."""
    seed: tuple[int, ...]
    """What all that is left to chance in drawing it follows from."""


def combinations() -> tuple[Combination, ...]:
    """Every colour × shape × material of the world."""
    own = [(None, shape, material) for material in NATURAL for shape in SHAPES]
    dyed = [(colour, shape, material) for material in DYED for shape in SHAPES for colour in COLOURS]
    return (*own, *dyed)


@cache
def held_out() -> frozenset[Combination]:
    """The combinations that no training picture shows, by their names' hash: the same on every machine."""
    return frozenset(one for one in combinations() if _hash(one) % HELD_OUT_SHARE == 0)


def scene(seed: int, number: int) -> Scene:
    """Training scene `number` of a seed; 2k and 2k + 1 may be twins. Never shows a combination of `held_out()`."""
    both = np.random.default_rng((seed, number // 2, 1))
    if both.random() < TWINS:
        group = one_group(both, defects=False, most=MOST_WORN)
        sound = finished((group,), (seed, number // 2, 1), both)
        return replace(sound, groups=(worn(group, both),)) if number % 2 else sound
    rng = np.random.default_rng((seed, number))
    groups = two_groups(rng) if rng.random() < 0.22 else (one_group(rng),)
    return finished(groups, (seed, number), rng)


def finished(groups: tuple[Group, ...], seed: tuple[int, ...], rng: Rng) -> Scene:
    """A scene of these groups on a background and in a light drawn by lot."""
    look = pick(rng, LOOKS) if rng.random() < 0.25 else "plain"
    relation = relation_of(groups[0], groups[1]) if len(groups) > 1 else None
    return Scene(groups, pick(rng, BACKGROUNDS), look, relation, seed)


def one_group(rng: Rng, combination: Combination | None = None, defects: bool = True, most: int = 5) -> Group:
    """One to `most` pieces of one kind, of that combination or one that is not held out."""
    often = np.array((0.64, 0.12, 0.1, 0.08, 0.06)[:most])
    count = 1 + int(rng.choice(most, p=often / often.sum()))
    colour, shape, material = combination or draw_combination(rng)
    reach = {1: (0.27, 0.44), 2: (0.2, 0.25), 3: (0.17, 0.21), 4: (0.15, 0.19), 5: (0.13, 0.17)}[count]
    radius = float(rng.uniform(*reach))
    places = spread(rng, count, radius)
    group = Group(shape, material, colour, places, radius)
    return worn(group, rng) if defects and count <= MOST_WORN and rng.random() < 0.45 else group


def worn(group: Group, rng: Rng) -> Group:
    """The same pieces with a defect."""
    return replace(group, defect=pick(rng, possible_defects(group.shape, group.material)), severity=float(rng.uniform(0.45, 1.0)))


def two_groups(rng: Rng) -> tuple[Group, Group]:
    """Two single pieces of different shapes, beside or above one another."""
    first = draw_combination(rng)
    second = draw_combination(rng)
    while second[1] == first[1]:
        second = draw_combination(rng)
    radius = float(rng.uniform(0.18, 0.23))
    ends = rng.uniform(-0.03, 0.03, (2, 2)) + (((0.26, 0.5), (0.74, 0.5)) if rng.random() < 0.5 else ((0.5, 0.26), (0.5, 0.74)))
    if rng.random() < 0.5:
        ends = ends[::-1]
    places = [Place(float(x), float(y), float(rng.uniform(0, 2 * np.pi))) for x, y in ends]
    pair = [Group(c[1], c[2], c[0], (place,), radius) for c, place in zip((first, second), places, strict=True)]
    return pair[0], pair[1]


def draw_combination(rng: Rng) -> Combination:
    """One that is not held out; each material is as likely as another."""
    while True:
        material, shape = pick(rng, MATERIALS), pick(rng, SHAPES)
        own = material in NATURAL and (material not in DYED or rng.random() < 0.5)
        drawn = (None if own else pick(rng, COLOURS), shape, material)
        if drawn not in held_out():
            return drawn


def possible_defects(shape: str, material: str) -> tuple[str, ...]:
    """What can be wrong with a piece, "none" left out."""
    found = ["scratched", "rusty" if material in METALS else "stained"]
    if material not in SOFT:
        found += ["cracked", "chipped"]
    if material in METALS:
        found += ["dented"]
    if shape in LONG and (material in METALS or material in ("plastic", "rubber")):
        found += ["bent"]
    return tuple(found)


def spread(rng: Rng, count: int, radius: float) -> tuple[Place, ...]:
    """Places at which pieces of that radius do not lie on one another, as far as chance finds them."""
    margin = min(radius * 1.02, 0.49)
    kept: list[Any] = []
    for _ in range(count):
        tried = rng.uniform(margin, 1 - margin, (24, 2))
        if kept:
            gaps = np.linalg.norm(tried[:, None] - np.array(kept)[None], axis=-1).min(1)
            tried = tried[[int(gaps.argmax())]]
        kept.append(tried[0])
    return tuple(Place(float(x), float(y), float(rng.uniform(0, 2 * np.pi))) for x, y in kept)


def relation_of(first: Group, second: Group) -> str:
    """How the first lies to the second."""
    a, b = first.places[0], second.places[0]
    dx, dy = a.x - b.x, a.y - b.y
    if abs(dx) > abs(dy):
        return "left of" if dx < 0 else "right of"
    return "above" if dy < 0 else "below"


def pick(rng: Rng, among: tuple[str, ...]) -> str:
    return among[int(rng.integers(len(among)))]


def _hash(combination: Combination) -> int:
    return int.from_bytes(hashlib.sha256(repr(combination).encode()).digest()[:4], "big")
