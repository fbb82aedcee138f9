"""Which method is best for a project, and how far its confidences can be believed: from labels, never from the test split.

Rungs on cached features are judged out of fold; a run by its validation items, against the best of the rungs on the same
items. Imported lazily: it imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from studio.core.interfaces import Progress
from studio.core.results.comparison import Best
from studio.core.results.evidence import Calibration, LearningCurve, RiskPoint
from studio.evaluation.advice import Tuning
from studio.evaluation.learning_curve import learning_curve, learning_curve_of_sets
from studio.learning.calibration import calibrate, risk_coverage
from studio.learning.gate import Evidence, judge
from studio.learning.out_of_fold import fold_count
from studio.learning.rungs import learn as learnt_by
from studio.learning.rungs import rung
from studio.learning.support import Support, rarest
from studio.runs.folder import RunFolder
from studio.runs.result import judged
from studio.tasks import known_to
from studio.tasks.objectives.likelihood import of_labels, probabilities, right, sharpness
from studio.workspace.doubt import FEWEST
from studio.workspace.methods import TITLES, Climbed
from studio.workspace.question import Question, Questions

LORA_ORDER = 1000
"""Fine-tuning is the last rung."""
CURVE_RUNG = "linear"


@dataclass(frozen=True, slots=True)
class Choice:
    """The best method with the evidence for it."""

    best: Best
    logits: Tensor | None = None  # [n, C] on items that it did not learn from
    labels: Tensor | None = None  # [n], or where an item may be of several classes [n, C]
    tuning: Tuning | None = None
    """What fine-tuning brought over the best rung, where a run tells."""

    def calibration(self) -> tuple[Calibration | None, tuple[RiskPoint, ...]]:
        """(one temperature with reliability before and after, risk–coverage curve); (None, ()) without evidence."""
        if self.logits is None or self.labels is None or len(self.labels) < FEWEST:
            return None, ()
        found = calibrate(self.logits, self.labels)
        several = self.labels.ndim == 2
        return found, risk_coverage(probabilities(self.logits.double() / found.temperature, several), self.labels)


def choose(questions: Questions, question: Question, climbed: Climbed) -> Choice:
    """The gate over all rungs, then between the best of them and the run."""
    verdict = climbed.ladder.verdict
    title = rung(verdict.rung).title
    seen = next((e for e in climbed.ladder.evidence if e.name == verdict.rung), None)
    of_rung = Choice(Best(verdict.rung, title, verdict.reason), seen.logits if seen else None, climbed.support.labels)
    told = judged(question.run) if question.run is not None and question.run.spec.tunes else None
    if told is None or question.run is None:
        if question.run is not None and question.run.spec.tunes:
            unjudged = (
                f"{verdict.reason} Fine-tuning ({question.run.id}) had no validation items to be judged by: it is not weighed."
            )
            return replace(of_rung, best=replace(of_rung.best, reason=unjudged))
        return of_rung
    items = known_to(questions.task, question.judged, question.run.spec.classes)
    run, other = question.run.snapshot(), _other(question, climbed, len(items) != len(told[1]))
    if other:
        reason = f"{verdict.reason} Fine-tuning ({run.id}) learnt {other} than these: it is not weighed."
        return replace(of_rung, best=replace(of_rung.best, reason=reason))
    x, raw, _ = questions.features(question.model, questions.task.modalities[0], items, None)
    simpler = climbed.ladder.classifiers[verdict.rung].logits(x, raw)
    theirs = _evidence(verdict.rung, title, rung(verdict.rung).order, simpler, told[1])
    between = judge([theirs, _evidence("lora", TITLES["lora"], LORA_ORDER, *told)])
    # what was stopped before its end says little of fine-tuning, though it may be the best there is
    tuning = replace(_tuning(simpler, *told), chosen=between.rung == "lora") if run.whole else None
    early = "" if run.whole else f" It was stopped after {run.step} of {run.total} steps."
    if between.rung != "lora":
        reason = f"{verdict.reason} Fine-tuning ({run.id}) does not beat it on {len(items)} validation items.{early}"
        return Choice(Best(verdict.rung, title, reason), of_rung.logits, of_rung.labels, tuning)
    row = between.table[-1]
    said = f"log loss {row.nll:.3f} on {len(items)} validation items, {row.gain:.3f} ± {row.error:.3f} better than {title}"
    reason = f"{TITLES['lora']}: {said}. They took no part in learning, but the adapter's strength was chosen on them too."
    if run.chosen_among > 1:
        reason += f" It is the best of {run.chosen_among} trials on these {len(items)} items: expect a little less."
    return Choice(Best("lora", TITLES["lora"], reason + early, run.id), *told, tuning)


def curve(climbed: Climbed, tuning: Tuning | None, progress: Progress | None = None) -> LearningCurve | None:
    """Accuracy over nested subsets of the labels, and what more should bring; None where a class has none to hold out."""
    support = climbed.support
    if not fold_count(support):
        return None
    if progress:
        progress(0, 0, "Learning from parts of the labels")
    answer = partial(_answer, support)
    if support.several:
        without = [name for name, has in zip(support.classes, support.labelled.tolist(), strict=True) if not has]
        return learning_curve_of_sets(rarest(support.labels).tolist(), without, answer, tuning, support.seed)
    return learning_curve(support.labels.tolist(), support.classes, answer, tuning, support.seed)


def losses_of(run: RunFolder) -> Tensor | None:
    """Negative log-likelihood of each of a run's validation items `[n]`, after one temperature; None where there are too few."""
    told = judged(run)
    return None if told is None or len(told[1]) < FEWEST else -_likelihoods(*told)


def _answer(support: Support, learn: Sequence[int], judge: Sequence[int]) -> list[bool]:
    rows, held = torch.tensor(list(learn)), support.part(torch.tensor(list(judge)))
    return right(learnt_by(rung(CURVE_RUNG), support.part(rows)).logits(held.features, held.raw), held.labels).tolist()


def _other(question: Question, climbed: Climbed, unpaired: bool) -> str:
    """In what the run learnt something else than the rungs here, so that they cannot be paired; else empty."""
    if not question.support or unpaired:
        return "other labels"
    return "" if question.run is None or climbed.support.classes == question.run.spec.classes else "other classes"


def _evidence(name: str, title: str, order: int, logits: Tensor, labels: Tensor) -> Evidence:
    return Evidence(name, title, order, _likelihoods(logits, labels), float(right(logits, labels).float().mean()), logits=logits)


def _likelihoods(logits: Tensor, labels: Tensor) -> Tensor:
    return of_labels(sharpness(logits, labels) * logits, labels)


def _tuning(before: Tensor, after: Tensor, labels: Tensor) -> Tuning:
    """Accuracy that `after` is ahead, paired over the items. Logits `[n, C]`."""
    ahead = right(after, labels).float() - right(before, labels).float()
    error = float(ahead.std()) / len(ahead) ** 0.5 if len(ahead) > 1 else 1.0
    # where all answers are alike, the error is not nothing: one item more could differ
    return Tuning(float(ahead.mean()), max(error, 1.0 / len(ahead)), len(ahead))
