"""Support sets whose truth is known: clouds around class centres, with a text classifier that is off by some angle."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.learning.support import Support

WIDTH, DIM = 40, 24


def cloud(shots: int, classes: int = 4, spread: float = 0.15, off: float = 0.1, seed: int = 0, scale: float = 20.0) -> Support:
    """`shots` items a class with features before a projection; `off`: how far the texts stand from the centres."""
    world = torch.Generator().manual_seed(7)
    matrix = torch.randn(WIDTH, DIM, generator=world) / WIDTH**0.5
    centres = torch.randn(classes, WIDTH, generator=world)
    text = normalize(normalize(centres @ matrix, dim=-1) + off * torch.randn(classes, DIM, generator=world), dim=-1)
    labels = torch.arange(classes).repeat_interleave(shots)
    noise = torch.randn(len(labels), WIDTH, generator=torch.Generator().manual_seed(seed))
    raw = 3 * (centres[labels] + 10 * spread * noise)
    names = tuple(f"class {c}" for c in range(classes))
    return Support(normalize(raw @ matrix, dim=-1), labels, text, scale, names, seed, raw, matrix)


def accuracy(logits: Tensor, of: Support) -> float:
    return float((logits.argmax(1) == of.labels).float().mean())
