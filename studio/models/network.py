"""A network behind one call: `(modality, inputs) → unit features`, and its copies that share frozen weights.

A family writes `Towers`; embedding, adapters, saving and loading are the same for all. Refuses to hold data or locks.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from studio.core.interfaces import Crop, Inputs


class Towers(Protocol):
    """What differs between families. Holds no weights: the network is passed in."""

    modalities: tuple[str, ...]

    def inputs(self, modality: str, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> dict[str, Tensor]:
        """Preprocessed CPU tensors, first axis the item. Called from several threads."""
        ...

    def features(self, network: nn.Module, modality: str, inputs: Inputs) -> Tensor:
        """`[n, dim]`, not yet unit norm, from inputs on the network's device."""
        ...

    def logit_scale(self, network: nn.Module) -> Tensor:
        """exp(log scale), a scalar."""
        ...

    def parts(self, network: nn.Module, modality: str) -> tuple[str, ...]:
        """Names of the sub-modules that make up one tower, `""` for the whole network: where adapters may go."""
        ...

    def projection(self, network: nn.Module, modality: str) -> str | None:
        """Name of the Linear or the `[w, d]` parameter that is a tower's last step; None where it ends otherwise."""
        ...


class Network(nn.Module):
    """All weights of a model. What training wraps, moves and puts into train mode."""

    def __init__(self, network: nn.Module, towers: Towers) -> None:
        super().__init__()
        self.network = network
        self.towers = towers

    def forward(self, modality: str, inputs: Inputs) -> Tensor:
        """Unit features `[n, dim]` in float32, with gradient, on the network's device."""
        device = self.device
        placed = {name: tensor.to(device, non_blocking=True) for name, tensor in inputs.items()}
        features = self.towers.features(self.network, modality, placed)
        # float32 before the norm: in bf16 unit vectors are off by half a percent
        return F.normalize(features.float(), dim=-1)

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def train(self, mode: bool = True) -> Network:
        """Like any module's, but batch norms stay in eval mode: their statistics are the base model's, and shared with it."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def sharing_copy(self) -> Network:
        """A network of its own over the same storage, all frozen: layers put into it leave this one as it is.

        Parameters are new objects, so that moving the copy to another device does not move this one.
        """
        memo: dict[int, Any] = {id(self.towers): self.towers}
        for parameter in self.network.parameters():
            memo[id(parameter)] = nn.Parameter(parameter.detach(), requires_grad=False)
        for buffer in self.network.buffers():
            memo[id(buffer)] = buffer.detach()
        return copy.deepcopy(self, memo)
