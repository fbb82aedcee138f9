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
from studio.learning.zero_shot import centred
from studio.tasks.objectives.likelihood import probabilities


@dataclass(frozen=True, slots=True)
class Answering:
    """`core.interfaces.Predictor`: softmax(classifier(features) / temperature), or the sigmoid of each class by itself."""

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
        several = self.classifier.several
        found = probabilities((self.classifier.logits(features, raw) / self.temperature).float(), several)
        return [Prediction(tuple(row), self.classes, several) for row in found.tolist()]


def prompted(name: str, classes: Sequence[str], text: Tensor, scale: float, several: bool = False) -> Classifier:
    """The class prompts as a classifier: s · x · Tᵀ, `text` `[C, d]` unit."""
    weight = scale * (centred(text) if several else text)
    return Classifier(name, tuple(classes), weight, torch.zeros(len(classes)), several=several, odds=several)


def live_features(model: FoundationModel, modality: str, payloads: Sequence[Any], raw: bool) -> tuple[Tensor, Tensor | None]:
    """(unit features `[n, d]`, those before the projection `[n, w]` where asked for), from one forward pass."""
    matrix = model.projection(modality) if raw else None
    if matrix is None:
        return model.embed(modality, payloads), None
    before = model.embed_before(modality, payloads)
    return normalize(before @ matrix, dim=-1), before
