"""A model whose features are known: a text's are its letters' counts. It counts what it is asked to embed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.config import LoraConfig
from studio.core.interfaces import AdaptedModel
from studio.core.types import ModelInfo


class LetterModel:
    """26 dimensions, one a letter."""

    device = "cpu"

    def __init__(self, weights_hash: str = "letters") -> None:
        self.info = ModelInfo("fake:letters", "fake", ("text",), 26, weights_hash, "lower case", 0, 20.0)
        self.embedded: list[Any] = []

    def embed(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        self.embedded += payloads
        rows = [[text.lower().count(chr(97 + i)) + 0.01 for i in range(26)] for text in payloads]
        return normalize(torch.tensor(rows, dtype=torch.float32), dim=-1)

    def projection(self, modality: str) -> Tensor | None:
        return None

    def embed_before(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        raise NotImplementedError

    def adapted(self, lora: LoraConfig, weights: Path | None = None) -> AdaptedModel:
        raise NotImplementedError

    def close(self) -> None: ...
