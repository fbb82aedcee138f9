"""Which items to label next: those that stand for most of what no label is near yet and, once every class may have been seen,
of what the predictor is unsure of.

MaxHerding (Bae et al. 2024, arXiv:2407.12212): greedily argmax_x Σ_u w_u · max(0, k(u, x) − max_{l ∈ L} k(u, l)) with
k(u, x) = exp(−‖u − x‖² / 2r²) on unit features. With w_u the predictor's uncertainty 1 − (p₁ − p₂) and a radius r that follows
how near the labels are by now, it is Uncertainty Herding (Bae et al. 2025, arXiv:2412.20644). Refuses to know items or models.
"""

from __future__ import annotations

import torch
from torch import Tensor

MOST_SEEN, MOST_OFFERED = 4_000, 2_000
"""Of larger pools a sample stands for all (u), and a sample is chosen from (x): each pick looks at all pairs of them."""
WIDEST = 1.0
"""The radius before there are labels, and its upper bound."""


def herd(features: Tensor, labelled: Tensor, probabilities: Tensor, n: int, seed: int = 0) -> Tensor:
    """Indices of up to `n` unlabelled items, the most telling first.

    `features` `[m, d]` have unit norm, `labelled` `[m]` is a mask, `probabilities` `[m, C]` are the present predictor's,
    before there are labels zero-shot's. Deterministic for a seed.
    """
    draw = torch.Generator().manual_seed(seed)
    offered = _some((~labelled).nonzero().flatten(), MOST_OFFERED, draw)
    seen = _some(torch.arange(len(features)), MOST_SEEN, draw)
    if not len(offered):
        return offered
    radius = _radius(features, labelled, offered)
    near = _kernel(features[seen], features[offered], radius)  # [u, x]
    known = torch.zeros(len(seen))
    if bool(labelled.any()):
        known = _kernel(features[seen], features[labelled], radius).amax(1)
    weights = torch.ones(len(seen))
    if int(labelled.sum()) >= probabilities.shape[1]:
        weights = uncertainty(probabilities[seen])
    chosen: list[int] = []
    for _ in range(min(n, len(offered))):
        gains = weights @ (near - known[:, None]).clamp_min_(0)
        gains[chosen] = -1.0
        chosen.append(int(gains.argmax()))
        known = torch.maximum(known, near[:, chosen[-1]])
    return offered[chosen]


def least_certain(labelled: Tensor, probabilities: Tensor, n: int) -> Tensor:
    """Indices of up to `n` unlabelled items, the least certain first."""
    left = (~labelled).nonzero().flatten()
    order = uncertainty(probabilities[left]).argsort(descending=True, stable=True)
    return left[order[:n]]


def uncertainty(probabilities: Tensor) -> Tensor:
    """1 − (p₁ − p₂) `[n]`: 1 where the two most probable of `[n, C]` are as probable as each other."""
    if probabilities.shape[1] < 2:
        return torch.ones(len(probabilities))
    top = probabilities.topk(2, dim=1).values
    return 1 - (top[:, 0] - top[:, 1])


def _radius(features: Tensor, labelled: Tensor, offered: Tensor) -> float:
    """The mean distance from an unlabelled item to the nearest label, at most WIDEST."""
    if not bool(labelled.any()):
        return WIDEST
    nearest = (features[offered] @ features[labelled].T).amax(1)
    return min(WIDEST, float((2 - 2 * nearest).clamp_min(1e-6).sqrt().mean()))


def _kernel(a: Tensor, b: Tensor, radius: float) -> Tensor:
    """exp(−‖a − b‖² / 2r²) `[m, n]` of unit rows."""
    return (a @ b.T).sub_(1).div_(radius**2).exp_()


def _some(index: Tensor, most: int, draw: torch.Generator) -> Tensor:
    return index if len(index) <= most else index[torch.randperm(len(index), generator=draw)[:most]]
