"""What pieces lie on: a picture `[h, w, 3]` in 0..1 for each background of the world. No light, no shadow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assets.make.shapes import Field
from assets.make.textures import noise

Rng = np.random.Generator


def surface(name: str, x: Field, y: Field, rng: Rng) -> Field:
    """At coordinates `x, y` (the picture's side is 1)."""
    angle = rng.uniform(-0.5, 0.5) + (np.pi / 2 if rng.random() < 0.4 else 0)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return np.clip(BY_NAME[name](c * x + s * y, c * y - s * x, rng), 0, 1)


def _table(x: Field, y: Field, rng: Rng) -> Field:
    wood = noise("wood", x * 0.25, y * 0.8, rng)
    planks = np.mod(y * rng.uniform(1.6, 3.2) + rng.random(), 1)
    seam = (np.minimum(planks, 1 - planks) < 0.012).astype(np.float32)
    tone = rng.uniform(0.3, 0.72)
    base = np.array([1.0, rng.uniform(0.66, 0.76), rng.uniform(0.36, 0.55)], np.float32) * tone
    found: Field = base * (1 + 0.22 * wood - 0.5 * seam)[..., None]
    return found


def _concrete(x: Field, y: Field, rng: Rng) -> Field:
    tone = rng.uniform(0.4, 0.68)
    value = tone * (1 + 0.2 * noise("cloud", x * 0.6, y * 0.6, rng) + 0.13 * noise("grain", x * 0.7, y * 0.7, rng))
    pits = noise("cloud", x * 1.5, y * 1.5, rng) > 0.8
    return (value - 0.14 * pits)[..., None] * np.array([1, 0.99, 0.96], np.float32)


def _cloth(x: Field, y: Field, rng: Rng) -> Field:
    threads = rng.uniform(34, 52)
    weave = np.sin(2 * np.pi * threads * x) * np.sin(2 * np.pi * threads * y)
    folds = noise("cloud", x * 0.15, y * 0.3, rng)
    base = _muted(rng, rng.uniform(0.25, 0.7), 0.28)
    return base * (1 + 0.14 * weave + 0.22 * folds + 0.06 * noise("grain", x * 0.7, y * 0.7, rng))[..., None]


def _conveyor(x: Field, y: Field, rng: Rng) -> Field:
    ribs = np.mod(x * rng.uniform(5, 8), 1)
    edge = np.exp(-np.square((ribs - 0.5) / 0.08))
    dust = np.maximum(noise("cloud", x * 0.8, y * 0.8, rng), 0)
    tone = rng.uniform(0.1, 0.2)
    value = tone * (1 + 0.8 * edge - 0.4 * np.roll(edge, 2, axis=1)) + 0.07 * dust + 0.03 * noise("grain", x * 0.8, y * 0.8, rng)
    return value[..., None] * np.array([0.98, 1.0, 1.04], np.float32)


def _paper(x: Field, y: Field, rng: Rng) -> Field:
    tone = rng.uniform(0.82, 0.96)
    value = tone + 0.02 * noise("cloud", x * 0.4, y * 0.4, rng) + 0.012 * noise("grain", x * 0.8, y * 0.8, rng)
    tint = np.array([1, rng.uniform(0.97, 1), rng.uniform(0.9, 1)], np.float32)
    if rng.random() < 0.35:  # squared or ruled
        lines = np.mod(y * 9 + rng.random(), 1) < 0.04
        if rng.random() < 0.5:
            lines = lines | (np.mod(x * 9 + rng.random(), 1) < 0.04)
        value = value - 0.16 * lines
    return value[..., None] * tint


def _tiles(x: Field, y: Field, rng: Rng) -> Field:
    n = rng.uniform(2.2, 3.8)
    px, py = x * n + rng.random(), y * n + rng.random()
    fx, fy = np.mod(px, 1), np.mod(py, 1)
    border = np.minimum(np.minimum(fx, 1 - fx), np.minimum(fy, 1 - fy))
    shades = 0.05 * np.sin(12.9 * np.floor(px) + 78.2 * np.floor(py))
    base = _muted(rng, rng.uniform(0.5, 0.85), 0.13)
    grout = np.clip((border - 0.02) / 0.02, 0, 1)
    value = (1 + shades + 0.05 * noise("cloud", x * 0.3, y * 0.3, rng)) * (0.62 + 0.38 * grout)
    found: Field = base * value[..., None]
    return found


def _sand(x: Field, y: Field, rng: Rng) -> Field:
    ripple = np.sin(2 * np.pi * (y * rng.uniform(5, 9) + 0.7 * noise("cloud", x * 0.2, y * 0.2, rng)))
    grain = noise("grain", x * 0.8, y * 0.8, rng)
    value = rng.uniform(0.62, 0.85) * (1 + 0.05 * ripple + 0.2 * grain)
    return value[..., None] * np.array([1.0, 0.86, 0.62], np.float32)


def _cardboard(x: Field, y: Field, rng: Rng) -> Field:
    flutes = np.sin(2 * np.pi * x * rng.uniform(24, 36))
    fibres = noise("streak", y * 0.5, x * 0.5, rng)
    value = rng.uniform(0.52, 0.7) * (1 + 0.04 * flutes + 0.07 * fibres + 0.04 * noise("grain", x * 0.7, y * 0.7, rng))
    return value[..., None] * np.array([1.0, 0.8, 0.57], np.float32)


def _muted(rng: Rng, tone: float, colourful: float) -> Field:
    """A quiet colour of that brightness."""
    away = rng.uniform(-1, 1, 3)
    found: Field = np.clip(tone * (1 + colourful * (away - away.mean())), 0, 1).astype(np.float32)
    return found


BY_NAME: dict[str, Callable[[Field, Field, Rng], Field]] = {
    "table": _table,
    "concrete": _concrete,
    "cloth": _cloth,
    "conveyor": _conveyor,
    "paper": _paper,
    "tiles": _tiles,
    "sand": _sand,
    "cardboard": _cardboard,
}
