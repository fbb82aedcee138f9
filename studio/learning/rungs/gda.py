"""GDA: zero-shot plus a Gaussian discriminant with one covariance for all classes, s·x·Tᵀ + α(x·Wᵀ + b), nothing trained.

Wang et al. 2024 (arXiv:2402.04087): Σ⁻¹ = d·((N − 1)Σ + tr(Σ)I)⁻¹, W = μΣ⁻¹, b = −½ diag(μΣ⁻¹μᵀ). α is chosen on stratified
folds of the support set, by likelihood: the best one grows a thousandfold from one label a class to sixteen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from studio.learning.classifier import Classifier
from studio.learning.rungs import ONE_CLASS, RUNGS
from studio.learning.support import Support, splits

ALPHAS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
MOST_FOLDS = 5


@dataclass(frozen=True, slots=True)
class GdaRung:
    name: str = "gda"
    title: str = "Gaussian discriminant"
    order: int = 40
    head_start: float = 0.0

    def why_not(self, support: Support) -> str | None:
        if support.several:
            return ONE_CLASS
        if int(support.counts.max()) < 2:
            return "It measures how a class's items differ: label a second item of at least one class."
        return None

    def fit(self, support: Support) -> Classifier:
        alpha = _choose(support)
        weight, bias = _discriminant(support)
        weight = support.scale * support.text + alpha * weight
        return Classifier(self.name, support.classes, weight, alpha * bias, chosen={"alpha": alpha})


RUNGS.register("gda", GdaRung())


def _discriminant(support: Support) -> tuple[Tensor, Tensor]:
    """(W `[C, d]`, b `[C]`); a class without labels stands at the mean of all items."""
    x, labels = support.features, support.labels
    sums = one_hot(labels, len(support.classes)).to(x.dtype).T @ x
    counts = support.counts[:, None].to(x.dtype)
    means = torch.where(counts > 0, sums / counts.clamp(min=1), x.mean(0))
    scatter = x - means[labels]
    scatter = scatter.T @ scatter  # (N − 1)Σ
    # items of a class may be all alike: then any direction is as good as another
    spread = (scatter.trace() / (len(x) - 1)).clamp_min(1e-6)
    eye = torch.eye(x.shape[1], dtype=x.dtype)
    weight = x.shape[1] * torch.linalg.solve(scatter + spread * eye, means.T).T
    return weight, -0.5 * (weight * means).sum(1)


def _choose(support: Support) -> float:
    """α; the least where no fold has two labels of a class to learn from."""
    total = torch.zeros(len(ALPHAS))
    if support.shots < 2:
        return ALPHAS[0]
    for learn, held in splits(support.labels, min(MOST_FOLDS, support.shots), support.seed):
        part, out = support.part(learn), support.part(held)
        if int(part.counts.max()) < 2:
            return ALPHAS[0]
        weight, bias = _discriminant(part)
        term = out.features @ weight.T + bias
        target = one_hot(out.labels, len(out.classes)).to(term.dtype)
        total += torch.stack([(out.prior + a * term).log_softmax(-1).mul(target).sum() for a in ALPHAS])
    return ALPHAS[int(total.argmax())]
