"""What a finished run learnt, as a predictor."""

from __future__ import annotations

import json
from collections.abc import Sequence

import safetensors.torch

from studio.core.errors import CannotRun
from studio.core.interfaces import FoundationModel, Predictor
from studio.learning.few_shot import FewShot, LinearHead
from studio.learning.zero_shot import ZeroShot
from studio.runs.folder import RunFolder


def tuned_model(folder: RunFolder, model: FoundationModel) -> FoundationModel:
    """The base `model` with the run's adapter. Raises CannotRun where the run published none."""
    if not (folder.adapter / "adapter_config.json").is_file():
        raise CannotRun(f"{folder.id} has no adapter.", "Let it finish, or stop it with 'Stop and keep'.")
    return model.adapted(folder.spec.train.lora, folder.adapter)


def tuned_predictor(
    folder: RunFolder, tuned: FoundationModel, classes: Sequence[str], prompts: Sequence[Sequence[str]]
) -> Predictor:
    """How a run's model classifies: its own head where it learnt one, else prompts.

    `classes` and `prompts` are the project's now; a class that the run knew keeps the prompts that it was trained with.
    """
    head = read_head(folder)
    if head is not None:
        return FewShot(tuned, head, "lora")
    known = dict(zip(folder.spec.classes, folder.spec.prompts, strict=True))
    said = [known.get(name, now) for name, now in zip(classes, prompts, strict=True)]
    return ZeroShot.of(tuned, classes, said, "lora")


def read_head(folder: RunFolder) -> LinearHead | None:
    """The head that a run learnt, if its task or method has one."""
    path = folder.adapter / "head.safetensors"
    if not path.is_file():
        return None
    tensors = safetensors.torch.load_file(path)
    classes = json.loads((folder.adapter / "head.json").read_text("utf-8"))["classes"]
    return LinearHead(tensors["weight"], tensors["bias"], tuple(classes))
