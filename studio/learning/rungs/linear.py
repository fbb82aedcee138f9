"""Linear: a logistic head that starts from the text classifier and is pulled towards it.

W = share·s·T + Δ minimises Σ CE(x·Wᵀ + b, y) + ½λ(‖Δ‖² + ‖b‖²): a linear probe anchored at the zero-shot weights, as in
CLAP (Silva-Rodríguez et al. 2024, arXiv:2312.12730), with one penalty for all classes; where an item may be of several, one
logistic each. λ and the share are the most probable
ones under stratified cross-validation inside the support set and a log-normal prior around a recipe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from studio.learning.classifier import Classifier
from studio.learning.descent import minimise
from studio.learning.rungs import RUNGS
from studio.learning.support import Support, splits
from studio.tasks.objectives.likelihood import loss_and_slope, of_labels, probabilities

PENALTIES = (16.0, 4.0, 1.0, 0.25, 0.06, 0.016)
"""λ tried, times the number of classes: the curvature of a class's cross-entropy falls as one over it; where an item may be of
several, times 4. The strongest first, for each solution is where the next begins."""
SHARES = (0.0625, 0.125, 0.25, 0.5, 1.0)
"""Shares of the model's logit scale with which the text classifier enters."""
RECIPE = (1.0, 0.5)
"""(λ·C, share) where nothing can be held out, and the prior's centre."""
TRUST = (0.5, 0.5)
"""Log-likelihood that their squared distance from the recipe costs, in natural logarithms."""
ONE_SHOT_TRUST = 0.1
"""The same for the share alone, where the prompts are judged and not a head: they cannot fit these labels."""
MOST_FOLDS = 5
MOST_STEPS = 100
LOOSE, TIGHT = 5e-3, 1e-5
"""Relative decrease of the loss at which solving ends: for choosing, and for the head that is kept."""


@dataclass(frozen=True, slots=True)
class LinearRung:
    name: str = "linear"
    title: str = "Linear head"
    order: int = 10
    head_start: float = 0.2

    def why_not(self, support: Support) -> str | None:
        return None

    def fit(self, support: Support) -> Classifier:
        problem = _Problem(support)
        penalty, share = _choose(problem, support)
        delta = problem.solve(problem.pull(penalty), share, tolerance=TIGHT)
        weight, bias = problem.head(delta, share)
        chosen = {"penalty": problem.pull(penalty), "share": share}
        return Classifier(self.name, support.classes, weight, bias, chosen=chosen, several=support.several)


RUNGS.register("linear", LinearRung())


class _Problem:
    """The support set in the basis of its singular vectors, where the loss's curvature is nearly diagonal."""

    def __init__(self, support: Support) -> None:
        x = pad(support.features, (0, 1), value=1.0)  # [n, d + 1]: the bias is one more weight
        u, s, vt = torch.linalg.svd(x, full_matrices=False)
        self._z, self._s2, self._vt = u * s, s.square(), vt
        self._prior = support.prior
        self._anchor = support.scale * support.text
        self._target, self._several = support.target, support.several

    def pull(self, penalty: float) -> float:
        """λ. A logistic's curvature is at most ¼ by itself, however many classes there are."""
        return penalty / (4 if self._several else len(self._anchor))

    def solve(
        self, penalty: float, share: float, rows: Tensor | None = None, start: Tensor | None = None, tolerance: float = LOOSE
    ) -> Tensor:
        """Δ in the basis `[C, r]`, learnt from `rows`. Convex, so the end does not depend on `start`."""
        z, base, target = self._z, share * self._prior, self._target
        if rows is not None:
            z, base, target = z[rows], base[rows], target[rows]
        p = probabilities(base, self._several)
        curvature = float((p * (1 - p)).mean()) * len(z) / len(self._z)
        step = (curvature * self._s2 + penalty).rsqrt()  # [r]: in these units the curvature is about one
        z = z * step
        shrink = penalty * step.square()
        q = start / step if start is not None else base.new_zeros(base.shape[1], len(step))

        def loss(q: Tensor) -> tuple[float, Tensor]:
            wrong, slope = loss_and_slope(torch.addmm(base, z, q.T), target, self._several)
            return float(0.5 * (shrink * q.square()).sum() + wrong), slope.T @ z + shrink * q

        found: Tensor = minimise(loss, q, tolerance, MOST_STEPS) * step
        return found

    def logits(self, delta: Tensor, share: float, rows: Tensor) -> Tensor:
        """Of some items `[m, C]`."""
        found: Tensor = torch.addmm(share * self._prior[rows], self._z[rows], delta.T)
        return found

    def head(self, delta: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """(weight `[C, d]`, bias `[C]`)."""
        whole = delta @ self._vt
        return share * self._anchor + whole[:, :-1], whole[:, -1]


def _choose(problem: _Problem, support: Support) -> tuple[float, float]:
    """(λ·C, share): λ at the recipe's share, from strong to weak until it gets worse; then the share at that λ."""
    if support.shots < 2:
        return RECIPE[0], _share_of(support)
    parts = list(splits(support.labels, min(MOST_FOLDS, support.shots), support.seed))
    starts: list[Tensor | None] = [None] * len(parts)

    def loss(penalty: float, share: float) -> float:
        total = _distance(penalty, share)
        for fold, (learn, held) in enumerate(parts):
            starts[fold] = delta = problem.solve(problem.pull(penalty), share, learn, starts[fold])
            total -= float(of_labels(problem.logits(delta, share, held), support.labels[held]).sum())
        return total

    best, least = PENALTIES[0], math.inf
    for penalty in PENALTIES:
        now = loss(penalty, RECIPE[1])
        if now > least:
            break
        best, least = penalty, now
    return best, min(SHARES, key=lambda share: least if share == RECIPE[1] else loss(best, share))


def _share_of(support: Support) -> float:
    """The share, from how well the prompts alone say the labels there are; never above the recipe's."""

    def loss(share: float) -> float:
        far = ONE_SHOT_TRUST * math.log(share / RECIPE[1]) ** 2
        return far - float(of_labels(share * support.prior, support.labels).sum())

    return min((share for share in SHARES if share <= RECIPE[1]), key=loss)


def _distance(penalty: float, share: float) -> float:
    return sum(w * math.log(a / b) ** 2 for w, a, b in zip(TRUST, (penalty, share), RECIPE, strict=True))
