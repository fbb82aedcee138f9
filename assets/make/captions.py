"""What a person might write under a picture: English in many forms, whole or in part, and what it claims.

A caption claims facts; `matches` says of which pictures of a batch it is true, so that training does not push a true one away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.make import world
from assets.make.world import Group, Rng, Scene

Codes = np.ndarray[Any, np.dtype[np.int16]]
ANY, ABSENT = -1, -2
NOUNS = {
    "washer": ("washer", "flat washer"),
    "ring": ("ring", "hoop", "o-ring"),
    "nut": ("nut", "hex nut", "hexagonal nut"),
    "bolt": ("bolt", "screw", "hex bolt", "threaded bolt"),
    "gear": ("gear", "cogwheel", "cog", "gear wheel"),
    "plate": ("plate", "mounting plate", "flat plate with holes"),
    "cube": ("cube", "block", "die"),
    "ball": ("ball", "sphere", "marble"),
    "bottle": ("bottle", "flask"),
    "key": ("key", "door key"),
    "spring": ("spring", "coil spring", "coil"),
    "bracket": ("bracket", "angle bracket", "corner bracket"),
    "button": ("button", "shirt button", "button with four holes"),
    "cup": ("cup", "mug", "tea cup"),
    "hook": ("hook", "coat hook"),
    "pipe": ("pipe", "tube", "piece of pipe"),
    "star": ("star", "five-pointed star"),
    "wrench": ("wrench", "spanner", "open-end wrench"),
    "cone": ("cone", "pointed cone"),
    "spoon": ("spoon", "teaspoon"),
    "heart": ("heart", "heart shape"),
    "propeller": ("propeller", "fan", "rotor with three blades"),
    "horseshoe": ("horseshoe", "horse shoe"),
    "fork": ("fork", "table fork"),
}
THINGS = ("part", "object", "thing", "item", "piece", "component", "product")
MATERIAL_WORDS = {
    "aluminium": ("aluminium", "anodised aluminium", "aluminum", "anodized metal"),
    "steel": ("steel", "stainless steel", "metal"),
    "brass": ("brass", "golden brass"),
    "copper": ("copper",),
    "wood": ("wooden", "wood"),
    "plastic": ("plastic",),
    "rubber": ("rubber",),
    "glass": ("glass",),
    "ceramic": ("ceramic", "porcelain", "glazed ceramic"),
    "felt": ("felt", "fuzzy felt"),
    "stone": ("stone", "marble stone", "granite"),
}
COLOUR_WORDS = {"purple": ("purple", "violet"), "turquoise": ("turquoise", "teal"), "grey": ("grey", "gray"), "green": ("green",)}
DEFECT_WORDS = {
    "none": ("good", "intact", "undamaged", "flawless", "new", "perfect", "faultless"),
    "scratched": ("scratched", "scuffed"),
    "cracked": ("cracked", "fractured"),
    "dented": ("dented", "battered"),
    "stained": ("stained", "dirty"),
    "rusty": ("rusty", "rusted", "corroded"),
    "chipped": ("chipped", "broken", "damaged"),
    "bent": ("bent", "deformed", "crooked"),
}
DEFECT_TAILS = {
    "none": ("without defects", "with no damage", "in good condition", "that passed inspection"),
    "scratched": ("with scratches", "with a scratched surface", "covered in scratches"),
    "cracked": ("with a crack", "that has cracked", "with a deep crack"),
    "dented": ("with dents", "with a dent in it", "with dents in its surface"),
    "stained": ("with stains", "with dirt on it", "covered in stains"),
    "rusty": ("with rust", "covered in rust", "with rust on it"),
    "chipped": ("with a chip", "with a missing piece", "with a piece broken off"),
    "bent": ("that is bent", "bent out of shape", "that is not straight"),
}
BACKGROUND_WORDS = {
    "table": ("a wooden table", "a table", "wooden planks", "a desk"),
    "concrete": ("concrete", "a concrete floor", "grey concrete"),
    "cloth": ("cloth", "a piece of cloth", "fabric"),
    "conveyor": ("a conveyor belt", "a black conveyor belt", "a conveyor"),
    "paper": ("paper", "a sheet of paper", "white paper"),
    "tiles": ("tiles", "a tiled floor", "floor tiles"),
    "sand": ("sand", "a sandy ground"),
    "cardboard": ("cardboard", "a cardboard box"),
}
LOOK_WORDS = {
    "blurry": ("blurry", "blurred", "out of focus"),
    "dark": ("dark", "dim"),
    "bright": ("bright", "overexposed"),
    "noisy": ("noisy", "grainy"),
}
NUMBERS = ("", "one", "two", "three", "four", "five")
FRAMES = (
    *("{}", "{}", "a photo of {}", "a photo of {}", "a picture of {}", "an image of {}", "a close-up of {}", "this is {}"),
    *("a product photo of {}", "there is {}", "the photo shows {}", "we see {}", "{} in the picture", "a top view of {}"),
)
RELATION_WORDS = {
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "above": ("above", "on top of"),
    "below": ("below", "under"),
}


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence and what it claims."""

    text: str
    groups: Codes
    """`[2, 6]`: shape, material, colour, count, more than one, defect of up to two groups; `ANY` where nothing is said."""
    background: int
    look: int
    relation: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds in pictures, as `Caption` codes it: `[n, 2, 6]`, `[n]`, `[n]`, `[n]`."""

    groups: Codes
    background: Codes
    look: Codes
    relation: Codes


def caption(shown: Scene, rng: Rng) -> Caption:
    """A sentence that is true of the scene, drawn by lot."""
    said = [_phrase(group, rng) for group in shown.groups]
    order = (1, 0) if len(said) == 2 and rng.random() < 0.5 else tuple(range(len(said)))
    relation = ANY
    if len(said) == 2 and rng.random() < 0.3:
        said, order = said[order[0] : order[0] + 1], (order[0],)
    text = said[0][0] if len(said) == 1 else ""
    codes = np.full((2, 6), ANY, np.int16)
    if len(said) == 2:
        between, relation = _between(shown, order[0], rng)
        text = f"{said[order[0]][0]} {between} {said[order[1]][0]}"
        codes[0], codes[1] = said[order[0]][1], said[order[1]][1]
    else:
        codes[0] = said[0][1]
    background = look = ANY
    if rng.random() < 0.3:
        background = world.BACKGROUNDS.index(shown.background)
        text += f" {_one(rng, ('on', 'on', 'lying on', 'that lies on'))} {_one(rng, BACKGROUND_WORDS[shown.background])}"
    frame = _one(rng, FRAMES)
    if shown.look != "plain" and rng.random() < 0.5:
        look = world.LOOKS.index(shown.look)
        word = _one(rng, LOOK_WORDS[shown.look])
        article = "an" if word[0] in "aeiou" else "a"
        frame = _one(rng, (f"{article} {word} photo of {{}}", f"{article} {word} picture of {{}}"))
    return Caption(frame.format(text), codes, background, look, relation)


def full(shown: Scene, rng: Rng) -> Caption:
    """A sentence that says all of every group, and the background."""
    said = [_phrase(group, rng, whole=True) for group in shown.groups]
    codes = np.full((2, 6), ANY, np.int16)
    for i, (_, code) in enumerate(said):
        codes[i] = code
    between, relation = _between(shown, 0, rng) if len(said) == 2 else ("", ANY)
    text = f"{said[0][0]} {between} {said[1][0]}" if len(said) == 2 else said[0][0]
    where = _one(rng, BACKGROUND_WORDS[shown.background])
    return Caption(f"a photo of {text} on {where}", codes, world.BACKGROUNDS.index(shown.background), ANY, relation)


def name_of(combination: world.Combination) -> str:
    """A combination as a class name: "red plastic gear", "brass key", "wooden spoon"."""
    colour, shape, material = combination
    return " ".join(filter(None, (colour, MATERIAL_WORDS[material][0], NOUNS[shape][0])))


def facts(scenes: list[Scene]) -> Facts:
    """What holds in these scenes."""
    groups = np.full((len(scenes), 2, 6), ABSENT, np.int16)
    for i, shown in enumerate(scenes):
        for j, group in enumerate(shown.groups):
            groups[i, j] = _codes(group)
    return Facts(
        groups,
        np.array([world.BACKGROUNDS.index(s.background) for s in scenes], np.int16),
        np.array([world.LOOKS.index(s.look) for s in scenes], np.int16),
        np.array([world.RELATIONS.index(s.relation) if s.relation else ABSENT for s in scenes], np.int16),
    )


def matches(said: list[Caption], known: Facts) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """`[captions, pictures]`: whether what a caption claims holds in a picture."""
    claims = np.stack([c.groups for c in said])  # [m, 2, 6]
    # [m, n, caption's group, picture's group]
    fits = ((claims[:, None, :, None] == known.groups[None, :, None]) | (claims[:, None, :, None] == ANY)).all(-1)
    relation = np.array([c.relation for c in said])[:, None]
    turned = np.array([1, 0, 3, 2, ANY])[relation]  # what the second is to the first
    straight = fits[..., 0, 0] & fits[..., 1, 1] & ((relation == ANY) | (relation == known.relation))
    swapped = fits[..., 0, 1] & fits[..., 1, 0] & ((relation == ANY) | (turned == known.relation))
    holds = straight | swapped
    for claim, true in (("background", known.background), ("look", known.look)):
        value = np.array([getattr(c, claim) for c in said])[:, None]
        holds &= (value == ANY) | (value == true)
    found: np.ndarray[Any, np.dtype[np.bool_]] = holds
    return found


def _between(shown: Scene, first: int, rng: Rng) -> tuple[str, int]:
    """The words between two pieces, and the relation that they claim."""
    if shown.relation is None or rng.random() < 0.4:
        return _one(rng, ("and", "next to", "beside", "with")), ANY
    known = world.RELATIONS.index(shown.relation)
    code = known if first == 0 else (1, 0, 3, 2)[known]
    return _one(rng, RELATION_WORDS[world.RELATIONS[code]]), code


def _codes(group: Group) -> Codes:
    colour = world.COLOURS.index(group.colour) if group.colour else len(world.COLOURS)
    shape, material = world.SHAPES.index(group.shape), world.MATERIALS.index(group.material)
    count = len(group.places)
    return np.array([shape, material, colour, count, count > 1, world.DEFECTS.index(group.defect)], np.int16)


def _phrase(group: Group, rng: Rng, whole: bool = False) -> tuple[str, Codes]:
    """Words for one group, with an article or a number, and what they claim."""
    true = _codes(group)
    count = len(group.places)
    says_shape = whole or rng.random() < 0.85
    says_material = whole or rng.random() < 0.6
    says_colour = group.colour is not None and (whole or rng.random() < 0.6)
    says_defect = (group.defect != "none" or rng.random() < 0.12) and (whole or rng.random() < 0.65)
    if not (says_shape or says_material or says_colour or says_defect):
        says_shape = True
    claimed = np.full(6, ANY, np.int16)
    noun = _one(rng, NOUNS[group.shape]) if says_shape else _one(rng, THINGS)
    noun = noun if count == 1 else _plural(noun)
    before: list[str] = []
    after: list[str] = []
    if says_colour and group.colour:
        before.append(_one(rng, COLOUR_WORDS.get(group.colour, (group.colour,))))
    if says_material:
        word = _one(rng, MATERIAL_WORDS[group.material])
        if word != "metal" and group.material != "wood" and rng.random() < 0.12:
            after.append(f"made of {word}")
        else:
            before.append(word)
    if says_defect:
        if rng.random() < 0.65:
            before.insert(0, _one(rng, DEFECT_WORDS[group.defect]))
        else:
            after.append(_one(rng, DEFECT_TAILS[group.defect]))
    for at, says in ((0, says_shape), (1, says_material and "metal" not in before), (2, says_colour), (5, says_defect)):
        if says:
            claimed[at] = true[at]
    claimed[4] = true[4]
    words = " ".join((*before, noun, *after))
    if count == 1:
        claimed[3] = 1
        return f"{'an' if words[0] in 'aeiou' else 'a'} {words}", claimed
    if whole or rng.random() < 0.7:
        claimed[3] = count
        return f"{_one(rng, (NUMBERS[count], NUMBERS[count], str(count)))} {words}", claimed
    return f"{_one(rng, ('several', 'some', 'a few', 'many'))} {words}", claimed


def _plural(noun: str) -> str:
    head, _, tail = noun.partition(" with ")
    if head == "piece of pipe":
        return "pieces of pipe"
    many = {"die": "dice"}.get(head) or head + ("es" if head.endswith(("ch", "sh", "x")) else "s")
    return f"{many} with {tail}" if tail else many


def _one(rng: Rng, among: tuple[str, ...]) -> str:
    return among[int(rng.integers(len(among)))]
