"""ProLIP: the last projection of the picture tower, trained and pulled towards its own values.

z = unit(raw · W), CE(s·z·Tᵀ, y) + λ‖W − W₀‖² (Fahes et al. 2024, arXiv:2410.05270): the model stays an ordinary CLIP with
another last matrix. The authors' λ = 1/k² fits one family's scale of features; here λ is a share of the loss's curvature,
chosen on stratified folds of the support set by likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from studio.core.errors import CannotRun
from studio.learning.classifier import Classifier
from studio.learning.descent import minimise
from studio.learning.rungs import ONE_CLASS, RUNGS
from studio.learning.support import Support, splits

PENALTIES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
"""λ tried, the strongest first: each solution is where the next begins."""
CAUTIOUS = 3.0
MOST_FOLDS = 5
MOST_STEPS = 300
LOOSE, TIGHT = 1e-3, 1e-5


@dataclass(frozen=True, slots=True)
class ProlipRung:
    name: str = "prolip"
    title: str = "Projection (ProLIP)"
    order: int = 50
    head_start: float = 0.0

    def why_not(self, support: Support) -> str | None:
        if support.several:
            return ONE_CLASS
        if support.raw is None or support.projection is None:
            return "It trains the last projection of a picture tower, and this model's features do not come from one."
        return None

    def fit(self, support: Support) -> Classifier:
        """Raises CannotRun where `why_not` has a reason."""
        problem = _Problem(support)
        penalty = _choose(problem, support)
        matrix = problem.projection(problem.solve(penalty, tolerance=TIGHT))
        weight, bias = support.scale * support.text, torch.zeros(len(support.classes))
        return Classifier(self.name, support.classes, weight, bias, projection=matrix, chosen={"penalty": penalty})


RUNGS.register("prolip", ProlipRung())


class _Problem:
    """The support set in the basis of its raw features: W − W₀ lies in their span, for outside it only the penalty acts."""

    def __init__(self, support: Support) -> None:
        if support.raw is None or support.projection is None:
            raise CannotRun("There are no features before a projection.", "Use a CLIP model.")
        u, s, vt = torch.linalg.svd(support.raw, full_matrices=False)
        self._vt: Tensor = vt
        self._start = support.projection
        self._before = support.raw @ support.projection  # [n, d], not unit
        self._weight = support.scale * support.text
        self._target = one_hot(support.labels, len(support.classes)).to(u.dtype)
        self._z, self._s2 = u * s, s.square()
        # d logits / d (raw · W) is s·T over the features' length
        length = self._before.norm(dim=1).mean()
        spread = (self._weight - self._weight.mean(0)).square().sum(1).mean() / self._weight.shape[1]
        self._curvature = float(spread / length.square())

    def solve(self, penalty: float, rows: Tensor | None = None, start: Tensor | None = None, tolerance: float = LOOSE) -> Tensor:
        """W − W₀ in the basis `[r, d]`, learnt from `rows`; λ is `penalty` times the mean curvature of one item's loss."""
        z, before, target = self._z, self._before, self._target
        if rows is not None:
            z, before, target = z[rows], before[rows], target[rows]
        pull = penalty * self._curvature * float(self._s2.sum()) / len(self._z)
        step = (self._curvature * self._s2 + pull).rsqrt()  # [r]: in these units the curvature is about one
        z = z * step
        shrink = (pull * step.square())[:, None]
        q = start / step[:, None] if start is not None else before.new_zeros(len(step), before.shape[1])

        def loss(q: Tensor) -> tuple[float, Tensor]:
            x = torch.addmm(before, z, q)
            length = x.norm(dim=1, keepdim=True)
            x = x / length
            log_p = (x @ self._weight.T).log_softmax(-1)
            slope = (log_p.exp() - target) @ self._weight
            slope = (slope - x * (slope * x).sum(1, keepdim=True)) / length
            return float(0.5 * (shrink * q.square()).sum() - (target * log_p).sum()), z.T @ slope + shrink * q

        found: Tensor = minimise(loss, q, tolerance, MOST_STEPS) * step[:, None]
        return found

    def logits(self, delta: Tensor, rows: Tensor) -> Tensor:
        """Of some items `[m, C]`."""
        x = torch.addmm(self._before[rows], self._z[rows], delta)
        found: Tensor = (x / x.norm(dim=1, keepdim=True)) @ self._weight.T
        return found

    def projection(self, delta: Tensor) -> Tensor:
        """W `[w, d]`."""
        found: Tensor = self._start + self._vt.T @ delta
        return found


def _choose(problem: _Problem, support: Support) -> float:
    """λ, from strong to weak until it gets worse."""
    if support.shots < 2:
        return CAUTIOUS
    parts = list(splits(support.labels, min(MOST_FOLDS, support.shots), support.seed))
    starts: list[Tensor | None] = [None] * len(parts)
    best, least = PENALTIES[0], math.inf
    for penalty in PENALTIES:
        total = 0.0
        for fold, (learn, held) in enumerate(parts):
            starts[fold] = delta = problem.solve(penalty, learn, starts[fold])
            total += float(cross_entropy(problem.logits(delta, held), support.labels[held], reduction="sum"))
        if total > least:
            break
        best, least = penalty, total
    return best
