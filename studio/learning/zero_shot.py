"""Zero-shot: class prompts as a classifier. Refuses to learn anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.interfaces import FoundationModel
from studio.core.types import Prediction


def prompts_of(phrases: Sequence[str], templates: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """For each class its prompts, one a template."""
    return tuple(tuple(t.replace("{}", phrase) for t in templates) for phrase in phrases)


def text_classifier(model: FoundationModel, prompts: Sequence[Sequence[str]]) -> Tensor:
    """Class weights `[C, dim]`, unit norm: the mean of each class's unit prompt features, made unit again.

    Prompt ensembling of Radford et al. 2021 (arXiv:2103.00020), section 3.1.4.
    """
    flat = [p for of_class in prompts for p in of_class]
    features = model.embed("text", flat)  # [sum of templates, dim]
    parts = torch.split(features, [len(p) for p in prompts])
    return normalize(torch.stack([part.mean(0) for part in parts]), dim=-1)


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """softmax(scale · x · Tᵀ)."""

    model: FoundationModel
    classes: tuple[str, ...]
    weights: Tensor  # [C, dim], unit norm
    name: str = "zero_shot"

    @classmethod
    def of(
        cls, model: FoundationModel, classes: Sequence[str], prompts: Sequence[Sequence[str]], name: str = "zero_shot"
    ) -> ZeroShot:
        return cls(model, tuple(classes), text_classifier(model, prompts), name)

    def predict(self, features: Tensor) -> list[Prediction]:
        """`[n, dim]` → n predictions."""
        return as_predictions(self.model.info.logit_scale * features @ self.weights.T, self.classes)


def as_predictions(logits: Tensor, classes: tuple[str, ...]) -> list[Prediction]:
    """Logits `[n, C]` → n predictions."""
    return [Prediction(tuple(row), classes) for row in logits.float().softmax(-1).tolist()]
