"""Checkpoints as values and as files: safetensors and JSON, never pickle. Decides nothing about when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from studio.core.errors import ModelError


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that a run needs to go on: parameters, optimiser moments, and how far it came."""

    tensors: Mapping[str, Tensor]
    """`parameter/NAME`, `exp_avg/NAME`, `exp_avg_sq/NAME`, float32."""
    step: int
    """Steps done."""

    def files(self) -> dict[str, bytes]:
        """`{name: content}`, to be published together."""
        tensors = {k: v.contiguous() for k, v in self.tensors.items()}
        return {
            "state.safetensors": safetensors.torch.save(tensors),
            "checkpoint.json": json.dumps({"step": self.step}).encode(),
        }

    @classmethod
    def read(cls, folder: Path) -> Checkpoint | None:
        """The checkpoint in `folder`; None where it is damaged."""
        try:
            step = json.loads((folder / "checkpoint.json").read_text("utf-8"))["step"]
            return cls(safetensors.torch.load_file(folder / "state.safetensors"), int(step))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            return None

    def load_into(self, named: Mapping[str, nn.Parameter]) -> None:
        """Copy the parameters in. Raises ModelError where names or shapes differ."""
        for name, p in named.items():
            value = self.tensors.get(f"parameter/{name}")
            if value is None or value.shape != p.shape:
                raise ModelError("The checkpoint belongs to other settings than this run's.", "Start a new run from this one.")
            with torch.no_grad():
                p.copy_(value)
