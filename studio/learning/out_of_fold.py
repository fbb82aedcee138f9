"""What a rung says of each support item when it has not learnt from it. Every choice inside a rung is made again in each fold."""

from __future__ import annotations

import torch
from torch import Tensor

from studio.learning.rungs import Rung, learn
from studio.learning.support import Support, splits
from studio.tasks.objectives.likelihood import of_labels, sharpness

MOST_FOLDS = 5


def fold_count(support: Support) -> int:
    """Folds that leave each class of several labels one to learn from; 0 where fewer than two classes have several."""
    return 0 if support.shots < 2 else min(MOST_FOLDS, support.shots)


def out_of_fold(rung: Rung, support: Support, k: int = 0) -> Tensor | None:
    """Logits `[n, C]` on stratified folds (k of them, or as many as there are labels of a class, at most five).

    None where fewer than two classes have several labels, or the rung cannot learn from a fold. Whose only label is held out
    counts as unlearnt there, so that it speaks neither for nor against learning.
    """
    k = k or fold_count(support)
    if k < 2:
        return None
    found = torch.empty(len(support.labels), len(support.classes))
    for inside, held in splits(support.labels, k, support.seed):
        part, out = support.part(inside), support.part(held)
        if rung.why_not(part) is not None:
            return None
        found[held] = learn(rung, part).logits(out.features, out.raw)
    return found


def log_likelihoods(logits: Tensor, support: Support, k: int = 0) -> Tensor:
    """Of each item's label `[n]`, after one temperature, which is fitted on the other folds."""
    found = torch.empty(len(logits))
    for others, held in splits(support.labels, k or fold_count(support), support.seed):
        factor = sharpness(logits[others], support.labels[others])
        found[held] = of_labels(factor * logits[held], support.labels[held])
    return found
