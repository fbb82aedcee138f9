"""From features to classification losses and held-out scores: class prompts, or a linear head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, normalize

from studio.core.interfaces import AdaptedModel, Prior
from studio.core.types import Item
from studio.tasks.objectives.likelihood import numbered, of_labels, right, sharpness


class PromptObjective:
    """Cross-entropy over scale · x · Tᵀ, T from the model's own text tower (CLIP-LoRA, Zanella & Ben Ayed 2024)."""

    module: nn.Module | None = None
    together = 1

    def __init__(self, modality: str, model: AdaptedModel, prior: Prior, text_moves: bool) -> None:
        self._modality = modality
        self._index = {name: i for i, name in enumerate(prior.classes)}
        # one template a step while the text tower learns, as in the paper; all of them where it is encoded once
        prompts = [of_class[:1] if text_moves else of_class for of_class in prior.prompts]
        self._sizes = [len(p) for p in prompts]
        self._inputs = model.prepare("text", [p for of_class in prompts for p in of_class])
        if model.has_prefix("text"):
            self._inputs = model.prefix("text", self._inputs)
        self._fixed: Tensor | None = None
        if not text_moves:
            with torch.no_grad():
                self._fixed = self._classifier(model)

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        logits = self._logits(model, features)
        return cross_entropy(logits, truths(batch, self._index, logits.device))

    @torch.no_grad()
    def score(self, model: AdaptedModel, features: Mapping[str, Tensor], items: Sequence[Item]) -> Mapping[str, float]:
        return classification_scores(self._logits(model, features), items, self._index)

    def _logits(self, model: AdaptedModel, features: Mapping[str, Tensor]) -> Tensor:
        x = features[self._modality]
        text = self._classifier(model) if self._fixed is None else self._fixed
        return model.logit_scale().detach().to(x.device) * x @ text.to(x.device).T

    def _classifier(self, model: AdaptedModel) -> Tensor:
        """Class weights `[C, dim]`, unit norm."""
        parts = torch.split(model.encode("text", self._inputs), self._sizes)
        return normalize(torch.stack([part.mean(0) for part in parts]), dim=-1)


class HeadObjective:
    """Cross-entropy of a linear head that starts where the frozen features' head ended; with `several` classes an item, of one
    logistic a class, summed over the classes."""

    module: nn.Linear
    together = 1

    def __init__(self, modality: str, prior: Prior, several: bool = False) -> None:
        if prior.head is None:
            raise ValueError("a task that trains a head needs one to start from")
        weight, bias = prior.head
        self._modality, self._classes, self._several = modality, prior.classes, several
        self._index = {name: i for i, name in enumerate(prior.classes)}
        self.module = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            self.module.weight.copy_(weight)
            self.module.bias.copy_(bias)

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        logits: Tensor = self.module(features[self._modality])
        if self._several:
            wanted = self._sets(batch).to(logits.device, non_blocking=True)
            return binary_cross_entropy_with_logits(logits, wanted.to(logits.dtype), reduction="sum") / len(batch)
        return cross_entropy(logits, truths(batch, self._index, logits.device))

    @torch.no_grad()
    def score(self, model: AdaptedModel, features: Mapping[str, Tensor], items: Sequence[Item]) -> Mapping[str, float]:
        logits = self.module(features[self._modality])
        if self._several:
            return scores(logits.float(), self._sets(items).to(logits.device))
        return classification_scores(logits, items, self._index)

    def _sets(self, items: Sequence[Item]) -> Tensor:
        """`[n, C]` of zeros and ones."""
        return numbered((item.labels for item in items), self._classes, several=True)


def truths(batch: Sequence[Item], index: Mapping[str, int], device: torch.device) -> Tensor:
    """Class numbers `[n]`."""
    # made here and sent without waiting: made there, it would hold up the step until the device is idle
    return torch.tensor([index[str(item.label)] for item in batch]).to(device, non_blocking=True)


def classification_scores(logits: Tensor, items: Sequence[Item], index: Mapping[str, int]) -> dict[str, float]:
    """Of one class an item."""
    return scores(logits.float(), truths(items, index, logits.device))


def scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """The loss after one temperature, as of a finished run: a look on the way says what would come of ending there."""
    likelihood = of_labels(sharpness(logits, labels) * logits, labels).mean()
    return {"accuracy": float(right(logits, labels).float().mean()), "loss": -float(likelihood)}
