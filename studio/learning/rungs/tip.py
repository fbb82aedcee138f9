"""Tip: zero-shot plus votes of near support items, s·x·Tᵀ + α·exp(−β(1 − x·Sᵀ))·Y, with nothing trained.

Tip-Adapter (Zhang et al. 2022, arXiv:2207.09519). α and β are those under which support items are most likely when the ones of
their block, at most one of each class, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import one_hot

from studio.learning.classifier import Bumps, Classifier, gaussian
from studio.learning.rungs import MOST_KEPT, ONE_CLASS, RUNGS, TOO_MANY
from studio.learning.support import Support, ranks

ALPHAS, BETAS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0), (1.0, 2.75, 5.5, 11.0, 22.0)
RECIPE = (1.0, 5.5)
"""(α, β) of the authors' code, where nothing can be left out."""
BLOCKS = 10


@dataclass(frozen=True, slots=True)
class TipRung:
    name: str = "tip"
    title: str = "Tip-Adapter"
    order: int = 30
    head_start: float = 0.0

    def why_not(self, support: Support) -> str | None:
        if support.several:
            return ONE_CLASS
        return TOO_MANY if len(support.labels) > MOST_KEPT else None

    def fit(self, support: Support) -> Classifier:
        alpha, beta = RECIPE if support.shots < 2 else _choose(support)
        votes = alpha * one_hot(support.labels, len(support.classes)).to(support.features.dtype)
        bumps = Bumps(support.features, votes, beta / 2)  # ‖a − b‖² = 2(1 − a·b) of unit rows
        weight, bias = support.scale * support.text, torch.zeros(len(support.classes))
        return Classifier(self.name, support.classes, weight, bias, bumps, chosen={"alpha": alpha, "beta": beta})


RUNGS.register("tip", TipRung())


def _choose(support: Support) -> tuple[float, float]:
    """(α, β)."""
    block = ranks(support.labels, support.seed) % BLOCKS
    others = (block[:, None] != block).to(support.features.dtype)
    target = one_hot(support.labels, len(support.classes)).to(support.features.dtype)
    prior = support.prior
    best, found = float("-inf"), RECIPE
    for beta in BETAS:
        votes = (gaussian(support.features, support.features, beta / 2) * others) @ target
        for alpha in ALPHAS:
            likelihood = float((prior + alpha * votes).log_softmax(-1).mul(target).sum())
            if likelihood > best:
                best, found = likelihood, (alpha, beta)
    return found
