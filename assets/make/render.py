"""Scenes → pictures: `python -m assets.make.render OUT.png` draws a sheet of them. A scene and a size give one picture, always.

Pieces are height fields seen from above: shaded by their slopes, with a soft shadow, then blurred and made noisy as a small
camera would. Nothing is read from disk.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from assets.make import wear
from assets.make.materials import FINISH, colour_of, grain_of, lit
from assets.make.shapes import BY_NAME, Field, Form
from assets.make.surfaces import surface
from assets.make.world import Group, Place, Scene, scene

Rng = np.random.Generator
FINER = 1.5
"""Points drawn for each of the picture's, along a side."""
REACH = 1.12
"""How far a piece's canvas goes, in its own unit."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece on its canvas: where that begins on the picture's, what is there."""

    left: int
    top: int
    alpha: Field
    height: Field
    colours: Field
    clear: float


@dataclass(frozen=True, slots=True)
class Light:
    towards: Field
    """Unit vector to the lamp; y points down the picture."""
    tint: Field
    soft: float


def render(shown: Scene, size: int) -> Image.Image:
    """RGB, `size` × `size`."""
    rng = np.random.default_rng((*shown.seed, 1))
    side = round(size * FINER)
    light = _light(rng)
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.broadcast_to(axis, (side, side)), np.broadcast_to(axis[:, None], (side, side))
    ground = surface(shown.background, x, y, rng)
    # it is darker away from the lamp
    away = 0.5 - (x - 0.5) * light.towards[0] - (y - 0.5) * light.towards[1]
    fall = 1 - np.float32(rng.uniform(0, 0.35)) * away
    pieces = [_piece(group, place, side, light, rng) for group in shown.groups for place in group.places]
    picture = ground * (light.tint * 1.02) * (fall * (1 - 0.72 * _shadow(pieces, side, light)))[..., None]
    for piece in pieces:
        _paint(picture, piece, fall)
    return _photographed(picture, shown.look, size, rng)


def _light(rng: Rng) -> Light:
    around, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 1.1)
    towards = np.array([np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)], np.float32)
    warm = rng.uniform(-0.06, 0.06)
    return Light(
        towards, np.array([1 + warm, 1, 1 - warm], np.float32) * np.float32(rng.uniform(0.88, 1.12)), rng.uniform(0.3, 1)
    )


def _piece(group: Group, place: Place, side: int, light: Light, rng: Rng) -> Piece:
    scale = group.radius * side
    half = int(np.ceil(scale * REACH))
    left, top = round(place.x * side) - half, round(place.y * side) - half
    axis = (np.arange(2 * half, dtype=np.float32) + 0.5 - half) / np.float32(scale)
    c, s = np.float32(np.cos(place.angle)), np.float32(np.sin(place.angle))
    lean = np.float32(rng.uniform(1.0, 1.12))
    dx, dy = axis[None, :], axis[:, None] * lean
    x, y = c * dx + s * dy, c * dy - s * dx
    if group.defect == "bent":
        y = wear.bend(x, y, group.severity)
    (d, h), marks = _worn(group, BY_NAME[group.shape](x, y, rng.random(4)), x, y, rng)
    finish = FINISH[group.material]
    base = colour_of(group.material, group.colour, rng)
    grain = grain_of(finish, x, y, rng)
    if group.material == "felt" and grain is not None:
        d = d + 0.02 * grain
    alpha = np.clip(0.5 - d * np.float32(scale), 0, 1)
    albedo = np.broadcast_to(base, (*d.shape, 3)) if grain is None else base * (1 + finish.relief * grain)[..., None]
    albedo = wear.painted(albedo, marks, group.material)
    colours = lit(albedo, _normal(h, grain, finish.relief, scale), finish, light.towards, light.tint)
    if finish.clear:  # glass is bright where it turns away
        rim = np.clip(1 + d * 7, 0, 1) * alpha
        colours = colours * (1 - 0.25 * rim)[..., None] + 0.3 * np.square(rim)[..., None]
    return Piece(left, top, alpha, np.maximum(h, 0), colours, finish.clear)


def _worn(group: Group, form: Form, x: Field, y: Field, rng: Rng) -> tuple[Form, wear.Marks]:
    """The form with its defect; one draw by lot, whatever the defect: a worn piece and its sound twin are alike elsewhere."""
    rng = np.random.default_rng(int(rng.integers(2**63)))
    if group.defect == "chipped":
        return wear.chip(form, group.severity, rng, x, y), wear.Marks()
    if group.defect == "dented":
        return wear.dent(form, group.severity, rng, x, y), wear.Marks()
    if group.defect == "cracked":
        return wear.crack(form, group.severity, rng, x, y)
    if group.defect == "scratched":
        return form, wear.scratch(form, group.severity, rng, x, y)
    if group.defect in ("stained", "rusty"):
        return form, wear.stain(form, group.severity, rng, x, y)
    return form, wear.Marks()


def _normal(h: Field, grain: Field | None, relief: float, scale: float) -> tuple[Field, Field, Field]:
    bumps = h if grain is None else h + np.float32(relief * 0.03) * grain
    dy, dx = np.gradient(bumps, np.float32(1 / scale))
    dx, dy = np.clip(dx, -4, 4), np.clip(dy, -4, 4)
    n = 1 / np.sqrt(1 + dx * dx + dy * dy)
    return -dx * n, -dy * n, n


def _shadow(pieces: list[Piece], side: int, light: Light) -> Field:
    """How much of the lamp each point of the ground misses, `[side, side]`."""
    small = max(side // 3, 8)
    dark = np.zeros((side, side), np.float32)
    for piece in pieces:
        tall = float(piece.height.max()) * len(piece.alpha) * 0.22
        for share in (0.25, 0.6, 1.0):
            dx, dy = (round(-float(t) * tall * share) for t in light.towards[:2])
            _over(dark, piece.left + dx, piece.top + dy, piece.alpha * (1 - 0.5 * piece.clear))
    soft = Image.fromarray((dark * 255).astype(np.uint8)).resize((small, small), Image.Resampling.BOX)
    soft = soft.filter(ImageFilter.GaussianBlur((0.012 + 0.02 * light.soft) * small))
    return np.asarray(soft.resize((side, side), Image.Resampling.BILINEAR), np.float32) / 255


def _over(canvas: Field, left: int, top: int, patch: Field) -> None:
    """The larger of both, in place."""
    (t, b, u, v), (s, e, i, j) = _overlap(top, patch.shape[0], canvas.shape[0]), _overlap(left, patch.shape[1], canvas.shape[1])
    canvas[t:b, s:e] = np.maximum(canvas[t:b, s:e], patch[u:v, i:j])


def _overlap(start: int, length: int, limit: int) -> tuple[int, int, int, int]:
    begin, end = max(start, 0), max(min(start + length, limit), 0)
    begin = min(begin, end)
    return begin, end, begin - start, end - start


def _paint(picture: Field, piece: Piece, fall: Field) -> None:
    (t, b, u, v) = _overlap(piece.top, piece.alpha.shape[0], picture.shape[0])
    (s, e, i, j) = _overlap(piece.left, piece.alpha.shape[1], picture.shape[1])
    under = picture[t:b, s:e]
    colours = piece.colours[u:v, i:j] * fall[t:b, s:e, None]
    if piece.clear:
        colours = (1 - piece.clear) * colours + piece.clear * under * (0.35 + 0.75 * piece.colours[u:v, i:j])
    under += (colours - under) * piece.alpha[u:v, i:j, None]


def _photographed(picture: Field, look: str, size: int, rng: Rng) -> Image.Image:
    exposure = rng.uniform(0.9, 1.1) * {"dark": 0.42, "bright": 1.45}.get(look, 1.0)
    small = Image.fromarray((np.clip(picture * exposure, 0, 1) * 255).astype(np.uint8)).resize((size, size), Image.Resampling.BOX)
    blur = rng.uniform(0.012, 0.02) if look == "blurry" else rng.uniform(0, 0.0035)
    if blur * size > 0.3:
        small = small.filter(ImageFilter.GaussianBlur(blur * size))
    spread = rng.uniform(16, 26) if look == "noisy" else rng.uniform(1, 5)
    grains = np.random.default_rng(int(rng.integers(2**32))).standard_normal((size, size, 3), np.float32) * spread
    return Image.fromarray(np.clip(np.asarray(small, np.float32) + grains, 0, 255).astype(np.uint8))


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size side by side."""
    side = pictures[0].width
    rows = -(-len(pictures) // columns)
    out = Image.new("RGB", (columns * (side + 4), rows * (side + 4)), "white")
    for i, picture in enumerate(pictures):
        out.paste(picture, (i % columns * (side + 4), i // columns * (side + 4)))
    return out


if __name__ == "__main__":
    sheet([render(scene(0, n), 160) for n in range(60)], 10).save(sys.argv[1])
