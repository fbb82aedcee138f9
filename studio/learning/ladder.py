"""The ladder at work: a snapshot's support set as tensors, every rung fitted on it, and predictions with what they learnt."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from studio.core.errors import CannotRun
from studio.core.interfaces import FoundationModel, Progress, Snapshot, Task
from studio.learning.classifier import Classifier
from studio.learning.features import FeatureCache
from studio.learning.gate import Evidence, Verdict, decide, evidence, judge
from studio.learning.rungs import Rung, all_rungs, learn, rung
from studio.learning.support import Support
from studio.learning.zero_shot import centred, text_classifier
from studio.tasks.objectives.likelihood import numbered


@dataclass(frozen=True, slots=True)
class Ladder:
    """Every rung on one support set, and which is best."""

    classifiers: Mapping[str, Classifier]
    """By rung's name, in the ladder's order."""
    why_not: Mapping[str, str]
    """Why the other rungs cannot run."""
    evidence: tuple[Evidence, ...]
    """Out-of-fold evidence of those that can; empty where no fold can be made."""
    verdict: Verdict
    seconds: Mapping[str, float]
    """To fit each."""


def support_of(
    model: FoundationModel,
    task: Task,
    data: Snapshot,
    cache: FeatureCache,
    classes: tuple[str, ...],
    prompts: Sequence[Sequence[str]],
    seed: int = 0,
    progress: Progress | None = None,
) -> Support:
    """The support set of a snapshot, its features from the cache."""
    modality = task.modalities[0]
    items = [item for item in data.train if task.trains_on(item)]
    features, raw = cache.both(model, modality, items, data.payload, progress)
    labels = numbered(map(task.said_of, items), classes, task.several)
    text, scale = text_classifier(model, prompts), model.info.logit_scale
    text = centred(text) if task.several else text
    return Support(features, labels, text, scale, classes, seed, raw, model.projection(modality))


def climb(support: Support, rungs: Sequence[Rung] | None = None, progress: Progress | None = None) -> Ladder:
    """Fit every rung that can run on the support set, and judge them out of fold."""
    chosen = rungs or all_rungs()
    fitted: dict[str, Classifier] = {}
    reasons: dict[str, str] = {}
    seconds: dict[str, float] = {}
    found: list[Evidence] = []
    for n, one in enumerate(chosen):
        if progress:
            progress(n, len(chosen), one.title)
        if reason := one.why_not(support):
            reasons[one.name] = reason
            continue
        start = time.perf_counter()
        fitted[one.name] = learn(one, support)
        seconds[one.name] = time.perf_counter() - start
        if (seen := evidence(one, support)) is not None:
            found.append(seen)
    return Ladder(fitted, reasons, tuple(found), decide(support, found, chosen), seconds)


@dataclass(frozen=True, slots=True)
class Chosen:
    """One rung, fitted."""

    classifier: Classifier
    reason: str
    logits: Tensor | None
    """What the rung said of the labels out of fold, `[n, C]` before the temperature; None where no fold can be made."""


def choose_rung(method: str, support: Support, progress: Progress | None = None) -> Chosen:
    """The rung of that name (as in `train --method`); `best`: the gate's; `few-shot`: its choice among those that learn.

    Raises CannotRun where the rung that was asked for cannot run on these labels.
    """
    asked = [] if method in {"best", "few-shot"} else [rung(method.replace("-", "_"))]
    if asked and (reason := asked[0].why_not(support)):
        raise CannotRun(reason)
    found = climb(support, asked, progress)
    if asked:
        name, reason = asked[0].name, f"{asked[0].title}, as asked for."
    else:
        verdict = found.verdict if method == "best" else few_shot(found)
        name, reason = verdict.rung, verdict.reason
    return Chosen(found.classifiers[name], reason, next((e.logits for e in found.evidence if e.name == name), None))


def few_shot(ladder: Ladder) -> Verdict:
    """The gate's choice among the rungs that learn: what the labels give without fine-tuning, be it better or not."""
    learning = [e for e in ladder.evidence if e.name != "zero_shot"]
    if learning:
        found = judge(learning)
        row = next(row for row in found.table if row.name == found.rung)
        said = f"{row.title}: the choice among the rungs that learn, log loss {row.nll:.3f} on labels unseen by it."
        return Verdict(found.rung, said, found.table)
    able = [rung(name) for name in ladder.classifiers if name != "zero_shot"]
    best = max(able, key=lambda one: one.head_start)
    return Verdict(best.name, f"{best.title}: a fixed choice, as single labels leave none to judge by.", ())
