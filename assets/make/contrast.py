"""What one training step learns from: pictures, captions and which of them fit; and the loss. Reads nothing by itself.

Contrastive as in CLIP (arXiv:2103.00020), with every caption that is true of a picture counted as a match, as in UniCL
(arXiv:2204.03610): of a hundred captions several say no more than "a red part". Beside the batch's captions, each picture is held
against one short caption for every value of an attribute, so that each step contrasts every shape with every other. Later in
training every value there counts alike, however rare: a model that learned how seldom a crack is would call cracked parts sound.

Twins are alike in every pixel but where the second is worn: so each step also knows *where* a defect is, and holds the picture
tower's early features, place by place, against the defects' captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from assets.make import captions, world
from assets.make.captions import ANY, Caption
from assets.make.pool import Pixels
from assets.make.vocabulary import encode
from assets.make.world import Scene

SAID = 2
"""Captions a picture."""
WEIGHTS = (1.0, 1.0, 1.0, 3.0, 1.0, 1.0)
"""Of the attributes, in the order of `attributes()`: what is wrong with a piece is the smallest thing to see."""
DEFECTS_AT = 4
"""Which of `Batch.parts` the defects are."""
CELL = 16
"""Side of a place in pixels: the stride of the picture tower's early features."""
DIFFERENT = 4.0
"""Mean difference, of 255, above which a place is worn."""
UNKNOWN = -1
SHIFT = 10
"""Pixels by which a picture is moved at most."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's pictures and texts, on the CPU."""

    pixels: Tensor
    """uint8 `[n, 3, h, w]`."""
    tokens: Tensor
    """`[m, length]`: `SAID` captions a picture, then the attributes' own."""
    fits: Tensor
    """bool `[m, n]`: the text is true of the picture."""
    parts: tuple[int, ...]
    """How many texts belong together: first the captions, then each attribute's values. Their sum is m."""
    wear: Tensor
    """int64 `[n, places]`: the defect that is there, `world.DEFECTS`' number; UNKNOWN where nobody can tell."""


def batch(pixels: Pixels, numbers: np.ndarray, seed: int, step: int, tokenizer: Tokenizer) -> Batch:
    """The batch of one step; the same for the same step, always."""
    rng = np.random.default_rng((seed, step, 2))
    scenes = [world.scene(seed, int(n)) for n in numbers]
    known = captions.facts(scenes)
    said = [captions.caption(shown, rng) for _ in range(SAID) for shown in scenes]
    groups = attributes(rng)
    texts = [*said, *(one for group in groups for one in group)]
    fits = captions.matches(texts, known)
    moved = _moved(pixels, rng)
    tokens = encode(tokenizer, [one.text for one in texts])
    return Batch(
        torch.from_numpy(moved).permute(0, 3, 1, 2),
        torch.from_numpy(tokens),
        torch.from_numpy(fits),
        (len(said), *map(len, groups)),
        torch.from_numpy(where_worn(scenes, moved)),
    )


def where_worn(scenes: Sequence[Scene], pixels: Pixels) -> np.ndarray:
    """`Batch.wear`, from what twins that follow one another differ in; `pixels` are theirs, `[n, h, w, 3]`."""
    n, side = len(scenes), pixels.shape[1] // CELL
    found = np.full((n, side * side), UNKNOWN, np.int64)
    for i, shown in enumerate(scenes):
        defects = [world.DEFECTS.index(group.defect) for group in shown.groups]
        if not any(defects):
            found[i] = 0
        elif i and scenes[i - 1].seed == shown.seed:
            apart = np.abs(pixels[i].astype(np.int16) - pixels[i - 1]).max(2)
            cells = apart[: side * CELL, : side * CELL].reshape(side, CELL, side, CELL).mean((1, 3))
            found[i] = np.where(cells > DIFFERENT, defects[0], 0).ravel()
    return found


def attributes(rng: np.random.Generator) -> list[list[Caption]]:
    """A short caption for each value of shape, material, colour, defect, count and background."""
    frame = captions.FRAMES[int(rng.integers(len(captions.FRAMES)))]
    thing = captions.THINGS[int(rng.integers(len(captions.THINGS)))]

    def said(at: int, value: int, phrase: str) -> Caption:
        codes = np.full((2, 6), ANY, np.int16)
        codes[0, at] = value
        return Caption(frame.format(f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"), codes, ANY, ANY, ANY)

    def word(table: dict[str, tuple[str, ...]], name: str) -> str:
        among = table.get(name, (name,))
        return among[int(rng.integers(len(among)))]

    shapes = [said(0, i, word(captions.NOUNS, one)) for i, one in enumerate(world.SHAPES)]
    materials = [said(1, i, f"{captions.MATERIAL_WORDS[one][0]} {thing}") for i, one in enumerate(world.MATERIALS)]
    colours = [said(2, i, f"{word(captions.COLOUR_WORDS, one)} {thing}") for i, one in enumerate(world.COLOURS)]
    if rng.random() < 0.6:
        defects = [said(5, i, f"{word(captions.DEFECT_WORDS, one)} {thing}") for i, one in enumerate(world.DEFECTS)]
    else:
        defects = [said(5, i, f"{thing} {word(captions.DEFECT_TAILS, one)}") for i, one in enumerate(world.DEFECTS)]
    grounds = []
    for i, one in enumerate(world.BACKGROUNDS):
        text = frame.format(f"a {thing} on {word(captions.BACKGROUND_WORDS, one)}")
        grounds.append(Caption(text, np.full((2, 6), ANY, np.int16), i, ANY, ANY))
    counts = []
    for i in range(1, 6):
        codes = np.full((2, 6), ANY, np.int16)
        codes[0, 3] = i
        counts.append(Caption(frame.format(f"{captions.NUMBERS[i]} {thing}{'s' if i > 1 else ''}"), codes, ANY, ANY, ANY))
    return [shapes, materials, colours, defects, grounds, counts]


def loss(
    pictures: Tensor, texts: Tensor, scale: Tensor, fits: Tensor, parts: tuple[int, ...], fine: float = 1.0
) -> tuple[Tensor, Tensor]:
    """(captions' loss, attributes' loss), scalars, from unit features `[n, dim]` and `[m, dim]`.

    `fine` goes from 0, every picture counts alike, to 1, every value of an attribute does and each attribute has its weight:
    begun with that, training stays with its first guesses several times as long.
    """
    logits = scale * pictures @ texts.T  # [n, m]
    (captioned, true), *rest = zip(torch.split(logits, list(parts), 1), torch.split(fits.T, list(parts), 1), strict=True)
    both = (_towards(captioned, true) + _towards(captioned.T, true.T)) / 2
    losses = [
        (1 - fine) * _towards(one, fit) + fine * weight * _values(one, fit)
        for weight, (one, fit) in zip(WEIGHTS, rest, strict=True)
    ]
    return both, torch.stack(losses).mean()


def loss_of_places(places: Tensor, texts: Tensor, scale: Tensor, wear: Tensor) -> Tensor:
    """Scalar: `[n, places, dim]` unit features against the defects' captions `[defects, dim]`, each defect counting alike."""
    known = wear != UNKNOWN
    truth = F.one_hot(wear[known], len(texts))
    return _values(scale * places[known] @ texts.T, truth)


def _values(logits: Tensor, fits: Tensor) -> Tensor:
    """Cross-entropy of `[pictures, values]`, the mean over the values of the means over the pictures that they fit."""
    there = fits.sum(0)
    per_value = -(fits * F.log_softmax(logits, 1)).sum(0) / there.clamp(min=1)
    return per_value.sum() / (there > 0).sum().clamp(min=1)


def _towards(logits: Tensor, fits: Tensor) -> Tensor:
    """Cross-entropy of each row towards all that fits it in equal parts; rows that nothing fits are left out."""
    share = fits.float()
    total = share.sum(1, keepdim=True)
    per_row = -(share / total.clamp(min=1) * F.log_softmax(logits, 1)).sum(1)
    return per_row.sum() / (total[:, 0] > 0).sum().clamp(min=1)


def _moved(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Each picture shifted a little, its edge mirrored; two that follow one another alike, for they may be twins."""
    side = pixels.shape[1]
    around = np.pad(pixels, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="reflect")
    out = np.empty_like(pixels)
    shifts = rng.integers(0, 2 * SHIFT + 1, ((len(pixels) + 1) // 2, 2))
    for i, (dx, dy) in enumerate(shifts.repeat(2, 0)[: len(pixels)]):
        out[i] = around[i, dy : dy + side, dx : dx + side]
    return out
