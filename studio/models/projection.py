"""The last linear step of a tower, apart from the rest: features before it, its matrix, and a network with another in its place.

A projection with a bias is one matrix too: the features before it then end in a constant 1. Refuses towers that end otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from studio.core.errors import ModelError
from studio.core.interfaces import Inputs
from studio.models.network import Network, Towers


def projection(network: nn.Module, towers: Towers, modality: str) -> Tensor | None:
    """`[w, d]`, float32 on the CPU; None where that tower does not end in a linear step."""
    name = towers.projection(network, modality)
    if name is None:
        return None
    found = _part(network, name)
    if isinstance(found, nn.Linear):
        rows = [found.weight.detach().T] + ([found.bias.detach()[None]] if found.bias is not None else [])
        return torch.cat(rows).float().cpu()
    matrix: Tensor = found.detach().float().cpu()  # [w, d] as open_clip's transformers hold it
    return matrix


def replace_projection(network: nn.Module, towers: Towers, modality: str, matrix: Tensor) -> None:
    """Put `matrix` `[w, d]` where the projection is, in place. Raises ModelError where there is none of that shape."""
    now = projection(network, towers, modality)
    if now is None or now.shape != matrix.shape:
        raise ModelError("This model has no last projection of that shape.", "Use the model that it was fitted on.")
    found = _part(network, str(towers.projection(network, modality)))
    with torch.no_grad():
        if isinstance(found, nn.Linear):
            width = found.in_features
            found.weight.copy_(matrix[:width].T)
            if found.bias is not None:
                found.bias.copy_(matrix[width])
        else:
            found.copy_(matrix)


class Beheaded(nn.Module):
    """A network without its projections, over the same weights: `(modality, inputs) → features before them`."""

    def __init__(self, network: Network, modalities: Sequence[str]) -> None:
        super().__init__()
        self.whole = network.sharing_copy()
        self.towers = network.towers
        self._with_bias: Mapping[str, bool] = {m: self._cut(m) for m in modalities}

    def forward(self, modality: str, inputs: Inputs) -> Tensor:
        """`[n, w]` in float32."""
        placed = {name: tensor.to(self.device, non_blocking=True) for name, tensor in inputs.items()}
        features = self.towers.features(self.whole.network, modality, placed).float()
        if self._with_bias[modality]:
            return nn.functional.pad(features, (0, 1), value=1.0)
        return features

    @property
    def device(self) -> torch.device:
        return self.whole.device

    def _cut(self, modality: str) -> bool:
        """Take the projection out; whether it had a bias."""
        name = str(self.towers.projection(self.whole.network, modality))
        found = _part(self.whole.network, name)
        owner, _, last = name.rpartition(".")
        setattr(self.whole.network.get_submodule(owner), last, nn.Identity() if isinstance(found, nn.Linear) else None)
        return isinstance(found, nn.Linear) and found.bias is not None


def _part(network: nn.Module, name: str) -> Any:
    """The Linear or the parameter of that name."""
    owner, _, last = name.rpartition(".")
    return getattr(network.get_submodule(owner), last)
