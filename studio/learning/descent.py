"""L-BFGS for smooth full-batch problems whose variables are scaled so that the curvature is about one. Knows no model.

Liu & Nocedal 1989. torch's own ends on absolute changes of loss and variables, which no one number fits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from torch import Tensor

MEMORY = 8
SUFFICIENT = 1e-4
"""Share of the decrease that the slope promises which a step has to bring."""


def minimise(loss: Callable[[Tensor], tuple[float, Tensor]], start: Tensor, tolerance: float, most: int) -> Tensor:
    """Where `loss` (value, gradient) is least, from `start`; ends once a step brings less than `tolerance` × the loss."""
    x, (value, slope) = start, loss(start)
    past: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=MEMORY)
    for _ in range(most):
        direction = _quasi_newton(slope, past)
        fall, size = float((slope * direction).sum()), 1.0
        after, (new_value, new_slope) = x + direction, loss(x + direction)
        while not new_value <= value + SUFFICIENT * size * fall:
            # the parabola through both values and the slope, kept inside a tenth and a half of this step
            size *= min(0.5, max(0.1, -0.5 * size * fall / max(new_value - value - size * fall, 1e-12)))
            if size < 1e-8:
                return x
            after = x + size * direction
            new_value, new_slope = loss(after)
        moved, turned = after - x, new_slope - slope
        bend = float((moved * turned).sum())
        if bend > 1e-10 * float(moved.square().sum()):
            past.append((moved, turned, bend))
        gained = value - new_value
        x, value, slope = after, new_value, new_slope
        if gained <= tolerance * abs(value):
            break
    return x


def _quasi_newton(slope: Tensor, past: deque[tuple[Tensor, Tensor, float]]) -> Tensor:
    """−H·slope by the two-loop recursion; −slope at first."""
    q, shares = slope, []
    for moved, turned, bend in reversed(past):
        shares.append(float((moved * q).sum()) / bend)
        q = q - shares[-1] * turned
    if past:
        q = q * (past[-1][2] / float(past[-1][1].square().sum()))
    for (moved, turned, bend), share in zip(past, reversed(shares), strict=True):
        q = q + (share - float((turned * q).sum()) / bend) * moved
    return -q
