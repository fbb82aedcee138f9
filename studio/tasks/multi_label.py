"""Multi-label classification of pictures or texts: an item is of any number of the classes, or of none. Registers two tasks.

One logistic a class on the features, in both modalities: what is rare needs a threshold of its own, which class prompts alone
do not have. Owns the loss; refuses to choose items or to evaluate on test data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from studio.core.config import TrainConfig
from studio.core.interfaces import AdaptedModel, Objective, Prior
from studio.core.types import Item
from studio.tasks import TASKS
from studio.tasks.classification import Classification


@dataclass(frozen=True, slots=True)
class MultiLabel(Classification):
    """Any number of labels an item."""

    several: bool = True
    measure: str = "exact match"

    def said_of(self, item: Item) -> tuple[str, ...]:
        return item.labels

    def why_not(self, items: Sequence[Item]) -> str | None:
        """A class that some have and others have not is the least that can be told."""
        labelled = [item for item in items if item.label is not None]
        counts = Counter(name for item in labelled for name in item.labels)
        if any(0 < n < len(labelled) for n in counts.values()):
            return None
        if not labelled:
            return "No labelled item in the training split. Label at least one item that is of a class and one that is not."
        if not counts:
            return "No item of the training split is of any class. Label at least one that is."
        return f"Every labelled item of the training split is {', '.join(sorted(counts))}. Label at least one that is not."

    def objective(self, model: AdaptedModel, items: Sequence[Item], prior: Prior, config: TrainConfig) -> Objective:
        """A head that starts where the frozen features' head ended."""
        from studio.tasks.objectives.classification import HeadObjective

        return HeadObjective(self.modality, prior, several=True)


TASKS.register(
    "image-multi-label",
    MultiLabel(
        name="image-multi-label",
        title="Multi-label image classification",
        modality="image",
        needs=("image", "text"),
        templates=("a photo of a {}.",),
        trains_head=True,
    ),
)
TASKS.register(
    "text-multi-label",
    MultiLabel(
        name="text-multi-label",
        title="Multi-label text classification",
        modality="text",
        needs=("text",),
        templates=("{}", "This text is {}.", "This text is about {}."),
        trains_head=True,
    ),
)
