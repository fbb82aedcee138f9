"""Instant: kernel ridge regression on what zero-shot leaves unexplained, solved in closed form.

f(x) = s·x·Tᵀ + k(x, S) G⁻¹ (Y − s·S·Tᵀ), G = K + λI, k(a, b) = exp(−β‖a − b‖²), logits τ·f: ProKeR (Bendou et al. 2025,
arXiv:2501.11175). What an item would have got without its part of the support set is exact and needs no refit: the left-out
residual of a block B is (G⁻¹_BB)⁻¹ [G⁻¹R]_B (Rasmussen & Williams 2006, section 5.4.2, for blocks). s, β, λ, τ are the most
probable ones under these left-out likelihoods and a log-normal prior around a recipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import log

import torch
from torch import Tensor
from torch.nn.functional import softplus

from studio.learning.classifier import Bumps, Classifier, gaussian
from studio.learning.rungs import MOST_KEPT, RUNGS, TOO_MANY
from studio.learning.support import Support, folds, ranks
from studio.tasks.objectives.likelihood import of_labels

SCALES, BETAS, LAMBDAS, SHARPNESS = (
    (0.5, 1.0, 2.0),
    (0.5, 1.0, 2.0),
    (0.25, 0.5, 1.0, 2.0, 4.0),
    (5.0, 8.0, 12.0, 18.0, 27.0, 40.0),
)
RECIPE = (1.0, 1.0, 1.0, 12.0)
"""(s, β, λ, τ) where nothing can be left out, and the prior's centre."""
TRUST = (3.0, 3.0, 0.75, 3.0)
"""Log-likelihood that a number's squared distance from the recipe costs, in natural logarithms."""
BLOCKS = 10
HALF = 0.5
"""Where an item may be of several classes: f from which a class is said, as each is regressed on 0 and 1."""
LABELS, CLASSES = 256, 32
"""The four numbers are chosen on at most so many labels of at most so many classes: they are properties of the features,
not of the number of labels, and the whole set's inverse for each would take seconds."""


@dataclass(frozen=True, slots=True)
class InstantRung:
    name: str = "instant"
    title: str = "Instant"
    order: int = 20
    head_start: float = 0.15

    def why_not(self, support: Support) -> str | None:
        return TOO_MANY if len(support.labels) > MOST_KEPT else None

    def fit(self, support: Support) -> Classifier:
        s, beta, ridge, sharpness = choose(support)
        x, target = support.features, support.target
        gram = gaussian(x, x, beta)
        gram.diagonal().add_(ridge)
        bumps = torch.cholesky_solve(target - s * x @ support.text.T, torch.linalg.cholesky(gram))
        chosen = {"s": s, "beta": beta, "lambda": ridge, "sharpness": sharpness}
        weight, bias = s * support.text, torch.full((len(support.classes),), -HALF if support.several else 0.0)
        found = Classifier(
            self.name, support.classes, weight, bias, Bumps(x, bumps, beta), chosen=chosen, several=support.several
        )
        return found.sharpened(sharpness)


RUNGS.register("instant", InstantRung())


def choose(support: Support) -> tuple[float, float, float, float]:
    """(s, β, λ, τ)."""
    if support.shots < 2:
        return (_scale_of(support), *RECIPE[1:])
    few = _few(support)
    block, target = folds(few.labels, BLOCKS, few.seed), few.target
    cosines = few.features @ few.text.T
    best, found = float("-inf"), RECIPE
    ridges, scales = torch.tensor(LAMBDAS, dtype=target.dtype), torch.tensor(SCALES, dtype=target.dtype)
    for beta in BETAS:
        left_out = _left_out(gaussian(few.features, few.features, beta), ridges, torch.cat([target, cosines], -1), block)
        of_target, of_cosines = left_out.chunk(2, -1)  # [λ, n, C]
        f = target - of_target + scales[:, None, None, None] * of_cosines  # [s, λ, n, C]: what each item gets from the others
        if few.several:
            f = f - HALF
        hits = f.mul(target).sum((-2, -1))  # [s, λ]
        for sharpness in SHARPNESS:
            others = softplus(sharpness * f).sum(-1) if few.several else (sharpness * f).logsumexp(-1)
            likelihood = sharpness * hits - others.sum(-1)  # [s, λ]
            for (s, ridge), value in zip(product(SCALES, LAMBDAS), likelihood.flatten().tolist(), strict=True):
                numbers = (s, beta, ridge, sharpness)
                value -= sum(w * log(a / b) ** 2 for w, a, b in zip(TRUST, numbers, RECIPE, strict=True))
                if value > best:
                    best, found = value, numbers
    return found


def _scale_of(support: Support) -> float:
    """s, from how well the prompts alone say the labels there are; never above the recipe's."""

    def loss(s: float) -> float:
        f = s * support.features @ support.text.T - (HALF if support.several else 0.0)
        return log(s / RECIPE[0]) ** 2 - float(of_labels(RECIPE[3] * f, support.labels).sum())

    return min((s for s in SCALES if s <= RECIPE[0]), key=loss)


def _few(support: Support) -> Support:
    """At most LABELS of CLASSES classes, over these classes alone."""
    generator = torch.Generator().manual_seed(support.seed)
    if support.several:
        part = support.part(torch.randperm(len(support.labels), generator=generator)[:LABELS])
        return part.among(torch.isin(torch.arange(len(part.classes)), part.counts.argsort(descending=True)[:CLASSES]))
    present = support.counts.nonzero().flatten()
    kept = present[torch.randperm(len(present), generator=generator)[:CLASSES]].sort().values
    place = torch.full((len(support.classes),), -1)
    place[kept] = torch.arange(len(kept))
    labels = place[support.labels]
    rows = (labels >= 0) & (ranks(support.labels, support.seed) < LABELS // len(kept))
    names = tuple(support.classes[i] for i in kept.tolist())
    return Support(support.features[rows], labels[rows], support.text[kept], support.scale, names, support.seed)


def _left_out(gram: Tensor, ridges: Tensor, values: Tensor, block: Tensor) -> Tensor:
    """Residuals `[λ, n, m]` of `values` `[n, m]` at each item, predicted without the items of its block, from K `[n, n]`.

    K's eigenvectors give (K + λI)⁻¹ for every λ at once.
    """
    spectrum, vectors = torch.linalg.eigh(gram)
    shrunk = 1 / (spectrum + ridges[:, None])  # [λ, n]
    solved: Tensor = vectors @ (shrunk[..., None] * (vectors.T @ values))  # [λ, n, m]
    rows, there = _blocks(block)
    part = vectors[rows] * there[..., None]  # [blocks, w, n]
    corners = (part * shrunk[:, None, None]) @ part.mT + torch.diag_embed((~there).to(gram.dtype))  # [λ, blocks, w, w]
    residuals: Tensor = torch.cholesky_solve(solved[:, rows] * there[..., None], torch.linalg.cholesky(corners))
    solved[:, rows[there]] = residuals[:, there]
    return solved


def _blocks(block: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of each block, filled up to the widest, `[blocks, w]`, and which of them are no filling."""
    sizes = torch.bincount(block)
    sizes = sizes[sizes > 0]
    there = torch.arange(int(sizes.max())) < sizes[:, None]
    rows = torch.zeros(there.shape, dtype=torch.long)
    rows[there] = block.argsort(stable=True)
    return rows, there
