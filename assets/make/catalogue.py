"""The products of the sample "Catalogue": what each looks like and what the catalogue says of it.

Some of its words (crimson, stoneware, set of three) are not in the demo CLIP's captions: there is something to learn.
"""

from __future__ import annotations

import numpy as np

from assets.make.world import Group, Rng, Scene, pick, spread

PRODUCTS = {
    "cup": ("mug", ("ceramic", "steel", "plastic", "wood")),
    "bottle": ("bottle", ("glass", "aluminium", "plastic", "steel")),
    "spoon": ("spoon", ("steel", "wood", "plastic", "brass")),
    "fork": ("fork", ("steel", "wood", "plastic", "brass")),
    "button": ("button", ("plastic", "wood", "brass", "ceramic")),
    "hook": ("coat hook", ("steel", "brass", "copper", "aluminium")),
    "star": ("star decoration", ("felt", "glass", "wood", "ceramic")),
    "heart": ("heart decoration", ("felt", "glass", "wood", "stone")),
    "ball": ("ball", ("rubber", "glass", "wood", "felt", "stone")),
    "cube": ("toy block", ("wood", "plastic", "rubber", "stone")),
    "ring": ("ring", ("brass", "copper", "rubber", "glass", "steel")),
    "key": ("key", ("steel", "brass", "copper", "aluminium")),
    "horseshoe": ("horseshoe", ("steel", "brass", "copper", "wood")),
    "spring": ("spring", ("steel", "brass", "copper", "plastic")),
    "propeller": ("propeller", ("plastic", "aluminium", "brass", "wood")),
}
COLOURS = {
    "red": "crimson",
    "orange": "tangerine",
    "yellow": "yellow",
    "green": "emerald",
    "turquoise": "teal",
    "blue": "navy",
    "purple": "violet",
    "pink": "pink",
    "black": "black",
    "white": "ivory",
}
MATERIALS = {"ceramic": "stoneware", "steel": "stainless steel", "wood": "beech", "felt": "wool felt", "stone": "granite"}
GROUNDS = ("paper", "cloth", "table", "tiles", "cardboard")
OWN = ("steel", "brass", "copper")
COUNTS = ((1, "{}"), (2, "Pair of {}s"), (3, "Set of three {}s"), (4, "Set of four {}s"))


def products(seed: int, count: int) -> list[tuple[Scene, str]]:
    """(scene, caption) of that many products, no two with one caption. Raises ValueError where there are not so many."""
    rng = np.random.default_rng((seed, 3))
    made: dict[str, Scene] = {}
    for tried in range(100 * count):
        if len(made) == count:
            break
        shown, text = _product(rng, (seed, 78, tried))
        made.setdefault(text, shown)
    else:
        raise ValueError(f"There are only {len(made)} products, not {count}.")
    return [(shown, text) for text, shown in made.items()]


def _product(rng: Rng, seed: tuple[int, ...]) -> tuple[Scene, str]:
    shape = pick(rng, tuple(PRODUCTS))
    noun, materials = PRODUCTS[shape]
    material = pick(rng, materials)
    colour = None if material in OWN or (material == "wood" and rng.random() < 0.5) else pick(rng, tuple(COLOURS))
    number, frame = COUNTS[int(rng.choice(4, p=(0.7, 0.1, 0.1, 0.1)))]
    radius = float(rng.uniform(*{1: (0.33, 0.42), 2: (0.21, 0.24), 3: (0.18, 0.2), 4: (0.16, 0.18)}[number]))
    group = Group(shape, material, colour, spread(rng, number, radius), radius)
    words = " ".join(filter(None, (colour and COLOURS[colour], MATERIALS.get(material, material), noun)))
    said = frame.format(words)
    return Scene((group,), pick(rng, GROUNDS), "plain", None, seed), said[0].upper() + said[1:]
