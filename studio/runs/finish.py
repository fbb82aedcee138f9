"""After the last step: how much of the adapter to use, how the run answers, and what it may tell the gate.

Judged on the run's validation items alone, which took no part in learning. Where there are none, the adapter counts whole
and nothing is claimed. Chooses; publishes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from studio.core.interfaces import AdaptedModel, Progress, Snapshot, Task
from studio.core.results import StrengthRow
from studio.core.types import Item
from studio.learning.classifier import Classifier
from studio.learning.out_of_fold import of_labels, sharpness
from studio.learning.predictor import prompted
from studio.learning.rungs import rung
from studio.learning.support import Support
from studio.learning.zero_shot import text_classifier
from studio.runs.folder import RunSpec

STRENGTHS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""γ of W + γ · ΔW; 0 is the base model (WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903)."""
MOST_SWEPT = 2000
"""Support items above which a head is fitted at full strength alone: each strength embeds them all again."""
CHUNK = 32


@dataclass(frozen=True, slots=True)
class Judged:
    """What the run, as it answers from now on, said of the validation items: its evidence for the gate."""

    logits: Tensor  # [n, C], before the temperature
    labels: Tensor  # [n]

    @property
    def scores(self) -> dict[str, float]:
        likelihood = of_labels(sharpness(self.logits, self.labels) * self.logits, self.labels)
        right = self.logits.argmax(1) == self.labels
        return {"accuracy": float(right.float().mean()), "loss": -float(likelihood.mean())}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run answers from now on."""

    strength: float = 1.0
    temperature: float = 1.0
    heads: dict[float, Classifier] = field(default_factory=dict)
    """By strength; where there is none, the class prompts answer."""
    rows: tuple[StrengthRow, ...] = ()
    judged: Judged | None = None

    def report(self) -> dict[str, Any]:
        """For `report.json`."""
        chosen = {"strength": self.strength, "temperature": self.temperature}
        return {**chosen, "strengths": [asdict(row) for row in self.rows]}


@dataclass(frozen=True, slots=True)
class Candidate:
    strength: float
    head: Classifier | None
    logits: Tensor  # [n, C]
    likelihood: Tensor  # [n], after the temperature
    temperature: float
    accuracy: float
    drift: float


def finish(
    model: AdaptedModel, task: Task, data: Snapshot, spec: RunSpec, trained: Classifier | None, progress: Progress
) -> Outcome:
    """Sweep the strengths; another than the whole adapter is taken where it is better by more than its standard error.

    `trained` is the head that learnt beside the adapter: the whole adapter's. At other strengths the frozen features' head is
    fitted on what the features are there.
    """
    if not task.classifies:
        return Outcome()
    held = [item for item in data.held_out if item.label in spec.classes]
    if not held:
        return Outcome(heads={1.0: trained} if trained else {})
    found = _sweep(model, task, data, spec, held, trained, progress)
    best = chosen(found)
    rows = tuple(
        StrengthRow(c.strength, "head" if c.head else "prompts", -float(c.likelihood.mean()), c.accuracy, c.drift) for c in found
    )
    kept = found if task.trains_head else [best]
    return Outcome(
        strength=best.strength,
        temperature=best.temperature,
        heads={c.strength: c.head for c in kept if c.head is not None},
        rows=rows,
        judged=Judged(best.logits, _numbers(held, spec.classes)),
    )


def _sweep(
    model: AdaptedModel,
    task: Task,
    data: Snapshot,
    spec: RunSpec,
    held: Sequence[Item],
    trained: Classifier | None,
    progress: Progress,
) -> list[Candidate]:
    modality = task.modalities[0]
    truth = _numbers(held, spec.classes)
    strengths = STRENGTHS if trained is None or len(data.train) <= MOST_SWEPT else STRENGTHS[:1]
    judged = _Seen(model, modality, data, held)
    learnt = _Seen(model, modality, data, data.train) if trained and len(strengths) > 1 else None
    model.set_strength(0.0)
    base = judged.features()
    found = []
    for n, strength in enumerate(strengths):
        progress(n, len(strengths), "Choosing the adapter's strength")
        model.set_strength(strength)
        x = base if strength == 0 else judged.features()
        text, scale = text_classifier(model, spec.prompts), float(model.logit_scale())
        head = trained
        if learnt is not None and strength < 1:
            head = _head(learnt.features(), data.train, text, scale, spec)
        classifier = head or prompted("lora", spec.classes, text, scale)
        found.append(_candidate(strength, head, classifier, x, truth, base))
    model.set_strength(1.0)
    return found


def _candidate(
    strength: float, head: Classifier | None, classifier: Classifier, x: Tensor, truth: Tensor, base: Tensor
) -> Candidate:
    logits = classifier.logits(x)
    factor = sharpness(logits, truth)
    accuracy = float((logits.argmax(1) == truth).float().mean())
    drift = 1.0 - float((x * base).sum(1).mean())
    return Candidate(strength, head, logits, of_labels(factor * logits, truth), 1 / factor, accuracy, drift)


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


def _head(x: Tensor, items: Sequence[Item], text: Tensor, scale: float, spec: RunSpec) -> Classifier:
    """The frozen features' head again, on partly tuned ones: the second stage of SetFit (Tunstall et al. 2022,
    arXiv:2209.11055) and of 2SFS."""
    return rung("linear").fit(Support(x, _numbers(items, spec.classes), text, scale, spec.classes, spec.train.seed))


def _numbers(items: Sequence[Item], classes: Sequence[str]) -> Tensor:
    """Class numbers `[n]`."""
    return torch.tensor([classes.index(str(item.label)) for item in items])


class _Seen:
    """Some items at any strength: decoded once, and what comes before the first adapter computed once."""

    def __init__(self, model: AdaptedModel, modality: str, data: Snapshot, items: Sequence[Item]) -> None:
        self._model, self._modality = model, modality
        order = sorted(range(len(items)), key=lambda i: len(items[i].key(modality)))  # little padding for texts
        self._rows = [order[i : i + CHUNK] for i in range(0, len(order), CHUNK)]
        self._count = len(items)
        inputs = [model.prepare(modality, data.payloads([items[i] for i in rows], modality)) for rows in self._rows]
        self._inputs = [model.prefix(modality, part) for part in inputs] if model.has_prefix(modality) else inputs

    @torch.no_grad()
    def features(self) -> Tensor:
        """`[n, dim]` unit, float32 on the CPU, in the items' order."""
        self._model.module.eval()
        out = torch.empty(self._count, self._model.info.dim)
        for rows, inputs in zip(self._rows, self._inputs, strict=True):
            out[rows] = self._model.encode(self._modality, inputs).float().cpu()
        return out
