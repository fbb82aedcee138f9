"""Zero-shot: class prompts as a classifier. Refuses to learn anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.interfaces import FoundationModel


def text_classifier(model: FoundationModel, prompts: Sequence[Sequence[str]]) -> Tensor:
    """Class weights `[C, dim]`, unit norm: the mean of each class's unit prompt features, made unit again.

    Prompt ensembling of Radford et al. 2021 (arXiv:2103.00020), section 3.1.4.
    """
    flat = [p for of_class in prompts for p in of_class]
    features = model.embed("text", flat)  # [sum of templates, dim]
    parts = torch.split(features, [len(p) for p in prompts])
    return normalize(torch.stack([part.mean(0) for part in parts]), dim=-1)


def centred(text: Tensor) -> Tensor:
    """The text classifier `[C, d]` where an item may be of several classes: each less the mean of all, so that a class is said
    where an item is more like it than like the classes on average. Alone, a similarity knows no zero."""
    return text - text.mean(0)


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """`core.interfaces.Prior`: what a run knows before it learns."""

    classes: tuple[str, ...]
    prompts: tuple[tuple[str, ...], ...]
    head: tuple[Tensor, Tensor] | None = None
