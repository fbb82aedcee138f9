"""What use cases return to a question about one input."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.types import Item, Prediction


@dataclass(frozen=True, slots=True)
class MethodAnswer:
    """One column of the test table."""

    method: str
    """`zero_shot`, `few_shot` or `lora`."""
    title: str
    note: str
    """`no training`, `96 labels`, `LoRA r=8, run 3`."""
    probabilities: tuple[float, ...] | None
    """One a class, in the table's order; None where it cannot answer."""
    milliseconds: float | None
    why_not: str | None = None
    sure: bool | None = None
    """False: so unsure that it would exceed the error rate that the project accepts; None: there is nothing to tell by."""


@dataclass(frozen=True, slots=True)
class Group:
    """Items without a label that look alike, and the class that a model takes them for."""

    items: tuple[Item, ...]
    """The nearest to the middle of the group first."""
    label: str | None
    """The class that is most probable for all together; None where nothing can answer yet."""
    probability: float
    """Of that class, on average over the items that it would be given to."""
    others: frozenset[int]
    """Ids of the items that the model takes for another class, one by one."""


@dataclass(frozen=True, slots=True)
class PredictionTable:
    """Rows are classes, columns are methods, for one input."""

    classes: tuple[str, ...]
    answers: tuple[MethodAnswer, ...]
    several: bool = False
    """Each class by itself: an answer is all of them that are more probable than not."""

    def said(self, answer: MethodAnswer) -> Prediction | None:
        """What a method answers; None where it cannot."""
        return None if answer.probabilities is None else Prediction(answer.probabilities, self.classes, self.several)


@dataclass(frozen=True, slots=True)
class Hit:
    """One item found by search or ranking."""

    item: Item
    score: float
    """Cosine similarity, or a probability, as the one who found it says."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one method finds for a query: best first."""

    method: str
    title: str
    hits: tuple[Hit, ...]
    milliseconds: float
    why_not: str | None = None
