"""Contrastive learning of texts: a batch is encoded once and all its pairs are used, with a head that learns along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from studio.core.interfaces import AdaptedModel, Prior
from studio.core.types import Item
from studio.tasks.objectives.classification import HeadObjective, truths


class ContrastiveObjective:
    """Cosines of all pairs of a batch towards 1 within a class and 0 between classes, + cross-entropy of a head.

    The pairs are SetFit's (Tunstall et al. 2022, arXiv:2209.11055), but n texts encoded once give n² of them, where SetFit
    encodes two texts for each. SetFit fits its head afterwards; one that learns along was as accurate on held-out training
    items and far less sure of its mistakes.
    """

    module: nn.Linear
    together = 4

    def __init__(self, modality: str, prior: Prior) -> None:
        self._head = HeadObjective(modality, prior)
        self.module = self._head.module
        self._modality = modality
        self._index = {name: i for i, name in enumerate(prior.classes)}

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        x = features[self._modality]
        return cosine_pairs(x, truths(batch, self._index, x.device)) + self._head.loss(model, features, batch)

    def score(self, model: AdaptedModel, features: Mapping[str, Tensor], items: Sequence[Item]) -> Mapping[str, float]:
        return self._head.score(model, features, items)


def cosine_pairs(x: Tensor, labels: Tensor) -> Tensor:
    """½ mean (1 − cos)² over pairs within a class + ½ mean cos² over pairs of two classes; a mean over no pair is 0.

    `x` `[n, dim]` unit, `labels` `[n]`. SetFit's loss with as much weight on the few pairs within classes as on all others.
    """
    cosines = x @ x.T  # [n, n]
    same = labels[:, None] == labels[None, :]
    within = same & ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    return 0.5 * _mean((1 - cosines).square(), within) + 0.5 * _mean(cosines.square(), ~same)


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)
