"""What can be wrong with a piece: marks that change its outline, its height or its colour. Coordinates are the piece's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assets.make.shapes import Field, Form
from assets.make.textures import noise
from assets.make.world import METALS

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Marks:
    """Colour changes: `[h, w]` each, 0 for none."""

    light: Field | None = None
    """Bare, bright material."""
    dark: Field | None = None
    """Gaps and dirt."""
    rust: Field | None = None
    """Rust on metals, spilt coffee elsewhere."""


def bend(x: Field, y: Field, severity: float) -> Field:
    """`y` of the straight piece at the bent piece's coordinates."""
    amount = np.float32(0.35 + 0.4 * severity)
    return y - amount * (x * x - 0.45) if severity else y


def chip(form: Form, severity: float, rng: Rng, x: Field, y: Field) -> Form:
    """A piece broken out of the edge."""
    d, h = form
    at = _on(d, rng, x, y, edge=True)
    size = 0.16 + 0.2 * severity
    ragged = 0.05 * noise("cloud", x * 0.3, y * 0.3, rng)
    gone = np.hypot(x - at[0], y - at[1]) - np.float32(size) + ragged
    return np.maximum(d, -gone), h * np.clip(gone / 0.05, 0, 1)


def dent(form: Form, severity: float, rng: Rng, x: Field, y: Field) -> Form:
    """One to three hollows in the surface."""
    d, h = form
    for _ in range(int(rng.integers(1, 4))):
        at = _on(d, rng, x, y)
        size = rng.uniform(0.1, 0.15) + 0.08 * severity
        away = np.hypot(x - at[0], y - at[1]) / size
        h = h - (0.08 + 0.08 * severity) * np.exp(-(away**4)) + 0.02 * np.exp(-np.square((away - 1.25) * 4))
    return d, h


def crack(form: Form, severity: float, rng: Rng, x: Field, y: Field) -> tuple[Form, Marks]:
    """A jagged dark gap from the edge inwards, with a branch."""
    d, h = form
    start = np.array(_on(d, rng, x, y, edge=True))
    heading = np.arctan2(*(np.array(_on(d, rng, x, y)) - start)[::-1])
    gap = np.full_like(d, 9)
    lines = [(start, heading, 8), (None, heading + rng.choice((-0.8, 0.8)), 4)]
    corner = start
    for begin, course, steps in lines:
        point = corner if begin is None else begin
        for i in range(steps):
            turn = course + rng.uniform(-0.75, 0.75)
            after = point + rng.uniform(0.1, 0.19) * np.array([np.cos(turn), np.sin(turn)])
            gap = np.minimum(gap, _segment(x, y, point, after))
            point = after
            if begin is not None and i == 2:
                corner = after
    width = 0.016 + 0.02 * severity
    dark = np.clip((width - gap) / 0.02 + 0.5, 0, 1)
    return (d, h - 0.06 * dark), Marks(dark=0.9 * dark)


def scratch(form: Form, severity: float, rng: Rng, x: Field, y: Field) -> Marks:
    """Thin bright lines, nearly parallel."""
    d, _ = form
    course = rng.uniform(0, np.pi)
    light = np.zeros_like(d)
    for _ in range(int(rng.integers(3, 6))):
        at, turn = np.array(_on(d, rng, x, y)), course + rng.uniform(-0.25, 0.25)
        reach = rng.uniform(0.25, 0.6) * np.array([np.cos(turn), np.sin(turn)])
        line = _segment(x, y, at - reach, at + reach)
        light = np.maximum(light, np.clip(((0.008 + 0.012 * severity) - line) / 0.018 + 0.5, 0, 1))
    return Marks(light=(0.5 + 0.5 * severity) * light)


def stain(form: Form, severity: float, rng: Rng, x: Field, y: Field) -> Marks:
    """Rust or spilt coffee in blotches."""
    d, _ = form
    clouds = noise("cloud", x * 0.22, y * 0.22, rng) + 0.35 * noise("grain", x * 0.12, y * 0.12, rng)
    at = _on(d, rng, x, y)
    near = np.exp(-np.square(np.hypot(x - at[0], y - at[1]) / (0.5 + 0.3 * severity)))
    return Marks(rust=np.clip((clouds + 1.7 * near - 0.95 + 0.3 * severity) * 2.5, 0, 1) * 0.9)


def painted(albedo: Field, marks: Marks, material: str) -> Field:
    """The colours with the marks on them, `[h, w, 3]`."""
    if marks.rust is not None:
        spilt = (0.45, 0.21, 0.08) if material in METALS else (0.27, 0.17, 0.09)
        albedo = albedo + (np.array(spilt, np.float32) - albedo) * marks.rust[..., None]
    if marks.light is not None:
        pale = 1.0 if albedo.mean() < 0.6 else 0.2  # scratches are dark on what is pale
        albedo = albedo + (np.float32(pale) - albedo) * marks.light[..., None]
    if marks.dark is not None:
        albedo = albedo * (1 - marks.dark)[..., None]
    return albedo


def _on(d: Field, rng: Rng, x: Field, y: Field, edge: bool = False) -> tuple[float, float]:
    """A point on the piece, or on its edge."""
    points = np.flatnonzero((d > -0.05) & (d < 0) if edge else d < -0.04)
    if not len(points):
        return 0.0, 0.0
    # one draw, so that what follows does not hang on the picture's size
    at = points[int(rng.random() * len(points))]
    return float(x.flat[at]), float(y.flat[at])


def _segment(x: Field, y: Field, a: np.ndarray, b: np.ndarray) -> Field:
    """Distance to the line from a to b."""
    ab = b - a
    t = np.clip(((x - a[0]) * ab[0] + (y - a[1]) * ab[1]) / max(float(ab @ ab), 1e-9), 0, 1)
    found: Field = np.hypot(x - a[0] - t * ab[0], y - a[1] - t * ab[1]).astype(np.float32)
    return found
