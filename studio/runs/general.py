"""A general set: items of another world than a project's, by which to see what fine-tuning made a model forget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class General:
    """Each item has one right answer among the prompts; the model answers zero-shot."""

    name: str
    """What people call it."""
    payloads: tuple[Any, ...]
    labels: tuple[int, ...]
    """Of each item, its place in `prompts`."""
    prompts: tuple[tuple[str, ...], ...]
    """For each answer its prompts."""
    among: int = 0
    """Of how many answers that follow one another, its own included, an item's is chosen; 0: of all."""

    @property
    def answers(self) -> int:
        """How many an item is given to choose from."""
        return self.among or len(self.prompts)

    def accuracy(self, similarity: Tensor) -> float:
        """Of the most similar answer. `similarity` is `[items, answers]`."""
        truth = torch.tensor(self.labels)
        if self.among:
            block = torch.arange(len(self.prompts)) // self.among
            similarity = similarity.masked_fill(block[None] != block[truth][:, None], float("-inf"))
        return float((similarity.argmax(1) == truth).float().mean())

    def tells(self, accuracy: float) -> bool:
        """Whether a base model with that accuracy knows enough of it to forget: more than two standard errors over chance."""
        chance = 1 / self.answers
        return accuracy > chance + 2 * math.sqrt(chance * (1 - chance) / len(self.labels))

    @property
    def sizes(self) -> list[int]:
        """Letters of each text; 0 for anything else."""
        return [len(payload) if isinstance(payload, str) else 0 for payload in self.payloads]

    def at(self, places: Sequence[int]) -> list[Any]:
        """The payloads there."""
        return [self.payloads[place] for place in places]
