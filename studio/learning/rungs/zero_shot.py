"""Zero-shot: softmax(s · x · Tᵀ), the class prompts alone (Radford et al. 2021, arXiv:2103.00020). Refuses to learn."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from studio.learning.classifier import Classifier
from studio.learning.rungs import RUNGS
from studio.learning.support import Support


@dataclass(frozen=True, slots=True)
class ZeroShotRung:
    name: str = "zero_shot"
    title: str = "Zero-shot"
    order: int = 0
    head_start: float = 0.0

    def why_not(self, support: Support) -> str | None:
        return None

    def fit(self, support: Support) -> Classifier:
        weight, bias = support.scale * support.text, torch.zeros(len(support.classes))
        return Classifier(self.name, support.classes, weight, bias, several=support.several, odds=support.several)


RUNGS.register("zero_shot", ZeroShotRung())
