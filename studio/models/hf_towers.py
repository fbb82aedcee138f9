"""Hugging Face's CLIP and SigLIP: building them from checked files, their two towers. Never runs code from the folder."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import MODEL_MAPPING, AutoConfig, AutoTokenizer
from transformers.utils import logging as transformers_logging

from studio.core.errors import ModelError
from studio.core.interfaces import Crop, Inputs
from studio.models.hub import has_vocabulary
from studio.models.pictures import Pictures
from studio.models.soundness import faults_of, refuse_larger
from studio.models.stages import Stages
from studio.models.trust import read_config

Tokenise = Callable[[list[str]], dict[str, Tensor]]

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)
BICUBIC = 3
"""Pillow's number, as the processors' files have it."""


class HfClipTowers:
    """`get_image_features` and `get_text_features`, whose output object holds the projected features as `pooler_output`."""

    modalities: tuple[str, ...] = ("image", "text")

    def __init__(self, pictures: Pictures, tokenise: Tokenise) -> None:
        self._pictures = pictures
        self._tokenise = tokenise

    def inputs(self, modality: str, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> dict[str, Tensor]:
        if modality == "image":
            return {"pixels": self._pictures.batch(payloads, crops)}
        return self._tokenise(list(payloads))

    def reduced(self, modality: str, payload: Any) -> Any:
        return self._pictures.reduced(payload) if modality == "image" else payload

    def features(self, network: nn.Module, modality: str, inputs: Inputs) -> Tensor:
        towers: Any = network
        if modality == "image":
            out = towers.get_image_features(pixel_values=self._pictures.normalised(inputs["pixels"]))
        else:
            out = towers.get_text_features(**inputs)
        features: Tensor = out.pooler_output
        return features

    def logit_scale(self, network: nn.Module) -> Tensor:
        scale: Tensor = network.logit_scale  # type: ignore[assignment]
        return scale.exp().reshape(())

    def parts(self, network: nn.Module, modality: str) -> tuple[str, ...]:
        return ("vision_model",) if modality == "image" else ("text_model",)

    def stages(self, network: nn.Module, modality: str) -> Stages | None:
        from studio.models.stages_hf import clip_stages

        return clip_stages(network, modality, lambda inputs: self._pictures.normalised(inputs["pixels"]))

    def projection(self, network: nn.Module, modality: str) -> str | None:
        """CLIP's; SigLIP's picture tower ends in an attention pool."""
        return "visual_projection" if modality == "image" and hasattr(network, "visual_projection") else None


def build(folder: Path, weights: Sequence[Path], device: torch.device) -> nn.Module:
    """The network of a checked folder with those checked weights, and no others: which files a folder's weights are is not for
    its configuration to say. Raises ModelError where weights are missing or do not fit."""
    transformers_logging.disable_progress_bar()
    with faults_of("The model could not be built"):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        kind: Any = MODEL_MAPPING[type(config)]
        with torch.device("meta"):
            refuse_larger(kind(copy.deepcopy(config)), weights)
        state = {name: tensor for path in weights for name, tensor in load_file(path).items()}
        network, report = kind.from_pretrained(
            None,
            config=config,
            state_dict=state,
            dtype=torch.float32,
            output_loading_info=True,
        )
    # a BERT's pooler takes no part in sentence embeddings, and many checkpoints leave it out
    missing = [name for name in report["missing_keys"] if "pooler." not in name]
    if missing or report["mismatched_keys"]:
        raise ModelError(f"The weights lack {(missing or ['the right shapes'])[0]}.", "Download the model again.")
    built: nn.Module = network.to(device).eval()
    return built


def tokeniser_of(folder: Path, vocabulary: int) -> Any:
    """The folder's tokenizer. Raises ModelError where there is none or it is of another vocabulary."""
    if not has_vocabulary(folder):
        # without one, transformers makes up an empty tokenizer and says nothing
        raise ModelError("The model's tokenizer is missing.", "Download or copy the whole folder.")
    with faults_of("The model's tokenizer cannot be read"):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        known = 1 + max((len(tokenizer) - 1, *tokenizer.get_vocab().values()))
    if known > vocabulary:
        raise ModelError(
            f"The tokenizer knows {known} tokens, the model {vocabulary}.", "Use the tokenizer that came with the model."
        )
    return tokenizer


def tokenise_with(tokenizer: Any, length: int, padded: bool) -> Tokenise:
    """Texts → `input_ids` (and mask). `padded`: always to `length`, as SigLIP was trained; else to the longest text, which
    in CLIP's causal tower changes nothing."""

    # padding and truncation are the tokenizer's state: two threads at once raise "Already borrowed"
    lock = threading.Lock()

    def tokenise(texts: list[str]) -> dict[str, Tensor]:
        padding = "max_length" if padded else "longest"
        with lock, faults_of("The model's tokenizer cannot read a text"):
            out = tokenizer(texts, padding=padding, truncation=True, max_length=length, return_tensors="pt")
        keys = ("input_ids",) if padded else ("input_ids", "attention_mask")
        return {key: out[key] for key in keys if key in out}

    return tokenise


def pictures_of(folder: Path, image_size: int, siglip: bool) -> Pictures:
    """The folder's `preprocessor_config.json`, with the family's own values where it is silent."""
    path = folder / "preprocessor_config.json"
    config: dict[str, Any] = read_config(path) if path.is_file() else {}
    size = config.get("size", image_size)
    crop = config.get("crop_size", size)
    cut = bool(config.get("do_center_crop", not siglip))
    edge = size.get("shortest_edge", 0) if isinstance(size, dict) else (int(size) if cut else 0)
    height, width = _sides(crop if cut else size, image_size)
    return Pictures(
        height=height,
        width=width,
        mean=tuple(config.get("image_mean") or (HALF if siglip else CLIP_MEAN)),
        std=tuple(config.get("image_std") or (HALF if siglip else CLIP_STD)),
        resize="shortest" if edge else "squash",
        resample=int(config.get("resample") or BICUBIC),
        shortest_edge=int(edge),
        centre="floor",
    )


def _sides(size: Any, default: int) -> tuple[int, int]:
    if isinstance(size, dict):
        edge: Any = size.get("shortest_edge", default)
        height: Any = size.get("height", edge)
        width: Any = size.get("width", edge)
        return int(height), int(width)
    return int(size), int(size)
