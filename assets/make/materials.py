"""What pieces are made of: colour, grain, gloss, and what the light makes of them."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.make.shapes import Field
from assets.make.textures import noise

Rng = np.random.Generator

HSV = {
    "red": (0.995, 0.86, 0.78),
    "orange": (0.072, 0.9, 0.94),
    "yellow": (0.15, 0.84, 0.95),
    "green": (0.36, 0.72, 0.55),
    "turquoise": (0.485, 0.7, 0.74),
    "blue": (0.605, 0.82, 0.72),
    "purple": (0.765, 0.64, 0.56),
    "pink": (0.93, 0.46, 0.95),
    "brown": (0.065, 0.66, 0.38),
    "black": (0.6, 0.1, 0.09),
    "white": (0.12, 0.03, 0.95),
    "grey": (0.6, 0.03, 0.5),
}
OWN = {"steel": (0.66, 0.68, 0.71), "brass": (0.83, 0.66, 0.27), "copper": (0.8, 0.46, 0.32), "wood": (0.76, 0.56, 0.34)}


@dataclass(frozen=True, slots=True)
class Finish:
    """How a material answers light."""

    mirror: float = 0.0
    """Share of what is reflected from the surroundings in the material's own colour, as metals do."""
    gloss: float = 0.0
    """Strength of white highlights."""
    sharp: float = 20.0
    """Exponent of the highlights: higher is smaller."""
    clear: float = 0.0
    """Share of the ground that shines through."""
    saturation: float = 1.0
    grain: str | None = None
    """Which texture it has, along the piece."""
    relief: float = 0.0
    """How strongly the texture shades it."""


FINISH = {
    "steel": Finish(mirror=0.85, gloss=0.5, sharp=40, grain="streak", relief=0.04),
    "brass": Finish(mirror=0.75, gloss=0.5, sharp=40, grain="streak", relief=0.04),
    "copper": Finish(mirror=0.75, gloss=0.45, sharp=35, grain="streak", relief=0.04),
    "aluminium": Finish(mirror=0.6, gloss=0.35, sharp=14, grain="grain", relief=0.1),
    "plastic": Finish(gloss=0.45, sharp=30),
    "rubber": Finish(gloss=0.06, sharp=5, saturation=0.75, grain="grain", relief=0.2),
    "glass": Finish(gloss=1.0, sharp=70, clear=0.55),
    "ceramic": Finish(gloss=0.85, sharp=110, saturation=0.8, grain="cloud", relief=0.03),
    "wood": Finish(gloss=0.05, sharp=8, saturation=0.85, grain="wood", relief=0.24),
    "felt": Finish(saturation=0.9, grain="grain", relief=0.32),
    "stone": Finish(gloss=0.05, sharp=8, saturation=0.6, grain="cloud", relief=0.42),
}


def colour_of(material: str, colour: str | None, rng: Rng) -> Field:
    """The colour of one piece, `[3]`, a little different from piece to piece."""
    if colour is None:
        base: Any = np.array(OWN[material]) * rng.uniform(0.9, 1.08)
        found: Field = np.clip(base + rng.uniform(-0.02, 0.02, 3), 0, 1).astype(np.float32)
        return found
    hue, saturation, value = HSV[colour]
    saturation *= FINISH[material].saturation * rng.uniform(0.88, 1.08)
    drawn = colorsys.hsv_to_rgb(
        (hue + rng.uniform(-0.014, 0.014)) % 1, min(saturation, 1), min(value * rng.uniform(0.9, 1.08), 1)
    )
    out = np.array(drawn, np.float32)
    if material == "wood":  # stain lets the wood show
        out = 0.82 * out + 0.18 * np.array(OWN["wood"], np.float32)
    if material == "rubber":
        out = out * 0.88 + 0.015
    return out


def grain_of(finish: Finish, x: Field, y: Field, rng: Rng) -> Field | None:
    """The texture at the piece's own coordinates, about -1..1; None where it is smooth."""
    if finish.grain is None:
        return None
    across, down = {"streak": (0.12, 0.35), "wood": (0.12, 0.4), "cloud": (0.35, 0.35), "grain": (0.16, 0.16)}[finish.grain]
    found = noise(finish.grain, x * across, y * down, rng)
    if finish.grain == "cloud" and finish.relief > 0.2:  # stone: speckles on top of clouds
        found = 0.6 * found + 0.6 * noise("grain", x * 0.14, y * 0.14, rng)
    return found


def lit(albedo: Field, normal: tuple[Field, Field, Field], finish: Finish, light: Field, tint: Field) -> Field:
    """The piece's colours under the light, `[h, w, 3]`. `albedo` `[h, w, 3]`, `light` a unit vector, `tint` `[3]`.

    Lambert and Blinn–Phong; metals mirror a made-up room: a bright window over a dark floor.
    """
    nx, ny, nz = normal
    facing = np.maximum(nx * light[0] + ny * light[1] + nz * light[2], 0)
    half = light + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    bright = np.maximum(nx * half[0] + ny * half[1] + nz * half[2], 0) ** finish.sharp * finish.gloss
    diffuse = (0.36 + 0.8 * facing)[..., None] * albedo
    if finish.mirror:
        # direction in which the surface sees the room
        rx, ry = 2 * nz * nx, 2 * nz * ny
        towards = rx * light[0] + ry * light[1]
        room = 0.32 + 0.55 / (1 + np.exp(-7 * (towards - 0.1))) + 0.45 * np.exp(-np.square((towards - 0.42) * 6)) - 0.12 * ry
        diffuse = (1 - finish.mirror) * diffuse + finish.mirror * room[..., None] * (albedo * 1.06)
    found: Field = (diffuse + bright[..., None]) * tint
    return found
