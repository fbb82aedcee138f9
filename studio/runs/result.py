"""What a finished run learnt: published whole or not at all, and read again as a predictor."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from studio.core.errors import BadInput, CannotRun, RunError
from studio.core.interfaces import AdaptedModel, FoundationModel
from studio.core.publish import new_folder
from studio.learning.classifier import Classifier
from studio.learning.predictor import Answering, prompted
from studio.learning.zero_shot import text_classifier
from studio.runs.finish import Judged, Outcome
from studio.runs.folder import RunFolder
from studio.tasks import task

if TYPE_CHECKING:
    from torch import Tensor

ANSWERS = "answers.json"
"""Beside the adapter: `{"strength"}`, as the run chose it."""
JUDGED = "validation.safetensors"
"""Beside the adapter: `logits` `[n, C]` and `labels` `[n]` of the run's validation items, at the chosen strength; of a rung's
labels, out of fold."""
MOST_JUDGED = 1_000_000


def write_adapter(model: AdaptedModel, outcome: Outcome, place: Path) -> None:
    """A tuned model with its heads, its strength and its evidence."""
    model.save(place)
    for strength, head in outcome.heads.items():
        (place / "heads" / f"{strength:g}").mkdir(parents=True)
        head.save(place / "heads" / f"{strength:g}")
    _write_judged(outcome.judged, place)
    (place / ANSWERS).write_text(json.dumps({"strength": outcome.strength}), "utf-8")


def write_rung(classifier: Classifier, judged: Judged | None, place: Path) -> None:
    """A rung with its evidence."""
    classifier.save(place)
    _write_judged(judged, place)


def _write_judged(judged: Judged | None, place: Path) -> None:
    if judged is not None:
        save_file({"logits": judged.logits.contiguous(), "labels": judged.labels.contiguous()}, place / JUDGED)


def publish_result(folder: RunFolder, write: Callable[[Path], None]) -> None:
    """The adapter's folder, whole or not at all."""
    with new_folder(folder.adapter) as place:
        write(place)


def tuned_model(folder: RunFolder, model: FoundationModel, strength: float | None = None) -> AdaptedModel:
    """The base `model` with the run's adapter, at the strength that the run chose or another.

    Raises CannotRun where the run published none.
    """
    if not (folder.adapter / "adapter_config.json").is_file():
        raise CannotRun(f"{folder.id} has no adapter.", "Let it finish, or stop it with 'Stop and keep'.")
    tuned = model.adapted(folder.spec.train.lora, folder.adapter)
    tuned.set_strength(chosen_strength(folder) if strength is None else strength)
    return tuned


def tuned_predictor(
    folder: RunFolder,
    tuned: FoundationModel,
    classes: Sequence[str],
    prompts: Sequence[Sequence[str]],
    strength: float | None = None,
    classifier: Callable[[FoundationModel, Sequence[Sequence[str]]], Tensor] = text_classifier,
) -> Answering:
    """How a run's model classifies: its own head where it learnt one, else prompts.

    `classes` and `prompts` are the project's now; a class that the run knew keeps the prompts that it was trained with.
    Raises CannotRun where the head knows a class that the project has no longer.
    """
    at = chosen_strength(folder) if strength is None else strength
    if (folder.adapter / "head.safetensors").is_file():
        raise CannotRun(f"{folder.id} was made by an earlier version of Studio.", "Train again.")
    temperature = _temperatures(folder).get(at, 1.0)
    head = classifier_in(folder, f"heads/{at:g}", classes)
    if head is not None:
        return Answering(tuned, head, temperature)
    known = dict(zip(folder.spec.classes, folder.spec.prompts, strict=True))
    said = [known.get(name, now) for name, now in zip(classes, prompts, strict=True)]
    several = task(folder.spec.task).several
    return Answering(tuned, prompted("lora", classes, classifier(tuned, said), tuned.info.logit_scale, several), temperature)


def classifier_in(folder: RunFolder, where: str, classes: Sequence[str]) -> Classifier | None:
    """The classifier that a run published, if it did. Raises CannotRun where it knows a class that is gone."""
    found = Classifier.load(folder.adapter / where)
    gone = set(found.classes) - set(classes) if found else set()
    if gone:
        raise CannotRun(f"{folder.id} knows '{min(gone)}', which is no class of the project now.", "Train again.")
    return found


def chosen_strength(folder: RunFolder) -> float:
    """γ that the run chose; 1 where it chose none. Raises RunError where what it wrote is no number."""
    try:
        return float(_answers(folder).get("strength", 1.0))
    except (TypeError, ValueError, OverflowError) as error:
        raise RunError(f"{ANSWERS} of {folder.id} does not say a strength.", "Train again.") from error


def other_strength(folder: RunFolder, asked: float | None) -> float | None:
    """The strength asked for; None where it is the run's own. Raises BadInput for one that the run was not judged at.

    Only there are its head and its temperature known.
    """
    own, judged_at = chosen_strength(folder), _temperatures(folder)
    if asked is None or asked == own:
        return None
    if asked not in judged_at:
        grid = ", ".join(f"{strength:g}" for strength in sorted({own, *judged_at}))
        raise BadInput(f"{folder.id} was not judged at strength {asked:g}.", f"Choose one of these: {grid}.")
    return asked


def judged(folder: RunFolder) -> tuple[Tensor, Tensor] | None:
    """(logits `[n, C]`, labels `[n]`) of items that the run had not learnt from, as in JUDGED; None where there were none."""
    try:
        found = load_file(folder.adapter / JUDGED)
        logits, labels = found["logits"], found["labels"]
    except (OSError, KeyError, SafetensorError):
        return None
    return (logits, labels) if _fit(logits, labels) else None


def _fit(logits: Tensor, labels: Tensor) -> bool:
    """Whether they are what a run writes: a shared model is a stranger's."""
    if logits.ndim != 2 or not len(labels) == len(logits) <= MOST_JUDGED or not bool(logits.isfinite().all()):
        return False
    if labels.ndim == 1:
        return not len(labels) or bool(labels.min() >= 0 and labels.max() < logits.shape[1])
    return labels.shape == logits.shape


def _temperatures(folder: RunFolder) -> dict[float, float]:
    """By strength, of what answers there: each was judged, and calibrated, by itself. Empty without validation items."""
    try:
        rows = folder.report().get("strengths", ())
        return {float(row["strength"]): float(row.get("temperature", 1.0)) for row in rows}
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise RunError(f"report.json of {folder.id} does not say its strengths.", "Train again.") from error


def _answers(folder: RunFolder) -> dict[str, float]:
    try:
        return dict(json.loads((folder.adapter / ANSWERS).read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
