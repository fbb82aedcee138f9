"""Contrastive learning of texts: a batch is encoded once and all its pairs are used, with a head that learns along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from studio.core.interfaces import AdaptedModel, Prior
from studio.core.types import Item
from studio.tasks.objectives.classification import HeadObjective, truths

TEMPERATURE = 0.1
"""τ of Khosla et al.; see tests/bench/README.md for what was tried."""


class ContrastiveObjective:
    """Supervised contrastive loss + cross-entropy of a head (Gunel et al. 2021, arXiv:2011.01403).

    The few labels are used in pairs as SetFit does (Tunstall et al. 2022, arXiv:2209.11055), but each text of a batch is
    encoded once and meets all others: n texts give n² pairs, where SetFit encodes two texts for each pair.
    """

    module: nn.Linear

    def __init__(self, modality: str, prior: Prior) -> None:
        self._head = HeadObjective(modality, prior)
        self.module = self._head.module
        self._modality = modality
        self._index = {name: i for i, name in enumerate(prior.classes)}

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        x = features[self._modality]
        pairs = supervised_contrastive(x, truths(batch, self._index, x.device), TEMPERATURE)
        return pairs + self._head.loss(model, features, batch)

    def score(self, model: AdaptedModel, features: Mapping[str, Tensor], items: Sequence[Item]) -> Mapping[str, float]:
        return self._head.score(model, features, items)


def supervised_contrastive(x: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """−mean over items and over their positives of log softmax(x·xᵀ / τ), an item itself left out (L_out of Khosla et al.
    2020, arXiv:2004.11362).

    `x` `[n, dim]` unit, `labels` `[n]`. Items with no other of their class in the batch are only negatives; with none at all
    the loss is 0, with gradient.
    """
    itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
    positive = (labels[:, None] == labels[None, :]) & ~itself  # [n, n]
    # finite, so that an item alone in its batch gives 0 and not NaN
    scores = (x @ x.T / temperature).masked_fill(itself, torch.finfo(x.dtype).min)
    log_share = scores - scores.logsumexp(1, keepdim=True)
    counts = positive.sum(1)
    of_item = (log_share * positive).sum(1) / counts.clamp(min=1)
    return -of_item.sum() / (counts > 0).sum().clamp(min=1)
