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

from studio.core.errors import ModelError
from studio.core.interfaces import Crop, Inputs
from studio.models.stages import Stages, States, trains


class Towers(Protocol):
    """What differs between families. Holds no weights: the network is passed in."""

    modalities: tuple[str, ...]

    def inputs(self, modality: str, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> dict[str, Tensor]:
        """Preprocessed CPU tensors, first axis the item. Called from several threads."""
        ...

    def reduced(self, modality: str, payload: Any) -> Any:
        """A payload no larger than random crops of it need, as an array that `inputs` takes in its place."""
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

    def stages(self, network: nn.Module, modality: str) -> Stages | None:
        """The tower taken apart, for a training that skips what it need not compute; None where it is not known how."""
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
        self.staged = False
        """Whether to go through `Towers.stages`, whose features are the same to rounding: copies that carry adapters do."""

    def forward(self, modality: str, inputs: Inputs) -> Tensor:
        """Unit features `[n, dim]` in float32, with gradient, on the network's device."""
        # float32 before the norm: in bf16 unit vectors are off by half a percent
        return F.normalize(self._features(modality, self._placed(inputs)).float(), dim=-1)

    def has_prefix(self, modality: str) -> bool:
        """Whether something comes before the first adapter of this tower that can be computed once."""
        stages = self.towers.stages(self.network, modality)
        return self._frozen(modality) or (stages is not None and stages.boundary() > 0)

    @torch.no_grad()
    def prefix(self, modality: str, inputs: Inputs) -> States:
        """What `forward` takes in place of `inputs`, frozen part done, in eval mode: `states` at the first block that carries an
        adapter; `features` where none does. On the network's device. Raises ModelError where `has_prefix` is false."""
        placed, training = self._placed(inputs), self.training
        self.eval()
        try:
            if self._frozen(modality):
                return {"features": self._features(modality, placed)}
            stages = self.towers.stages(self.network, modality)
            if stages is None or stages.boundary() == 0:
                raise ModelError("This tower has no frozen part to compute once.", "Adapt its last layers only.")
            return stages.before(placed)
        finally:
            self.train(training)

    def _features(self, modality: str, inputs: Inputs) -> Tensor:
        if "features" in inputs:
            return inputs["features"]
        stages = self.towers.stages(self.network, modality) if self.staged else None
        if stages is None:
            return self.towers.features(self.network, modality, inputs)
        return stages.after(inputs) if "states" in inputs else stages.whole(inputs)

    def _frozen(self, modality: str) -> bool:
        return not any(trains(self.network.get_submodule(part)) for part in self.towers.parts(self.network, modality))

    def _placed(self, inputs: Inputs) -> dict[str, Tensor]:
        """On the network's device; states that were kept in bf16 as the float32 they were computed in."""
        moved = {name: tensor.to(self.device, non_blocking=True) for name, tensor in inputs.items()}
        return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in moved.items()}

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def train(self, mode: bool = True) -> Network:
        """Like any module's for adapters; all else is frozen and stays in eval mode.

        Batch norms' statistics are shared with the base model, and a text encoder's own dropout costs a fifth of a step
        beside the adapter's.
        """
        super().train(False)
        self.training = mode
        for module in self.modules():
            # peft's layers, known by an attribute: peft takes most of a second to import
            if hasattr(module, "lora_dropout"):
                module.train(mode)
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
