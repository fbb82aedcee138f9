"""What use cases return of the evidence for a method: calibration, strengths, learning curves, the ladder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers that were about equally confident."""

    confidence: float
    """Mean probability of the answer given."""
    accuracy: float
    """Share of them that was right."""
    n: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether answers given with 80 % confidence are right in 80 % of the cases."""

    bins: tuple[ReliabilityBin, ...]
    """From least to most confident, with equally many answers each."""
    ece: float
    """Expected calibration error: mean |accuracy − confidence| over the answers."""
    ece_by_chance: float
    """What perfectly calibrated answers with these confidences would show: the noise of so few items."""
    ece_at_most: float
    """What they would stay below in 95 % of the cases."""
    nll: float
    """Negative log-likelihood, nats an item."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One temperature and what it did on items that took no part in learning."""

    temperature: float
    """Logits are divided by it."""
    n: int
    before: Reliability
    after: Reliability
    """Each half of the items by the temperature of the other half."""


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What happens where only answers of at least this confidence are given."""

    threshold: float
    coverage: float
    """Share of the items that get an answer."""
    risk: float
    """Share of those answers that is wrong."""


@dataclass(frozen=True, slots=True)
class Abstention:
    """The confidence below which to say "not sure", for an error rate that a person accepts."""

    error_rate: float
    """Asked for."""
    threshold: float | None
    """None where none keeps to it with that certainty."""
    accepted: int
    n: int
    errors: int
    """Wrong answers among the accepted."""
    certainty: float
    """Probability with which the threshold keeps to the error rate on new items like these."""
    wanted: int | None = None
    """Without a threshold: about how many more items would do; None where more alone would not help."""


@dataclass(frozen=True, slots=True)
class StrengthRow:
    """What one strength of a run's adapter did on the validation items."""

    strength: float
    answers: str
    """`prompts` or `head`."""
    nll: float
    accuracy: float
    drift: float
    """1 − mean cosine between an item's features and the base model's: how far the model has moved."""
    temperature: float = 1.0
    """Of what answers at this strength."""
    general: float | None = None
    """Accuracy of the class prompts on a general set, which has nothing to do with the task: what is lost was forgotten."""


@dataclass(frozen=True, slots=True)
class Strengths:
    """How much of its adapter a run uses, and what other strengths did."""

    run: str
    chosen: float
    rows: tuple[StrengthRow, ...]
    general: str = ""
    """The general set's name and its number of answers, in words; empty where there was none."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy at a number of labels."""

    labels: int
    accuracy: float
    low: float
    high: float
    """`low`, `high`: the band of `LearningCurve.band`."""


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Accuracy over nested subsets of the labels, a + b·n^(−c) through it, and what it says of more labels."""

    measured: tuple[CurvePoint, ...]
    forecast: tuple[CurvePoint, ...]
    """From today's number of labels on; empty where nothing can be said yet."""
    band: float
    """Share of the cases in which the band should hold the truth: about that, and on some data less."""
    advice: str
    weakest: str | None = None
    """The class that is found least."""


@dataclass(frozen=True, slots=True)
class RungRow:
    """One rung of the ladder, judged on items that it did not learn from."""

    rung: str
    title: str
    note: str
    accuracy: float | None = None
    ci95: tuple[float, float] | None = None
    nll: float | None = None
    """Negative log-likelihood, nats an item."""
    nll_se: float | None = None
    seconds: float | None = None
    """To learn it."""
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs, simplest first, and the one to use."""

    rows: tuple[RungRow, ...]
    best: str | None
    """Its `rung`."""
    reason: str
    judged_on: str
    """`96 labels, out of fold`, `267 items of the test split`."""
    measure: str = "Accuracy"
    """What the rows' `accuracy` is called."""
