"""After the last step: how much of the adapter to use, how the run answers, and what it may tell the gate.

Judged on the run's validation items alone, which took no part in learning. Where there are none, the adapter counts whole
and nothing is claimed. Chooses; publishes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from studio.core.interfaces import AdaptedModel, Progress, Snapshot, Task
from studio.core.results.evidence import StrengthRow
from studio.core.types import Item
from studio.learning.classifier import Classifier
from studio.learning.finetune import kept_as
from studio.learning.predictor import prompted
from studio.learning.rungs import learn, rung
from studio.learning.support import Support
from studio.learning.zero_shot import centred, text_classifier
from studio.runs.folder import RunSpec
from studio.runs.general import General
from studio.runs.seen import Look, Seen
from studio.tasks import known_to
from studio.tasks.objectives.likelihood import numbered, of_labels, right, sharpness

STRENGTHS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""γ of W + γ · ΔW; 0 is the base model (WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903)."""
MOST_SWEPT = 2000
"""Training items above which no head is fitted again: each strength would embed them all."""
CHOOSING = "Choosing the adapter's strength"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the run, as it answers from now on, said of items that it had not learnt from: its evidence."""

    logits: Tensor  # [n, C], before the temperature
    labels: Tensor  # [n], or where an item may be of several classes [n, C]

    @property
    def losses(self) -> Tensor:
        """`[n]`, nats, after the temperature."""
        return -of_labels(sharpness(self.logits, self.labels) * self.logits, self.labels)

    @property
    def scores(self) -> dict[str, float]:
        return {"accuracy": float(right(self.logits, self.labels).float().mean()), "loss": float(self.losses.mean())}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run answers from now on."""

    strength: float = 1.0
    heads: dict[float, Classifier] = field(default_factory=dict)
    """By strength; where there is none, the class prompts answer."""
    rows: tuple[StrengthRow, ...] = ()
    judged: Judged | None = None
    note: str = ""
    """Why nothing was judged, where that is no matter of course."""
    general: str = ""
    """What the rows' general accuracy was measured on."""

    def report(self) -> dict[str, Any]:
        """For `report.json`."""
        return {"strength": self.strength, "strengths": [asdict(row) for row in self.rows], "general": self.general}


@dataclass(frozen=True, slots=True)
class Heads:
    """Of a task that trains one: the head that learnt beside the adapter, and the frozen features' head where it began."""

    trained: Classifier
    frozen: Classifier


@dataclass(frozen=True, slots=True)
class Candidate:
    strength: float
    head: Classifier | None
    logits: Tensor  # [n, C]
    likelihood: Tensor  # [n], after the temperature
    temperature: float
    accuracy: float
    drift: float
    general: float | None = None

    def row(self) -> StrengthRow:
        answers = "head" if self.head else "prompts"
        loss = -float(self.likelihood.mean())
        return StrengthRow(self.strength, answers, loss, self.accuracy, self.drift, self.temperature, self.general)


def finish(
    model: AdaptedModel,
    task: Task,
    data: Snapshot,
    spec: RunSpec,
    heads: Heads | None,
    progress: Progress,
    general: General | None = None,
    bf16: bool = False,
) -> Outcome:
    """Sweep the strengths; another than the whole adapter is taken where it is better by more than its standard error.

    At a strength between those of `heads` the frozen features' head is fitted on what the features are there. What a strength
    forgets is measured on the `general` set, and chooses nothing. Features are computed in the precision of the run's steps.
    Where memory runs out, the adapter counts whole, as where nothing can be judged.
    """
    if not task.classifies:
        return Outcome()
    plain = Outcome(heads={1.0: heads.trained} if heads else {})
    held = known_to(task, data.held_out, spec.classes)
    if not held:
        return plain
    try:
        judge = _Judge(model, task, data, spec, held, general, bf16)
        best, series = _with_head(judge, heads, progress) if heads else _with_prompts(judge, progress)
    except (torch.OutOfMemoryError, MemoryError):  # what was learnt is worth more than how much of it to use
        return replace(plain, note="Out of memory while other strengths were tried: the adapter counts whole.")
    finally:
        model.set_strength(1.0)
    base = next((c.general for c in series if c.strength == 0.0), None)
    told = general if general and base is not None and general.tells(base) else None
    rows = [c.row() if told else replace(c.row(), general=None) for c in series]
    return Outcome(
        strength=best.strength,
        heads={c.strength: c.head for c in series if c.head is not None},
        rows=tuple(sorted(rows, key=lambda row: -row.strength)),
        judged=Judged(best.logits, judge.truth),
        general=f"{told.name}, {told.answers} answers" if told else "",
    )


def item_passes(train: int, held_out: int, general: int, head: bool) -> int:
    """Forward passes of one item each that `finish` takes, about: what it costs, before it is known."""
    if not held_out:
        return 0
    learns = train if train <= MOST_SWEPT else 0
    return len(STRENGTHS) * (held_out + general) + learns * (len(STRENGTHS) if head else 1)


def _with_head(judge: _Judge, heads: Heads, progress: Progress) -> tuple[Candidate, list[Candidate]]:
    """(what to answer with, every strength with its head)."""
    found = [judge.answers(1.0, heads.trained)]
    if judge.few:
        for n, strength in enumerate(STRENGTHS[1:], 1):
            progress(n, len(STRENGTHS), CHOOSING)
            found.append(judge.answers(strength, judge.head(strength) if strength else heads.frozen))
    return chosen(found), found


def _with_prompts(judge: _Judge, progress: Progress) -> tuple[Candidate, list[Candidate]]:
    """(what to answer with, every strength as that answers).

    The prompts at each strength, then a head at the best one: the second stage of 2SFS (Farina et al. 2025, arXiv:2503.11609).
    Where that is better, the other strengths get a head too, so that like is shown beside like; it chooses nothing more.
    """
    found = []
    for n, strength in enumerate(STRENGTHS):
        progress(n, 2 * len(STRENGTHS), CHOOSING)
        found.append(judge.answers(strength, None))
    if not judge.few:
        return chosen(found), found
    progress(len(STRENGTHS), 2 * len(STRENGTHS), "Fitting a head on the tuned features")
    at = chosen(found).strength
    headed = judge.answers(at, judge.head(at))
    best = chosen([*found, headed])
    if best is not headed:
        return best, found
    return best, [headed if s == at else judge.answers(s, judge.head(s)) for s in STRENGTHS]


class _Judge:
    """What the model at some strength, with a head or with the prompts, says of the validation items."""

    def __init__(
        self,
        model: AdaptedModel,
        task: Task,
        data: Snapshot,
        spec: RunSpec,
        held: Sequence[Item],
        general: General | None,
        bf16: bool,
    ) -> None:
        self._model, self._task, self._spec, self._items, modality = model, task, spec, data.train, task.modalities[0]
        look = Look(model, modality, kept_as(spec.train), bf16)
        self._general = general
        self._elsewhere = Seen(look, general.sizes, general.at) if general else None

        def seen(items: Sequence[Item]) -> Seen:
            sizes = [len(item.key(modality)) for item in items]
            return Seen(look, sizes, lambda rows: data.payloads([items[i] for i in rows], modality))

        self._held = seen(held)
        self.few = len(data.train) <= MOST_SWEPT
        self._learnt = seen(data.train) if self.few else None
        self.truth = self._numbers(held)
        self._at: dict[float, tuple[Tensor, float | None]] = {}
        self._base = self._seen_at(0.0)[0]

    def answers(self, strength: float, head: Classifier | None) -> Candidate:
        x, known = self._seen_at(strength)
        logits = (head or prompted("lora", self._spec.classes, *self._text(), self._task.several)).logits(x)
        factor = sharpness(logits, self.truth)
        accuracy = float(right(logits, self.truth).float().mean())
        drift = 1.0 - float((x * self._base).sum(1).mean())
        likelihood = of_labels(factor * logits, self.truth)
        return Candidate(strength, head, logits, likelihood, 1 / factor, accuracy, drift, known)

    def _seen_at(self, strength: float) -> tuple[Tensor, float | None]:
        """(features of the validation items, accuracy on the general set) at that strength, which the model then has."""
        self._model.set_strength(strength)
        if strength not in self._at:
            self._at[strength] = (self._held.features(), self._known())
        return self._at[strength]

    def _known(self) -> float | None:
        """Accuracy on the general set at the present strength."""
        if self._general is None or self._elsewhere is None:
            return None
        return self._general.accuracy(self._elsewhere.features() @ text_classifier(self._model, self._general.prompts).T)

    def head(self, strength: float) -> Classifier:
        """The frozen features' head again, on what the training items' features are at this strength."""
        if self._learnt is None:
            raise ValueError("a head is fitted again only where there are few items")
        self._model.set_strength(strength)
        (text, scale), spec = self._text(), self._spec
        start = centred(text) if self._task.several else text
        labels = self._numbers(self._items)
        return learn(rung("linear"), Support(self._learnt.features(), labels, start, scale, spec.classes, spec.train.seed))

    def _text(self) -> tuple[Tensor, float]:
        """(text classifier `[C, dim]`, logit scale) at the present strength."""
        return text_classifier(self._model, self._spec.prompts), float(self._model.logit_scale())

    def _numbers(self, items: Sequence[Item]) -> Tensor:
        """Their labels, as `likelihood` takes them."""
        return numbered(map(self._task.said_of, items), self._spec.classes, self._task.several)


def chosen(found: Sequence[Candidate]) -> Candidate:
    """The whole adapter, unless another strength is better by more than the paired standard error."""
    whole = found[0]
    better = [c for c in found[1:] if _gain(c, whole) > 0]
    return max(better, key=lambda c: float(c.likelihood.mean()), default=whole)


def _gain(a: Candidate, b: Candidate) -> float:
    """Mean log-likelihood that `a` is ahead, less one standard error."""
    ahead = a.likelihood - b.likelihood
    error = float(ahead.std()) / len(ahead) ** 0.5 if len(ahead) > 1 else float("inf")
    return float(ahead.mean()) - error
