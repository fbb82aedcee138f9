"""What use cases return of methods compared on the same held-out items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.core.results.evidence import Calibration, Ladder, LearningCurve, RiskPoint


@dataclass(frozen=True, slots=True)
class ClassScore:
    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Score:
    """How one method did on the held-out items."""

    method: str
    title: str
    note: str
    n: int
    """Held-out items (for pairs: pictures asked about)."""
    accuracy: float | None = None
    """Share of the items that are answered rightly; where one may be of several classes, with all of them and no other."""
    ci95: tuple[float, float] | None = None
    """Of the accuracy; for pairs of `recall`'s image_to_text@1."""
    macro_f1: float | None = None
    macro_f1_ci95: tuple[float, float] | None = None
    per_class: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    """Rows are truths, columns answers, in `Comparison.classes`' order."""
    recall: Mapping[str, float] | None = None
    """For pairs: `image_to_text@1`, `@5`, `@10`, `text_to_image@1`, …"""
    recall_ci95: Mapping[str, tuple[float, float]] | None = None
    milliseconds: float | None = None
    """Per item while its features were computed, in batches, reading included; the answer itself costs next to nothing."""
    why_not: str | None = None
    mean_average_precision: float | None = None
    """Where an item may be of several classes: how well each class's probabilities rank the items, whatever the threshold."""


@dataclass(frozen=True, slots=True)
class Best:
    """The method to use, chosen without a look at the held-out items that it is reported on."""

    rung: str
    """A rung's name, or `lora`."""
    title: str
    reason: str
    run: str | None = None
    """The run, where it is `lora`."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A held-out item and what two methods said about it."""

    item: int
    name: str
    content: Mapping[str, str]
    """As `Item.content`; of a long text its beginning."""
    truth: str
    before: str
    after: str
    confidence: float
    """That the second method has in its answer, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What the second of two methods does otherwise than the first, on the same held-out items."""

    before: str
    """Titles of the methods."""
    after: str
    n_fixed: int
    """Items that the first got wrong and the second right."""
    n_broken: int
    """The reverse."""
    fixed: tuple[Answered, ...]
    """The surest of them."""
    broken: tuple[Answered, ...]
    worst: tuple[Answered, ...]
    """The second method's mistakes of which it is surest."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Zero-shot, few-shot and fine-tuned on the same held-out items."""

    model: str
    split: str
    classes: tuple[str, ...]
    scores: tuple[Score, ...]
    verdict: str
    """A sentence or two for people, from a paired test."""
    few_shot: str | None = None
    """The rung that stands for few-shot: chosen on the labels, never on these items."""
    best: Best | None = None
    ladder: Ladder | None = None
    calibration: Calibration | None = None
    """Of the best method, on items that it did not learn from and that are not these."""
    risk: tuple[RiskPoint, ...] = ()
    """The same method's errors over the share of items that it answers."""
    curve: LearningCurve | None = None
    changes: Changes | None = None
    """From zero-shot to fine-tuned, or to few-shot where there is no run."""
    several: bool = False
    """Whether an item may be of several classes."""
    caution: str = ""
    """What makes these figures less than they seem; empty where nothing does."""

    @property
    def learnt(self) -> bool:
        """Whether a method that learns could answer: without one, zero-shot stands alone."""
        return any(score.method != "zero_shot" and score.why_not is None for score in self.scores)

    def score(self, method: str | None) -> Score | None:
        """That method's score."""
        return next((score for score in self.scores if score.method == method), None)
