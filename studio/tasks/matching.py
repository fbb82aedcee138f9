"""Image–text pairs: registers the contrastive task. An unlabelled pair counts as a match; `no match` takes it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.core.config import TrainConfig
from studio.core.interfaces import AdaptedModel, Objective, Prior
from studio.core.types import Item
from studio.tasks import TASKS


@dataclass(frozen=True, slots=True)
class Matching:
    """Each picture beside its text."""

    name: str = "image-text"
    title: str = "Image–text pairs"
    modalities: tuple[str, ...] = ("image", "text")
    classifies: bool = False
    several: bool = False
    measure: str = "recall@1"
    fixed_classes: tuple[str, ...] = ("match", "no match")
    templates: tuple[str, ...] = ()
    trains_head: bool = False

    def fits(self, modalities: Sequence[str]) -> bool:
        return {"image", "text"} <= set(modalities)

    def said_of(self, item: Item) -> tuple[str, ...]:
        return ()

    def trains_on(self, item: Item) -> bool:
        return item.label != "no match"

    def why_not(self, items: Sequence[Item]) -> str | None:
        """The loss needs negatives: two different pictures with two different texts."""
        used = [item for item in items if self.trains_on(item)]
        if min(len({i.key("image") for i in used}), len({i.key("text") for i in used})) >= 2:
            return None
        return "Fewer than two different pairs in the training split. Import more pairs, each a picture with its caption."

    def objective(self, model: AdaptedModel, items: Sequence[Item], prior: Prior, config: TrainConfig) -> Objective:
        from studio.tasks.objectives.pairs import PairObjective

        return PairObjective()


TASKS.register("image-text", Matching())
