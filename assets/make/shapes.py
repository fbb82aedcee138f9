"""Shapes of pieces, as distance fields with a height. Knows no material and no light.

A shape takes coordinates `x, y` (float32 `[h, w]`, the piece within about ±1), proportions `p` (four numbers in 0..1) and gives
`(distance, height)`: the distance to its outline (negative inside) and the height of its surface over the ground, both in
its own unit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Field = np.ndarray[Any, np.dtype[Any]]
"""float32."""
Form = tuple[Field, Field]
Proportions = np.ndarray[Any, np.dtype[np.float64]]
Shape = Callable[[Field, Field, Proportions], Form]


def circle(x: Field, y: Field, cx: float, cy: float, r: float) -> Field:
    return np.hypot(x - cx, y - cy) - np.float32(r)


def box(x: Field, y: Field, cx: float, cy: float, w: float, h: float, corner: float = 0.03) -> Field:
    """A rectangle of half sides `w`, `h` with round corners."""
    dx, dy = np.abs(x - cx) - (w - corner), np.abs(y - cy) - (h - corner)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return outside + np.minimum(np.maximum(dx, dy), 0) - np.float32(corner)


def polygon(x: Field, y: Field, sides: int, r: float) -> Field:
    """A regular polygon of inner radius `r`."""
    angle, step = np.arctan2(y, x), 2 * np.pi / sides
    return np.hypot(x, y) * np.cos(np.mod(angle, step) - step / 2) - np.float32(r)


def arc(x: Field, y: Field, cx: float, cy: float, r: float, opening: float) -> Field:
    """Distance to the middle line of a circle that is open around the direction +y by ± `opening` radians."""
    px, py = np.abs(x - cx), y - cy
    angle = np.arctan2(px, py)
    ends = np.hypot(px - r * np.sin(opening), py - r * np.cos(opening))
    return np.where(angle > opening, np.abs(np.hypot(px, py) - r), ends)


def without(d: Field, *holes: Field) -> Field:
    for hole in holes:
        d = np.maximum(d, -hole)
    return d


def union(*fields: Field) -> Field:
    out = fields[0]
    for field in fields[1:]:
        out = np.minimum(out, field)
    return out


def flat(d: Field, thickness: float, bevel: float = 0.07) -> Form:
    """A flat piece whose edges are rounded off."""
    t = np.clip(-d / np.float32(bevel), 0, 1)
    return d, thickness * t * (2 - t)


def round_bar(d: Field, r: float) -> Form:
    """A bar of round section around a middle line at the distance `d + r`."""
    return d, np.sqrt(np.maximum(r * r - np.square(d + r), 0))


def turned(x: Field, y: Field, r: Field) -> Form:
    """A body of revolution that lies along x, of radius `r(x)`; no deeper than ±0.95."""
    d = np.maximum(np.abs(y) - r, np.abs(x) - np.float32(0.95))
    return d, np.sqrt(np.maximum(r * r - y * y, 0)) * (d < 0)


def washer(x: Field, y: Field, p: Proportions) -> Form:
    hole = 0.34 + 0.22 * p[0]
    return flat(without(circle(x, y, 0, 0, 0.92), circle(x, y, 0, 0, hole)), 0.12, 0.06)


def ring(x: Field, y: Field, p: Proportions) -> Form:
    r = 0.07 + 0.06 * float(p[0])
    return round_bar(np.abs(np.hypot(x, y) - np.float32(0.85)) - np.float32(r), r)


def nut(x: Field, y: Field, p: Proportions) -> Form:
    hole = circle(x, y, 0, 0, 0.4 + 0.1 * float(p[0]))
    d, h = flat(without(polygon(x, y, 6, 0.82), hole), 0.5, 0.08)
    chamfer = np.clip((np.hypot(x, y) - 0.78) * 1.2, 0, 0.2)
    return d, h - chamfer - 0.06 * (np.abs(hole - 0.07) < 0.03)


def bolt(x: Field, y: Field, p: Proportions) -> Form:
    thick = 0.15 + 0.07 * float(p[0])
    head, shaft = box(x, y, -0.76, 0, 0.19, 0.45, 0.05), box(x, y, 0.15, 0, 0.8, thick)
    pitch = 38 + 14 * p[1]
    threads = np.where(x > -0.2, 0.035 * np.sin(pitch * x + 2 * y), 0)
    body = np.sqrt(np.maximum(thick**2 - y * y, 0)) + threads
    facets = 0.42 - 0.16 * (np.abs(y) > 0.2) * np.clip((np.abs(y) - 0.2) * 4, 0, 1)
    return np.minimum(head, shaft), np.where(head < 0, facets * np.clip(-head / 0.05, 0, 1), body * (shaft < 0))


def gear(x: Field, y: Field, p: Proportions) -> Form:
    teeth = 8 + int(p[0] * 7)
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    rim = r - (0.8 + 0.12 * np.tanh(3 * np.sin(teeth * angle))).astype(np.float32)
    d, h = flat(without(rim, circle(x, y, 0, 0, 0.2 + 0.14 * float(p[1]))), 0.22, 0.06)
    return d, h - 0.09 * np.clip((0.62 - r) * 20, 0, 1) * np.clip((r - 0.42) * 20, 0, 1)


def plate(x: Field, y: Field, p: Proportions) -> Form:
    w, h, r = 0.94, 0.5 + 0.2 * float(p[0]), 0.09
    holes = circle(np.abs(x), np.abs(y), w - 0.2, h - 0.2, r)
    return flat(without(box(x, y, 0, 0, w, h, 0.1), holes), 0.1, 0.05)


def cube(x: Field, y: Field, p: Proportions) -> Form:
    angles = np.pi / 2 + np.array([0, 2, 4]) * np.pi / 3
    slopes = [np.cos(a) * x + np.sin(a) * y for a in angles]
    height = 1.0 - 1.0 * np.maximum(np.maximum(slopes[0], slopes[1]), slopes[2])
    d = polygon(y, x, 6, 0.74 + 0.06 * float(p[0]))
    return d, np.maximum(height, 0.05) * (d < 0)


def ball(x: Field, y: Field, p: Proportions) -> Form:
    return round_bar(circle(x, y, 0, 0, 0.85), 0.85)


def bottle(x: Field, y: Field, p: Proportions) -> Form:
    body, neck = 0.34 + 0.1 * float(p[0]), 0.13
    shoulder = np.clip((x - 0.2) / (0.15 + 0.2 * p[1]), 0, 1)
    r = body + (neck - body) * shoulder * shoulder * (3 - 2 * shoulder) + 0.03 * (x > 0.8)
    return turned(x, y, r.astype(np.float32))


def key(x: Field, y: Field, p: Proportions) -> Form:
    bow = without(circle(x, y, -0.58, 0, 0.37), circle(x, y, -0.62, 0, 0.17 + 0.06 * float(p[0])))
    blade = box(x, y, 0.3, 0, 0.65, 0.1)
    bits = [box(x, y, at, 0.15, 0.07, 0.1 + 0.1 * float(p[i]), 0.01) for i, at in enumerate((0.48, 0.67, 0.86))]
    return flat(union(bow, blade, *bits), 0.12, 0.04)


def spring(x: Field, y: Field, p: Proportions) -> Form:
    turns, size, thick = 12 + 8 * float(p[0]), 0.3 + 0.08 * float(p[1]), 0.06
    inside = np.maximum(np.abs(x) - 0.92, -1)

    def strand(phase: float) -> Field:
        wave = turns * x + phase
        gap = np.abs(y - size * np.sin(wave)) / np.sqrt(1 + np.square(size * turns * np.cos(wave)))
        found: Field = np.maximum(gap - thick, np.maximum(np.abs(y) - size - thick, inside))
        return found

    front, back = strand(0.0), strand(0.9)
    h = np.where(front < 0, 0.3 + round_bar(front, thick)[1], round_bar(back, thick)[1])
    return np.minimum(front, back), h


def bracket(x: Field, y: Field, p: Proportions) -> Form:
    thick = 0.24 + 0.06 * float(p[0])
    arms = union(box(x, y, 0.1, 0.85 - thick, 0.8, thick), box(x, y, thick - 0.75, 0, thick, 0.85))
    holes = (circle(x, y, 0.6, 0.85 - thick, 0.1), circle(x, y, thick - 0.75, -0.55, 0.1), circle(x, y, 0.15, 0.85 - thick, 0.1))
    return flat(without(arms, *holes), 0.16, 0.05)


def button(x: Field, y: Field, p: Proportions) -> Form:
    r, away = np.hypot(x, y), 0.17 + 0.05 * float(p[0])
    holes = circle(np.abs(x), np.abs(y), away, away, 0.09)
    d, h = flat(without(circle(x, y, 0, 0, 0.88), holes), 0.2, 0.12)
    return d, h - 0.09 * np.clip((0.66 - r) * 8, 0, 1)


def cup(x: Field, y: Field, p: Proportions) -> Form:
    r, wall = np.hypot(x + 0.15, y), 0.68
    handle = without(box(x, y, 0.66, 0, 0.26, 0.26, 0.24), box(x, y, 0.62, 0, 0.14, 0.14, 0.13))
    d = union(circle(x, y, -0.15, 0, wall), handle)
    rim = 0.5 * np.clip(1 - np.square((r - 0.61) / 0.1), 0, 1)
    well = 0.4 * np.clip((r - 0.3) / 0.3, 0, 1) ** 2
    return d, np.where(r < wall, np.maximum(rim, well * (r < 0.6)), 0.2 * np.clip(-handle / 0.08, 0, 1))


def hook(x: Field, y: Field, p: Proportions) -> Form:
    thick = 0.1 + 0.04 * float(p[0])
    bow = np.where((y > 0.3) | (x < 0), np.abs(np.hypot(x, y - 0.35) - 0.45), np.hypot(x - 0.45, y - 0.3))
    bow = np.where((y < 0.35) & (x < 0), np.hypot(x + 0.45, y - 0.35), bow)
    shaft = np.hypot(x - 0.45, np.maximum(np.abs(y + 0.15) - 0.48, 0))
    eye = np.abs(np.hypot(x - 0.45, y + 0.72) - 0.16)
    return round_bar(union(bow, shaft, eye).astype(np.float32) - np.float32(thick), thick)


def pipe(x: Field, y: Field, p: Proportions) -> Form:
    r = 0.26 + 0.1 * float(p[0])
    end = np.hypot((x - 0.72) * 2.2, y)
    d = np.minimum(box(x, y, -0.12, 0, 0.84, r, 0.02), (end - r) / 2.2)
    body = np.sqrt(np.maximum(r * r - y * y, 0))
    return d, np.where(end < r * 0.72, -0.5, np.where(end < r, r * 0.8, body)) * (d < 0)


def star(x: Field, y: Field, p: Proportions) -> Form:
    angle, r = np.arctan2(x, -y), np.hypot(x, y)
    sector = np.abs(np.mod(angle + np.pi / 5, 2 * np.pi / 5) - np.pi / 5)
    px, py = r * np.cos(sector), r * np.sin(sector)
    inner = 0.38 + 0.08 * p[0]
    ex, ey = inner * np.cos(np.pi / 5) - 0.95, inner * np.sin(np.pi / 5)
    d = ((px - 0.95) * ey - py * ex) / np.hypot(ex, ey)
    d = d.astype(np.float32)
    return d, 0.9 * np.clip(-d, 0, 0.3)


def wrench(x: Field, y: Field, p: Proportions) -> Form:
    shaft = box(x, y, 0, 0, 0.7, 0.11 + 0.03 * float(p[0]))
    heads = union(circle(x, y, -0.68, 0, 0.29), circle(x, y, 0.72, 0, 0.24))
    jaws = (box(x, y, -0.92, 0.04, 0.26, 0.13), box(x, y, 0.94, -0.03, 0.22, 0.1))
    return flat(without(union(shaft, heads), *jaws), 0.14, 0.06)


def cone(x: Field, y: Field, p: Proportions) -> Form:
    return turned(x, y, ((0.95 - x) * (0.24 + 0.1 * p[0])).astype(np.float32))


def spoon(x: Field, y: Field, p: Proportions) -> Form:
    bowl = (np.hypot((x + 0.58) / 1.35, y) - (0.25 + 0.04 * float(p[0]))).astype(np.float32)
    handle = box(x, y, 0.32, 0, 0.64, 0.05, 0.05) - 0.04 * np.clip(x - 0.4, 0, 1)
    hollow = 0.16 * np.clip(1 - np.square(np.hypot((x + 0.58) / 1.35, y) / 0.26), 0, 1)
    d, h = flat(union(bowl, handle), 0.14, 0.05)
    return d, h - hollow


def heart(x: Field, y: Field, p: Proportions) -> Form:
    # after Inigo Quilez's exact distance to a heart
    scale = 0.6 + 0.06 * float(p[0])
    px, py = np.abs(x) * 0.62, 0.55 - y * scale
    lobe = np.hypot(px - 0.25, py - 0.75) - np.float32(np.sqrt(2) / 4)
    along = 0.5 * np.maximum(px + py, 0)
    below = np.minimum(np.hypot(px, py - 1), np.hypot(px - along, py - along)) * np.sign(px - py)
    d = (np.where(py + px > 1, lobe, below) / scale).astype(np.float32)
    t = np.clip(-d / 0.35, 0, 1)
    return d, 0.35 * t * (2 - t)


def propeller(x: Field, y: Field, p: Proportions) -> Form:
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    turn = 3 * angle + 1.6 * r
    blades = (r - 0.93 + 0.75 * np.square(np.sin(turn / 2)) * (1.15 - 0.2 * p[0])) * 0.7
    d = union(blades.astype(np.float32), circle(x, y, 0, 0, 0.24))
    d = without(d, circle(x, y, 0, 0, 0.09))
    h = np.clip(-d / 0.06, 0, 1) * (0.14 + 0.12 * np.sin(turn)) + 0.25 * (r < 0.22)
    return d, h


def horseshoe(x: Field, y: Field, p: Proportions) -> Form:
    wide = 0.17 + 0.05 * float(p[0])
    d = arc(x, y, 0, 0.0, 0.7, 0.5) - np.float32(wide)
    holes = [circle(np.abs(x), y, 0.7 * float(np.sin(a)), 0.7 * float(np.cos(a)), 0.05) for a in (1.0, 1.6, 2.2)]
    return flat(without(d.astype(np.float32), *holes), 0.16, 0.06)


def fork(x: Field, y: Field, p: Proportions) -> Form:
    tines = union(*(box(x, y, -0.68, at, 0.27, 0.045, 0.04) for at in (-0.21, -0.07, 0.07, 0.21)))
    palm = box(x, y, -0.36, 0, 0.14, 0.255, 0.12)
    handle = box(x, y, 0.36, 0, 0.6, 0.05 + 0.02 * float(p[0]), 0.05)
    return flat(union(tines, palm, handle), 0.12, 0.04)


BY_NAME: dict[str, Shape] = {
    one.__name__: one
    for one in (
        *(washer, ring, nut, bolt, gear, plate, cube, ball, bottle, key, spring, bracket, button, cup, hook, pipe),
        *(star, wrench, cone, spoon, heart, propeller, horseshoe, fork),
    )
}
