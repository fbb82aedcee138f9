"""A model and what was learnt on its features, as one predictor. Learns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.interfaces import FoundationModel
from studio.core.types import Prediction
from studio.learning.classifier import Classifier


@dataclass(frozen=True, slots=True)
class Answering:
    """`core.interfaces.Predictor`: softmax(classifier(features) / temperature)."""

    model: FoundationModel
    classifier: Classifier
    temperature: float = 1.0
    """Fitted on items that the classifier did not learn from."""

    @property
    def classes(self) -> tuple[str, ...]:
        return self.classifier.classes

    @property
    def needs_raw(self) -> bool:
        return self.classifier.projection is not None

    def predict(self, features: Tensor, raw: Tensor | None = None) -> list[Prediction]:
        """Unit features `[n, d]`, and those before the projection `[n, w]` where `needs_raw` → n predictions."""
        probabilities = (self.classifier.logits(features, raw) / self.temperature).float().softmax(-1)
        return [Prediction(tuple(row), self.classes) for row in probabilities.tolist()]


def prompted(name: str, classes: Sequence[str], text: Tensor, scale: float) -> Classifier:
    """The class prompts as a classifier: s · x · Tᵀ, `text` `[C, d]` unit."""
    return Classifier(name, tuple(classes), scale * text, torch.zeros(len(classes)))


def live_features(model: FoundationModel, modality: str, payloads: Sequence[Any], raw: bool) -> tuple[Tensor, Tensor | None]:
    """(unit features `[n, d]`, those before the projection `[n, w]` where asked for), from one forward pass."""
    matrix = model.projection(modality) if raw else None
    if matrix is None:
        return model.embed(modality, payloads), None
    before = model.embed_before(modality, payloads)
    return normalize(before @ matrix, dim=-1), before
