"""Noise that repeats, looked up by coordinates: the same pattern at every picture size. Drawn once a process."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from assets.make.shapes import Field

SIDE = 512
"""Points of a tile along a side; a power of two, for the wrapping."""


def noise(name: str, x: Field, y: Field, rng: np.random.Generator) -> Field:
    """The tile `name` at tile coordinates (1 = a whole tile), from a random corner on; about -1..1."""
    ox, oy = rng.integers(0, SIDE, 2)
    ix = (x * SIDE).astype(np.int32) + int(ox) & SIDE - 1
    iy = (y * SIDE).astype(np.int32) + int(oy) & SIDE - 1
    found: Field = tile(name)[iy, ix]
    return found


@cache
def tile(name: str) -> Field:
    """`cloud`: soft, over many scales. `grain`: every point by itself. `streak`: drawn out along x. `wood`: warped rings."""
    rng = np.random.default_rng(7)
    if name == "grain":
        return np.clip(rng.standard_normal((SIDE, SIDE)) * 0.5, -1, 1).astype(np.float32)
    if name == "streak":
        return _scaled(_octave(rng, 2, 256) + 0.7 * _octave(rng, 8, 512) + 0.4 * _octave(rng, 32, 512))
    if name == "wood":
        warp = sum((_octave(rng, 2 * 2**i, 8 * 2**i) / 1.6**i for i in range(5)), np.zeros((SIDE, SIDE), np.float32))
        rows = np.linspace(0, 1, SIDE, endpoint=False, dtype=np.float32)[:, None]
        bands = np.sin(2 * np.pi * (12 * rows + 1.5 * warp)) + 0.5 * _octave(rng, 6, 512)
        return _scaled(bands)
    return _scaled(sum((_octave(rng, 4 * 2**i, 4 * 2**i) / 1.5**i for i in range(7)), np.zeros((SIDE, SIDE), np.float32)))


def _octave(rng: np.random.Generator, across: int, down: int) -> Field:
    """Random points `[down, across]` scaled up to a tile that repeats."""
    points = rng.standard_normal((down, across)).astype(np.float32)
    around = np.pad(points, 2, mode="wrap")
    size = (SIDE * (across + 4) // across, SIDE * (down + 4) // down)
    large = np.asarray(Image.fromarray(around).resize(size, Image.Resampling.BICUBIC))
    left, top = 2 * SIDE // across, 2 * SIDE // down
    return large[top : top + SIDE, left : left + SIDE]


def _scaled(field: Field) -> Field:
    centred = field - field.mean()
    found: Field = np.clip(centred / (2 * centred.std()), -1, 1).astype(np.float32)
    return found
