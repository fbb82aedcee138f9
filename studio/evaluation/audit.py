"""What may be wrong with the data itself: labels that nothing else supports, and items that are there twice.

Refuses to know items, pictures or models: it takes tensors and says which rows to look at.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

NEAREST = 10
"""Items that each is held against, the most alike as a whole."""
LOOSE = 0.3
"""How much less alike than near-duplicates two wholes may be, one of them cropped, to be looked at in parts."""
BLOCK = 1024
SURE = 0.9
"""Of having a class, or not having it: of two answers a predictor is usually so sure that a wrong label would hardly reach it."""


def doubted(logits: Tensor, labels: Tensor, enough: float = 1.0) -> list[tuple[int, int, float]]:
    """Items whose label looks wrong, the worst first: (row, class that it looks like, probability of that class).

    Confident learning (Northcutt et al. 2021, arXiv:1911.00068): of `logits` `[n, C]`, said by who had not seen the item's label
    `[n]`, a class counts where its probability reaches the mean that items of that label give it; an item is doubted where the
    most probable of these is another than its own. Ranked by the difference of the two probabilities. From a probability of
    `enough` on a class always counts.
    """
    p = logits.softmax(-1)
    given = p.gather(1, labels[:, None]).squeeze(1)
    counts = torch.bincount(labels, minlength=p.shape[1])
    usual = torch.zeros(p.shape[1]).index_add_(0, labels, given) / counts.clamp_min(1)
    counting = torch.where((p >= usual.clamp_max(enough)) & (counts > 0), p, torch.zeros(()))
    best, other = counting.max(1)
    doubt = (best - given).masked_fill((other == labels) | (best == 0), -1.0)
    order = doubt.argsort(descending=True, stable=True)
    return [(row, int(other[row]), float(p[row, other[row]])) for row in order.tolist() if doubt[row] > 0]


def doubted_sets(probabilities: Tensor, labels: Tensor) -> list[tuple[int, int, float]]:
    """The same where an item may be of several classes: (row, class that it seems to have and has not, or has and seems not to
    have, probability of that), of each row its most doubtful class. `[n, C]` both, labels zeros and ones."""
    worst: dict[int, tuple[float, int]] = {}
    for at in range(labels.shape[1]):
        both = torch.stack([1 - probabilities[:, at], probabilities[:, at]], 1).clamp_min(1e-12)
        for row, _, p in doubted(both.log().float(), labels[:, at].long(), SURE):
            worst[row] = max(worst.get(row, (0.0, 0)), (p, at))
    return [(row, at, p) for row, (p, at) in sorted(worst.items(), key=lambda one: (-one[1][0], one[0]))]


def near_duplicates(wholes: Tensor, rows_of: Callable[[int], Tensor], least: float) -> list[tuple[int, int, float]]:
    """Pairs of items that are the same but for encoding, size or a narrow crop: (row, later row, likeness), most alike first.

    `wholes` `[n, d]` are unit fingerprints of whole items; `rows_of(row)` gives that one's fingerprints `[k, d]`, first of the
    whole, then of its large parts. Two are near-duplicates where a part of one and the whole of the other have a product of
    at least `least`.
    """
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(wholes), BLOCK):
        alike = wholes[start : start + BLOCK] @ wholes.T
        own = torch.arange(len(alike))
        alike[own, own + start] = -1.0
        near = alike.topk(min(NEAREST, len(wholes) - 1), 1)
        for row, (values, others) in enumerate(zip(near.values.tolist(), near.indices.tolist(), strict=True), start):
            pairs |= {(min(row, k), max(row, k)) for value, k in zip(values, others, strict=True) if value >= least - LOOSE}
    kept: dict[int, Tensor] = {}
    found = []
    for a, b in sorted(pairs):
        for row in (a, b):
            if row not in kept:
                kept[row] = rows_of(row)
        likeness = max(float((kept[a] @ kept[b][0]).max()), float((kept[b] @ kept[a][0]).max()))
        if likeness >= least:
            found.append((a, b, likeness))
    return sorted(found, key=lambda pair: -pair[2])
