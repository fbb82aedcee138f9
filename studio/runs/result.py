"""What a finished run learnt, as a predictor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from studio.core.errors import CannotRun
from studio.core.interfaces import FoundationModel, Predictor
from studio.learning.few_shot import FewShot, LinearHead
from studio.learning.zero_shot import ZeroShot, text_classifier
from studio.runs.folder import RunFolder

if TYPE_CHECKING:
    from torch import Tensor


def tuned_model(folder: RunFolder, model: FoundationModel) -> FoundationModel:
    """The base `model` with the run's adapter. Raises CannotRun where the run published none."""
    if not (folder.adapter / "adapter_config.json").is_file():
        raise CannotRun(f"{folder.id} has no adapter.", "Let it finish, or stop it with 'Stop and keep'.")
    return model.adapted(folder.spec.train.lora, folder.adapter)


def tuned_predictor(
    folder: RunFolder,
    tuned: FoundationModel,
    classes: Sequence[str],
    prompts: Sequence[Sequence[str]],
    classifier: Callable[[FoundationModel, Sequence[Sequence[str]]], Tensor] = text_classifier,
) -> Predictor:
    """How a run's model classifies: its own head where it learnt one, else prompts.

    `classes` and `prompts` are the project's now; a class that the run knew keeps the prompts that it was trained with.
    """
    head = head_of(folder, classes)
    if head is not None:
        return FewShot(tuned, head, "lora")
    known = dict(zip(folder.spec.classes, folder.spec.prompts, strict=True))
    said = [known.get(name, now) for name, now in zip(classes, prompts, strict=True)]
    return ZeroShot(tuned, tuple(classes), classifier(tuned, said), "lora")


def head_of(folder: RunFolder, classes: Sequence[str]) -> LinearHead | None:
    """The head that a run learnt, if it learnt one. Raises CannotRun where its classes are no longer the project's."""
    head = LinearHead.load(folder.adapter)
    gone = set(head.classes) - set(classes) if head else set()
    if gone:
        raise CannotRun(f"{folder.id} knows '{min(gone)}', which is no class of the project now.", "Train again.")
    return head
