"""What use cases return to pages, commands and scripts: frozen and JSON-able."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studio.core.types import Item, TaskName


@dataclass(frozen=True, slots=True)
class Reject:
    """One file or row that an import did not take, and why."""

    file: str
    row: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came in. `added + duplicates + rejected` is what the source held."""

    source: str
    added: int
    duplicates: int
    rejected: int
    rejects: tuple[Reject, ...]
    """At most the first 1,000; `rejected` counts them all."""
    by_split: Mapping[str, int]
    by_label: Mapping[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One page of the grid, paged by key."""

    items: tuple[Item, ...]
    after: int | None
    """Pass it to get the next page; None on the last one."""
    total: int
    """Items that match the filter."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How far labelling is."""

    total: int
    labelled: int
    skipped: int
    by_split: Mapping[str, int]
    labelled_by_split: Mapping[str, int]
    by_class: Mapping[str, Mapping[str, int]]
    """`{class: {split: labelled items}}`."""


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """A project as the start page lists it."""

    id: str
    name: str
    task: TaskName
    path: str
    items: int
    labelled: int
    cover: str | None
    """sha256 of a picture to show, if it has one."""
    opened: float
    """Seconds since 1970."""
    problem: str | None = None
    """Why it cannot be opened now, if so."""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A model that people are offered."""

    id: str
    title: str
    modalities: tuple[str, ...]
    download_mb: int
    licence: str
    good_for: str
    local: bool
    """True where its files lie on this machine, so that it loads without a network."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that takes a while, other than training: an import, a model's loading, a comparison."""

    id: str
    kind: str
    title: str
    done: int
    total: int
    what: str
    started: float
    eta_s: float | None
    state: Literal["running", "done", "failed"]
    result: Any = None
    """What it returned, once done."""
    error: str | None = None
    hint: str | None = None


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
class PredictionTable:
    """Rows are classes, columns are methods, for one input."""

    classes: tuple[str, ...]
    answers: tuple[MethodAnswer, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """One item found by search or ranking."""

    item: Item
    score: float
    """Cosine similarity."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one method finds for a query: best first."""

    method: str
    title: str
    hits: tuple[Hit, ...]
    milliseconds: float
    why_not: str | None = None


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


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a few steps on a copy of the model showed, before a run."""

    device: str
    step_s: float
    """Seconds a step."""
    fill_s: float
    """Seconds to compute the frozen layers once, for all views; 0 where none are."""
    total_s: float
    """Of the steps and that; looks at the validation items come on top."""
    memory_mb: float
    """At most."""
    micro_batch: int
    """Items a forward pass, so that it fits; 0: the whole batch does."""
    steps: int

    def __str__(self) -> str:
        size = f", {self.micro_batch} items at a time so that it fits" if self.micro_batch else ""
        return f"Measured: {self.step_s:.2f} s a step, about {_time(self.total_s)} in all, {self.memory_mb:,.0f} MB at most{size}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


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
    """None where no threshold keeps to it."""
    accepted: int
    n: int
    errors: int
    """Wrong answers among the accepted."""
    upper: float
    """Clopper–Pearson upper bound of the error rate of accepted answers."""
    certainty: float | None
    """Probability with which the threshold keeps to the error rate on new items; None where it only did on these."""


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


@dataclass(frozen=True, slots=True)
class Strengths:
    """How much of its adapter a run uses, and what other strengths did."""

    run: str
    chosen: float
    rows: tuple[StrengthRow, ...]


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
    """Share of the cases in which the band should hold the truth."""
    advice: str
    weakest: str | None = None
    """The class that is found least."""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial of a search."""

    number: int
    settings: Mapping[str, Any]
    loss: float | None
    """Negative log-likelihood on items outside the support set; None where it failed or still works."""
    seconds: float
    state: Literal["running", "done", "pruned", "failed"]
    run: str | None = None
    """The run that it was."""
    looks: Mapping[str, float] = field(default_factory=dict)
    """Loss at each point at which trials are compared on their way."""


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
    caution: str = ""
    """What makes these figures less than they seem; empty where nothing does."""

    def score(self, method: str | None) -> Score | None:
        """That method's score."""
        return next((score for score in self.scores if score.method == method), None)


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
class AutoState:
    """A search over settings: its trials are ordinary runs."""

    model: str
    minutes: float
    """Budget."""
    seed: int
    status: Literal["running", "done", "stopped", "failed", "interrupted"]
    started: float
    """Seconds since 1970."""
    trials: tuple[TrialRow, ...]
    process: Mapping[str, Any] | None = None
    """Which process works on it."""
    note: str = ""
    best: Best | None = None
    """The method to use, once it is known."""
    best_run: str | None = None
    """The best trial's run."""
