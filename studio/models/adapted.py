"""A model of its own with LoRA layers: prepare, encode with gradient, embed, save, load. Refuses to adapt itself again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.core.config import LoraConfig
from studio.core.errors import BadInput, ModelError
from studio.core.interfaces import AdaptedModel, Crop, Inputs
from studio.core.types import ModelInfo
from studio.models import lora as adapters
from studio.models.adapter_files import load_adapter, save_adapter
from studio.models.attention import refuse
from studio.models.embedder import Embedder
from studio.models.lengths import by_length
from studio.models.network import Network

SUFFIX = f".{adapters.ADAPTER}.weight"


class AdaptedEncoder:
    """An `AdaptedModel` over a network whose frozen weights share memory with the base model's."""

    def __init__(self, base: ModelInfo, network: Network, lora: LoraConfig) -> None:
        self.module: nn.Module = network
        self.adapted_modules = tuple(adapters.adapted(network.network))
        self._base = base
        self._lora = lora
        self._strength = 1.0
        self._network: Network = network
        self._embedder = Embedder(network, base.dim)

    @property
    def info(self) -> ModelInfo:
        """The base model's, with a hash over the base's and the adapter's present values (computed at each call)."""
        whole = hashlib.sha256(f"{self._base.weights_hash}|{self._strength:g}".encode())
        for name, tensor in sorted(self._tensors().items()):
            whole.update(name.encode())
            whole.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return replace(self._base, weights_hash=whole.hexdigest())

    @property
    def device(self) -> str:
        """Where the weights lie."""
        return str(self._network.device)

    def embed(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        """Unit features `[n, dim]`, float32 on the CPU, in eval mode whatever mode `module` is in."""
        return self._embedder.embed(modality, payloads)

    def projection(self, modality: str) -> Tensor | None:
        """None: features before it change with every step, so no rung learns on them."""
        return None

    def embed_before(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        """Always raises ModelError; see `projection`."""
        raise ModelError("There are no features before a projection here.", "Use the base model.")

    def prepare(self, modality: str, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> Inputs:
        """Preprocessed CPU inputs (pictures stay uint8); with `crops`, pictures are cut and mirrored so."""
        return self._network.towers.inputs(modality, payloads, crops if modality == "image" else None)

    def reduced(self, modality: str, payload: Any) -> Any:
        """The payload, no larger than random crops of it need."""
        return self._network.towers.reduced(modality, payload)

    def encode(self, modality: str, inputs: Inputs) -> Tensor:
        """Unit features `[n, dim]`, float32 with gradient, through `module` as it is now (moved or wrapped)."""

        def forward(part: Inputs) -> Tensor:
            features: Tensor = self.module(modality, part)
            return features

        return by_length(forward, inputs)

    def has_prefix(self, modality: str) -> bool:
        """Whether this tower begins with frozen layers that are known well enough to be computed apart."""
        return self._network.has_prefix(modality)

    def prefix(self, modality: str, inputs: Inputs) -> Inputs:
        """What the frozen beginning of a tower makes of `inputs`; see `Network.prefix`."""
        return self._network.prefix(modality, inputs)

    def logit_scale(self) -> Tensor:
        return self._network.towers.logit_scale(self._network.network)

    def set_strength(self, strength: float) -> None:
        """Scale the adapter's update, as in WiSE-FT (Wortsman et al. 2022, arXiv:2109.01903), which for LoRA costs nothing.

        Raises BadInput outside 0 … 1.
        """
        if not 0.0 <= strength <= 1.0:
            raise BadInput(f"A strength of {strength:g} is outside 0 … 1.", "Choose one between them.")
        adapters.scale(self._network.network, self._lora, strength)
        self._strength = strength

    def save(self, folder: Path) -> None:
        """Write the adapter in PEFT form with its manifest; see `adapter_files`."""
        save_adapter(folder, self._tensors(), self._lora, self._base, self.adapted_modules)

    def load(self, folder: Path) -> None:
        """Take the values of a saved adapter. Raises ModelError or Untrusted, and then nothing has changed."""
        mine = self._tensors()
        saved = load_adapter(folder, self._lora, self._base, mine)
        with torch.no_grad():
            for name, tensor in mine.items():
                tensor.copy_(saved[name])

    def merged(self) -> nn.Module:
        """The plain network with the adapter folded in and attention fused again, as its own library saves and loads it."""
        network = self._network.sharing_copy().network
        adapters.merge(network)
        refuse(network)
        return network

    def adapted(self, lora: LoraConfig, weights: Path | None = None, seed: int = 0) -> AdaptedModel:
        """Always raises ModelError: adapters are put on base models."""
        raise ModelError("This model carries an adapter already.", "Adapt the base model instead.")

    def close(self) -> None:
        """Free the adapter; the base model's weights belong to the base model."""
        self._embedder.close()
        self.module = self._network = Network(nn.Identity(), self._network.towers)

    def _tensors(self) -> dict[str, Tensor]:
        """The adapter's parameters under peft's names on disk, which leave out the adapter's own name."""
        named = self._network.network.named_parameters()
        return {name.removesuffix(SUFFIX) + ".weight": p for name, p in named if name.endswith(SUFFIX)}
