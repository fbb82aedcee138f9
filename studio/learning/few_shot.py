"""Few-shot: the rung "linear" as a head with files of its own, for runs and live answers. Changes no model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from studio.core.interfaces import FoundationModel, Progress, Snapshot, Task
from studio.core.types import Prediction
from studio.learning.classifier import Classifier
from studio.learning.features import FeatureCache
from studio.learning.ladder import support_of
from studio.learning.rungs import rung
from studio.learning.support import Support
from studio.learning.zero_shot import as_predictions


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
    """The rung "linear" as a head: `features` `[n, dim]` unit, `labels` `[n]`, `text` `[C, dim]` the text classifier."""
    return _as_head(rung("linear").fit(Support(features, labels, text, scale, tuple(classes), seed)))


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
    return _as_head(rung("linear").fit(support_of(model, task, data, cache, classes, prompts, seed, progress)))


def _as_head(found: Classifier) -> LinearHead:
    return LinearHead(found.weight, found.bias, found.classes)
