"""Classification of pictures or texts: registers two tasks that differ in modality and in what they train.

Pictures: cross-entropy over class-prompt similarities, so that the tuned model is still a CLIP. Texts: a linear head on
the features. Owns the losses; refuses to choose items or to evaluate on test data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from studio.core.config import ObjectiveName, TrainConfig
from studio.core.interfaces import AdaptedModel, Objective, Prior
from studio.core.types import Item
from studio.tasks import TASKS

FEWEST_FOR_PAIRS, ENOUGH_FOR_A_HEAD = 8, 100
"""Labels per class between which contrastive learning pays."""


@dataclass(frozen=True, slots=True)
class Classification:
    """One label an item."""

    name: str
    title: str
    modality: str
    needs: tuple[str, ...]
    """Modalities of the models that can do it: pictures need a text tower too, for the prompts."""
    templates: tuple[str, ...]
    trains_head: bool
    fixed_classes: tuple[str, ...] = ()
    classifies: bool = True
    several: bool = False
    measure: str = "accuracy"

    @property
    def modalities(self) -> tuple[str, ...]:
        return (self.modality,)

    def fits(self, modalities: Sequence[str]) -> bool:
        return set(self.needs) <= set(modalities)

    def said_of(self, item: Item) -> tuple[str, ...]:
        return () if item.label is None else (item.label,)

    def trains_on(self, item: Item) -> bool:
        return item.label is not None

    def why_not(self, items: Sequence[Item]) -> str | None:
        """Two classes with a label each are the least that can be told apart."""
        counts = Counter(item.label for item in items if item.label is not None)
        if len(counts) >= 2:
            return None
        if not counts:
            return "No labelled item in the training split. Label at least one item in each of two classes."
        (only,) = counts
        return f"Only '{only}' has labels in the training split. Label at least one item of another class."

    def objective(self, model: AdaptedModel, items: Sequence[Item], prior: Prior, config: TrainConfig) -> Objective:
        """The loss of one run: a head where one was fitted before, else the class prompts."""
        from studio.tasks.objectives.classification import HeadObjective, PromptObjective
        from studio.tasks.objectives.contrastive import ContrastiveObjective

        if self.trains_head:
            return (ContrastiveObjective if uses_pairs(items, config.objective) else HeadObjective)(self.modality, prior)
        return PromptObjective(self.modality, model, prior, config.lora.towers != "image")


def uses_pairs(items: Sequence[Item], objective: ObjectiveName) -> bool:
    """Whether a run with a head learns from pairs too: as asked, or where the median class has labels enough to form pairs
    and too few for cross-entropy alone."""
    if objective != "auto":
        return objective == "contrastive"
    counts = Counter(item.label for item in items if item.label is not None).values()
    return bool(counts) and FEWEST_FOR_PAIRS <= median(counts) < ENOUGH_FOR_A_HEAD


TASKS.register(
    "image-classification",
    Classification(
        name="image-classification",
        title="Image classification",
        modality="image",
        needs=("image", "text"),
        templates=("a photo of a {}.",),
        trains_head=False,
    ),
)
TASKS.register(
    "text-classification",
    Classification(
        name="text-classification",
        title="Text classification",
        modality="text",
        needs=("text",),
        templates=("{}", "This text is {}.", "This text is about {}."),
        trains_head=True,
    ),
)
