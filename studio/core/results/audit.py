"""What an audit of a project's data found."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.types import Item


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label that looks wrong."""

    key: str
    item: Item
    suggested: str
    """The class that the item looks like to who had not seen its label."""
    probability: float


@dataclass(frozen=True, slots=True)
class Twins:
    """Two items that are the same but for encoding, size, a narrow crop, case or punctuation."""

    key: str
    first: Item
    second: Item
    """The one to do without: of a training and a held-out item the training one, else the later."""
    likeness: float

    @property
    def leak(self) -> bool:
        """Whether one is in the training split and the other is held out."""
        return (self.first.split == "train") != (self.second.split == "train")


@dataclass(frozen=True, slots=True)
class Audit:
    """What is left to look at."""

    doubts: tuple[Doubt, ...]
    """The worst first."""
    twins: tuple[Twins, ...]
    """Leaks first, then the most alike."""
    why_no_doubts: str
    """Why labels could not be looked at; empty where they could."""
    settled: int
    """Decisions so far."""
    looked_at: int
    """Items that were held against one another."""
    at: float
    """Unix seconds of the audit."""

    @property
    def leaks(self) -> int:
        return sum(pair.leak for pair in self.twins)
