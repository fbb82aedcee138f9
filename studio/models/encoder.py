"""The loaded model that every family gives: a network and its towers as a `FoundationModel`. Knows no family by name."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.core.config import LoraConfig
from studio.core.errors import ModelError
from studio.core.interfaces import AdaptedModel
from studio.core.types import ModelInfo
from studio.models.embedder import Embedder
from studio.models.layers import is_convolutional, targets
from studio.models.network import Network, Towers
from studio.models.projection import Beheaded, projection


class Encoder:
    """A frozen model of one or two towers."""

    def __init__(self, info: ModelInfo, network: nn.Module, towers: Towers) -> None:
        self.info = info
        self._network: Network | None = Network(network.requires_grad_(False), towers).eval()
        self._lock = threading.Lock()
        self._embedder = Embedder(self._network, info.dim, self._lock)
        self._projections = {m: found for m in towers.modalities if (found := projection(network, towers, m)) is not None}
        self._before: dict[str, Embedder] = {}

    @property
    def device(self) -> str:
        """Where the weights lie. Raises ModelError once unloaded."""
        if self._network is None:
            raise ModelError("This model was unloaded.", "Load it again.")
        return str(self._network.device)

    def embed(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        """Unit features `[n, dim]`, float32 on the CPU. Raises BadInput for another modality, ModelError once unloaded."""
        return self._embedder.embed(modality, payloads)

    def projection(self, modality: str) -> Tensor | None:
        """`[w, dim]`: the tower's last step; None where it is not linear."""
        return self._projections.get(modality)

    def embed_before(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        """Features before the projection `[n, w]`, float32 on the CPU. Raises ModelError where there is none."""
        matrix = self._projections.get(modality)
        if self._network is None or matrix is None:
            raise ModelError("There are no features before a projection here.", "Load a CLIP model.")
        with self._lock:
            if modality not in self._before:
                self._before[modality] = Embedder(Beheaded(self._network, (modality,)), len(matrix), self._lock)
        return self._before[modality].embed(modality, payloads)

    def adapted(self, lora: LoraConfig, weights: Path | None = None, seed: int = 0) -> AdaptedModel:
        """A trainable copy that shares the frozen weights' memory; this model's outputs stay bit for bit as they are.

        Raises ModelError where nothing can be adapted or `weights` do not fit, Untrusted where they are not what they say.
        """
        if self._network is None:
            raise ModelError("This model was unloaded.", "Load it again.")
        # peft takes most of a second to import, and a model that only predicts never needs it
        from studio.models.adapted import AdaptedEncoder
        from studio.models.attention import unfuse
        from studio.models.lora import attach

        copy = self._network.sharing_copy()
        copy.staged = True
        names: list[str] = []
        for parts in self._chosen(copy, lora):
            for part in parts:
                unfuse(copy.network.get_submodule(part))
            names += targets(copy.network, parts, lora.layers, lora.projections)
        attach(copy.network, names, lora, seed)
        model = AdaptedEncoder(self.info, copy.eval(), lora)
        if weights is not None:
            model.load(weights)
        return model

    def close(self) -> None:
        """Free the weights."""
        self._network = None
        for embedder in (self._embedder, *self._before.values()):
            embedder.close()
        self._before.clear()

    def _chosen(self, copy: Network, lora: LoraConfig) -> list[tuple[str, ...]]:
        """The sub-modules of each tower to adapt; a model with one tower has no choice."""
        chosen = copy.towers.modalities
        if len(chosen) > 1 and lora.towers != "both":
            chosen = (lora.towers,)
        return [copy.towers.parts(copy.network, modality) for modality in chosen]


def describe(
    model_id: str, family: str, network: nn.Module, towers: Towers, dim: int, preprocessing: str, hashes: str
) -> ModelInfo:
    """What `ModelInfo` says of a loaded network; `hashes` from `weights_hash`."""
    with torch.no_grad():
        scale = float(towers.logit_scale(network))
    image = towers.parts(network, "image") if "image" in towers.modalities else ()
    return ModelInfo(
        id=model_id,
        family=family,
        modalities=towers.modalities,
        dim=dim,
        weights_hash=hashes,
        preprocessing=preprocessing,
        parameters=sum(p.numel() for p in network.parameters()),
        logit_scale=scale,
        convolutional=is_convolutional(network, image),
    )


def weights_hash(files: Sequence[Path], architecture: Mapping[str, Any]) -> str:
    """sha256 over the weight files' bytes and the architecture that reads them: the same weights under another
    activation or pooling are another model."""
    whole = hashlib.sha256(json.dumps(architecture, sort_keys=True, default=str).encode())
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
