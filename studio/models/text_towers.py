"""Text encoders: token states pooled the way the model's own files say. Refuses pooling that those files do not describe.

Reads sentence-transformers' `modules.json`, pooling and length settings; where there are none, the mean over tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from studio.core.errors import BadInput, ModelError, Untrusted
from studio.core.interfaces import Crop, Inputs
from studio.models.soundness import faults_of
from studio.models.stages import Stages
from studio.models.trust import read_config, read_json

LOGIT_SCALE = 20.0
"""Cosines of text encoders are not trained as logits; sentence-transformers' losses use this scale."""
LENGTH = 512
KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, slots=True)
class Pooling:
    """How token states become one vector."""

    mode: Literal["mean", "cls", "max"] = "mean"
    length: int = LENGTH
    """Longest text in tokens; the rest is cut."""
    lower: bool = False

    def describe(self) -> str:
        return " ".join(f"{key}={value}" for key, value in asdict(self).items())


class TextTowers:
    """One tower over one modality."""

    modalities: tuple[str, ...] = ("text",)

    def __init__(self, tokenizer: Any, pooling: Pooling) -> None:
        self._tokenizer = tokenizer
        self._pooling = pooling
        # padding and truncation are the tokenizer's state: two threads at once raise "Already borrowed"
        self._lock = threading.Lock()

    def inputs(self, modality: str, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> dict[str, Tensor]:
        if any(not isinstance(text, str) for text in payloads):
            raise BadInput("A text was expected.", "Give texts.")
        texts = [text.lower() for text in payloads] if self._pooling.lower else list(payloads)
        length = self._pooling.length
        with self._lock, faults_of("The model's tokenizer cannot read a text"):
            out = self._tokenizer(texts, padding="longest", truncation=True, max_length=length, return_tensors="pt")
        return {key: out[key] for key in ("input_ids", "attention_mask", "token_type_ids") if key in out}

    def reduced(self, modality: str, payload: Any) -> Any:
        return payload

    def features(self, network: nn.Module, modality: str, inputs: Inputs) -> Tensor:
        return self._pooled(network(**inputs).last_hidden_state, inputs)

    def _pooled(self, states: Tensor, inputs: Inputs) -> Tensor:
        """`[n, L, dim]` → `[n, dim]`."""
        mask = inputs["attention_mask"].unsqueeze(-1)
        if self._pooling.mode == "cls":
            return states[:, 0]
        if self._pooling.mode == "max":
            return states.masked_fill(mask == 0, float("-inf")).amax(1)
        weight = mask.to(states.dtype)
        return (states * weight).sum(1) / weight.sum(1).clamp(min=1e-9)

    def logit_scale(self, network: nn.Module) -> Tensor:
        return torch.tensor(LOGIT_SCALE, device=next(network.parameters()).device)

    def parts(self, network: nn.Module, modality: str) -> tuple[str, ...]:
        return ("",)

    def stages(self, network: nn.Module, modality: str) -> Stages | None:
        from studio.models.stages_hf import encoder_stages

        return encoder_stages(network, self._pooled)

    def projection(self, network: nn.Module, modality: str) -> str | None:
        return None


def pooling_of(folder: Path, limit: int) -> Pooling:
    """The pooling that a folder's sentence-transformers files describe, texts no longer than `limit` tokens.

    Raises ModelError for modules or modes that are not supported, Untrusted for paths that leave the folder.
    """
    mode: Literal["mean", "cls", "max"] = "mean"
    path = folder / "modules.json"
    modules = read_json(path) if path.is_file() else []
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise Untrusted("modules.json is no list of modules.", "Download the model again.")
    for module in modules:
        kind = str(module.get("type", "")).rpartition(".")[2]
        if kind not in KNOWN_MODULES:
            raise ModelError(
                f"modules.json asks for a {kind[:60]!r} layer, which is not supported.", "Choose another text encoder."
            )
        if kind == "Pooling":
            mode = _mode(read_config(_inside(folder, module.get("path")) / "config.json"))
    settings = _settings(folder)
    length = settings.get("max_seq_length")
    asked = length if isinstance(length, int) and length > 0 else LENGTH
    return Pooling(mode, max(1, min(asked, limit)), bool(settings.get("do_lower_case", False)))


def position_limit(config: dict[str, Any], tokenizer: Any) -> int:
    """Longest text in tokens that the network has positions for."""
    positions = int(config.get("max_position_embeddings") or LENGTH)
    # RoBERTa's kind counts its positions from the padding token on
    offset = 2 if config.get("model_type") in ("roberta", "xlm-roberta", "mpnet", "camembert") else 0
    return min(positions - offset, int(min(tokenizer.model_max_length, 1_000_000)))


def _settings(folder: Path) -> dict[str, Any]:
    for name in ("sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json"):
        if (folder / name).is_file():
            return read_config(folder / name)
    return {}


def _mode(config: dict[str, Any]) -> Literal["mean", "cls", "max"]:
    named = config.get("pooling_mode")
    flags = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean", "pooling_mode_max_tokens": "max"}
    on = (
        [named] if isinstance(named, str) else [flags.get(k, k) for k, v in config.items() if k.startswith("pooling_mode_") and v]
    )
    for mode in ("mean", "cls", "max"):
        if on == [mode]:
            return mode
    raise ModelError(
        f"The model pools its tokens by {', '.join(map(str, on))[:100] or 'nothing'}.", "Choose another text encoder."
    )


def _inside(folder: Path, name: object) -> Path:
    path = folder / str(name or "")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Untrusted(f"modules.json leads out of the model's folder ({str(name)[:80]!r}).", "Download the model again.")
    return path
