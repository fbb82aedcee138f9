"""The ladder at work: a snapshot's support set as tensors, every rung fitted on it, and predictions with what they learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from studio.core.interfaces import FoundationModel, Progress, Snapshot, Task
from studio.core.types import Prediction
from studio.learning.classifier import Classifier
from studio.learning.features import FeatureCache
from studio.learning.gate import Evidence, Verdict, decide, evidence
from studio.learning.rungs import Rung, all_rungs
from studio.learning.support import Support
from studio.learning.zero_shot import as_predictions, text_classifier


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
    labels = torch.tensor([classes.index(str(item.label)) for item in items])
    text, scale = text_classifier(model, prompts), model.info.logit_scale
    return Support(features, labels, text, scale, classes, seed, raw, model.projection(modality))


def climb(support: Support, rungs: Sequence[Rung] | None = None, progress: Progress | None = None) -> Ladder:
    """Fit every rung that can run on the support set, and judge them out of fold."""
    chosen = rungs or all_rungs()
    fitted: dict[str, Classifier] = {}
    reasons: dict[str, str] = {}
    found: list[Evidence] = []
    for n, rung in enumerate(chosen):
        if progress:
            progress(n, len(chosen), rung.title)
        if reason := rung.why_not(support):
            reasons[rung.name] = reason
            continue
        fitted[rung.name] = rung.fit(support)
        if (seen := evidence(rung, support)) is not None:
            found.append(seen)
    return Ladder(fitted, reasons, tuple(found), decide(support, found, chosen))


def predict(classifier: Classifier, features: Tensor, raw: Tensor | None = None) -> list[Prediction]:
    """Unit features `[n, d]` (and those before the projection `[n, w]`, which ProLIP needs) → n predictions."""
    return as_predictions(classifier.logits(features, raw), classifier.classes)
