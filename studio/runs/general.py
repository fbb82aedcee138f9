"""A general set: items of another world than a project's, by which to see what fine-tuning made a model forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


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

    @property
    def sizes(self) -> list[int]:
        """Letters of each text; 0 for anything else."""
        return [len(payload) if isinstance(payload, str) else 0 for payload in self.payloads]

    def at(self, places: Sequence[int]) -> list[Any]:
        """The payloads there."""
        return [self.payloads[place] for place in places]
