"""Few-shot: a logistic head on frozen features that starts from the text classifier. Changes no model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from studio.core.interfaces import FoundationModel, Progress, Snapshot, Task
from studio.core.types import Prediction
from studio.learning.features import FeatureCache
from studio.learning.zero_shot import as_predictions, text_classifier

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""λ tried, as the weight of ½‖ΔW‖² beside the summed cross-entropy."""
PRIOR_SCALES = (0.25, 0.5, 1.0)
"""Shares of the model's logit scale with which the text classifier enters."""
ITERATIONS = 40


@dataclass(frozen=True, slots=True)
class LinearHead:
    """x · Wᵀ + b over unit features."""

    weight: Tensor  # [C, dim]
    bias: Tensor  # [C]
    classes: tuple[str, ...]

    def logits(self, features: Tensor) -> Tensor:
        """`[n, dim]` → `[n, C]`."""
        return features @ self.weight.T + self.bias

    def save(self, folder: Path) -> None:
        """Write `head.safetensors` and `head.json` into `folder`."""
        tensors = {"weight": self.weight.detach().cpu().contiguous(), "bias": self.bias.detach().cpu().contiguous()}
        save_file(tensors, folder / "head.safetensors")
        (folder / "head.json").write_text(json.dumps({"classes": self.classes}), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> LinearHead | None:
        """The head in `folder`, or None where there is none."""
        if not (folder / "head.safetensors").is_file():
            return None
        tensors = load_file(folder / "head.safetensors")
        classes = json.loads((folder / "head.json").read_text("utf-8"))["classes"]
        return cls(tensors["weight"], tensors["bias"], tuple(classes))


@dataclass(frozen=True, slots=True)
class FewShot:
    """A head on the features of a frozen (or adapted) model."""

    model: FoundationModel
    head: LinearHead
    name: str = "few_shot"

    @property
    def classes(self) -> tuple[str, ...]:
        return self.head.classes

    def predict(self, features: Tensor) -> list[Prediction]:
        """`[n, dim]` → n predictions."""
        return as_predictions(self.head.logits(features), self.head.classes)


def fit_head(features: Tensor, labels: Tensor, text: Tensor, scale: float, classes: Sequence[str], seed: int = 0) -> LinearHead:
    """Fit W = s·T + ΔW, b by penalised maximum likelihood on the support set.

    `features` `[n, dim]` unit, `labels` `[n]` class indices, `text` `[C, dim]` the text classifier, `scale` the model's
    logit scale. λ and s are chosen by stratified cross-validation inside the support set, by negative log-likelihood; with
    one label a class nothing can be held out and a cautious middle is taken. A linear probe anchored at the zero-shot
    weights, as in CLAP (Silva-Rodríguez et al. 2024, arXiv:2312.12730), with one penalty for all classes.
    """
    folds = _folds(labels, min(5, int(torch.bincount(labels)[torch.bincount(labels) > 0].min())), seed)
    penalty, share = (0.03, 0.5) if folds is None else _choose(features, labels, text, scale, folds)
    weight, bias = _solve(features, labels, text * (scale * share), penalty)
    return LinearHead(weight, bias, tuple(classes))


def fit_on_support(
    model: FoundationModel,
    task: Task,
    data: Snapshot,
    cache: FeatureCache,
    classes: tuple[str, ...],
    prompts: Sequence[Sequence[str]],
    seed: int = 0,
    progress: Progress | None = None,
) -> LinearHead:
    """`fit_head` on the cached features of a snapshot's support set, anchored at the class prompts."""
    modality = task.modalities[0]
    items = [item for item in data.train if task.trains_on(item)]
    x = cache.features(model, modality, items, data.payload, progress)
    y = torch.tensor([classes.index(str(item.label)) for item in items])
    return fit_head(x, y, text_classifier(model, prompts), model.info.logit_scale, classes, seed)


def _choose(x: Tensor, y: Tensor, text: Tensor, scale: float, folds: Tensor) -> tuple[float, float]:
    """(λ, share of the scale): the penalty first at the middle share, then the share at that penalty."""

    def loss(penalty: float, share: float) -> float:
        total = 0.0
        for k in range(int(folds.max()) + 1):
            held = folds == k
            w, b = _solve(x[~held], y[~held], text * (scale * share), penalty)
            total += float(cross_entropy(x[held] @ w.T + b, y[held], reduction="sum"))
        return total

    penalty = min(PENALTIES, key=lambda p: loss(p, 0.5))
    return penalty, min(PRIOR_SCALES, key=lambda s: loss(penalty, s))


def _folds(labels: Tensor, k: int, seed: int) -> Tensor | None:
    """Fold number of each item `[n]`, stratified by class; None where a class has a single item."""
    if k < 2:
        return None
    generator = torch.Generator().manual_seed(seed)
    folds = torch.empty_like(labels)
    for c in torch.unique(labels):
        index = (labels == c).nonzero().flatten()
        folds[index[torch.randperm(len(index), generator=generator)]] = torch.arange(len(index)) % k
    return folds


def _solve(x: Tensor, y: Tensor, anchor: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """L-BFGS on Σ CE(x·(anchor + Δ)ᵀ + b, y) + ½λ‖Δ‖² + ½λ‖b‖²; convex, so its end does not depend on its start."""
    delta = torch.zeros_like(anchor, requires_grad=True)
    bias = torch.zeros(len(anchor), requires_grad=True)
    base = x @ anchor.T
    optimiser = torch.optim.LBFGS([delta, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe", tolerance_change=1e-6)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = cross_entropy(base + x @ delta.T + bias, y, reduction="sum")
        loss = loss + 0.5 * penalty * (delta.square().sum() + bias.square().sum())
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    return (anchor + delta).detach(), bias.detach()
