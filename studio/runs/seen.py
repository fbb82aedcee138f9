"""Some items as a model with an adapter sees them at any of its strengths: decoded once, computed again for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.interfaces import AdaptedModel, Inputs

CHUNK = 32
Payloads = Callable[[Sequence[int]], Sequence[Any]]
"""The payloads of the items at some places."""


@dataclass(frozen=True, slots=True)
class Look:
    """How items are seen: by which model, and how precisely."""

    model: AdaptedModel
    modality: str
    kept: torch.dtype
    bf16: bool

    def computing(self) -> AbstractContextManager[None]:
        kind = torch.device(self.model.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.bf16)


class Seen:
    """Some items at any strength: decoded once, and what comes before the first adapter computed once and kept off the GPU."""

    def __init__(self, look: Look, sizes: Sequence[int], payloads: Payloads) -> None:
        self._look = look
        order = sorted(range(len(sizes)), key=lambda i: sizes[i])  # little padding for texts
        self._rows = [order[i : i + CHUNK] for i in range(0, len(order), CHUNK)]
        self._count = len(sizes)
        self._inputs = [self._kept(payloads(rows)) for rows in self._rows]

    def _kept(self, payloads: Sequence[Any]) -> Inputs:
        model, modality, dtype = self._look.model, self._look.modality, self._look.kept
        inputs = model.prepare(modality, payloads)
        if model.has_prefix(modality):
            with self._look.computing():
                inputs = model.prefix(modality, inputs)
        return {name: x.to("cpu", dtype if x.is_floating_point() else x.dtype) for name, x in inputs.items()}

    @torch.no_grad()
    def features(self) -> Tensor:
        """`[n, dim]` unit, float32 on the CPU, in the items' order."""
        model = self._look.model
        model.module.eval()
        out = torch.empty(self._count, model.info.dim)
        with self._look.computing():
            for rows, inputs in zip(self._rows, self._inputs, strict=True):
                out[rows] = model.encode(self._look.modality, inputs).float().cpu()
        return normalize(out, dim=-1)  # bf16 leaves units a little off
