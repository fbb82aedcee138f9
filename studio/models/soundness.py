"""What a model's files may be though nothing in them can run: larger than they say, or such that a library breaks over them.

A library's errors are the files' fault, also those that are no `Exception`: the tokenizers' library panics. Knows no family.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from torch import nn

from studio.core.errors import ModelError, StudioError
from studio.core.interfaces import FoundationModel
from studio.models.trust import safetensors_header

SLACK = 1_000_000
"""Weights that a network may have beyond its file's: a head or a pooler that nobody saved."""
EXAMPLES: dict[str, Any] = {"image": Image.new("RGB", (40, 30), (120, 80, 40)), "text": "A picture of a cat, isn't it?"}
PANIC = "pyo3_runtime"


@contextmanager
def faults_of(what: str) -> Iterator[None]:
    """Raises ModelError for whatever a library finds wrong: `what` it was about, and the library's first line."""
    try:
        yield
    except (StudioError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__module__ != PANIC:
            raise
        line = str(error).strip().partition("\n")[0][:300] or type(error).__name__
        raise ModelError(f"{what}: {line}", "Download the model again, the whole of it.") from error


def refuse_larger(network: nn.Module, weights: Sequence[Path]) -> None:
    """Before such a network, which lies nowhere yet, is made. Raises ModelError where the weights have by far fewer numbers."""
    parameters = sum(one.numel() for one in (*network.parameters(), *network.buffers()))
    there = sum(math.prod(shape) for path in weights for _, shape in safetensors_header(path).values())
    if parameters > there + max(SLACK, there // 2):
        raise ModelError(
            f"Its configuration is of {parameters:,} numbers, its weights have {there:,}.", "Download the model again."
        )


def tried(model: FoundationModel) -> FoundationModel:
    """That model, once it has read a picture and a text. Raises ModelError, and frees it, where it cannot."""
    try:
        for modality in model.info.modalities:
            if modality in EXAMPLES:
                with faults_of(f"The model cannot read a {'picture' if modality == 'image' else modality}"):
                    features = model.embed(modality, [EXAMPLES[modality]])
                    if not bool(features.isfinite().all()):
                        raise ValueError("its features are no numbers")
    except ModelError:
        model.close()
        raise
    return model
