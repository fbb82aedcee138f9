"""Items that look alike, as groups that one act can label. Refuses to know items or models."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

PER_GROUP = 12
"""Items in a group, on average."""
MOST_GROUPS = 200
ROUNDS = 20


def cluster(features: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(group of each item `[n]`, its likeness to the middle of the group `[n]`) of unit features `[n, d]`.

    Spherical k-means (Dhillon and Modha 2001, doi:10.1023/A:1007612920971), begun as k-means++ is (Arthur and Vassilvitskii
    2007). Deterministic for a seed.
    """
    n = len(features)
    middles = _far_apart(features, max(1, min(n // PER_GROUP, MOST_GROUPS)), seed)
    group = torch.full((n,), -1)
    for _ in range(ROUNDS):
        now = (features @ middles.T).argmax(1)
        if torch.equal(now, group):
            break
        group = now
        sums = torch.zeros_like(middles).index_add_(0, group, features)
        empty = sums.norm(dim=1) == 0
        middles = torch.where(empty[:, None], middles, normalize(sums, dim=1))
    return group, (features * middles[group]).sum(1)


@dataclass(frozen=True, slots=True)
class Row:
    """Items that look alike, and the class that is most probable for all together."""

    members: Tensor
    """`[k]`, the nearest to the middle first."""
    label: int
    probability: float
    """Of that class, on average over the members that agree."""
    agree: Tensor
    """Whether it is each member's own most probable class: a mask `[k]`."""


def rows(features: Tensor, probabilities: Tensor, largest: int) -> list[Row]:
    """Groups of at most `largest` items, those first that the predictor is surest of and most at one about.

    `features` `[n, d]` have unit norm, `probabilities` are `[n, C]`.
    """
    group, likeness = cluster(features)
    found = []
    for number in sorted(set(group.tolist())):
        members = (group == number).nonzero().flatten()
        members = members[likeness[members].argsort(descending=True)][:largest]
        said = probabilities[members]
        label = int(said.mean(0).argmax())
        agree = said.argmax(1) == label
        probability = float(said[agree, label].mean()) if bool(agree.any()) else 0.0
        found.append(Row(members, label, probability, agree))
    return sorted(found, key=lambda row: -row.probability * float(row.agree.float().mean()))


def _far_apart(features: Tensor, k: int, seed: int) -> Tensor:
    """`k` of the items, each drawn with a probability that grows with its squared distance to those before it."""
    draw = torch.Generator().manual_seed(seed)
    chosen = [int(torch.randint(len(features), (1,), generator=draw))]
    distance = 2 - 2 * (features @ features[chosen[0]])
    while len(chosen) < k:
        weights = distance.clamp_min(1e-12)
        chosen.append(int(torch.multinomial(weights, 1, generator=draw)))
        distance = torch.minimum(distance, 2 - 2 * (features @ features[chosen[-1]]))
    return features[chosen]
