"""open_clip's CLIP networks: building them from checked files, their two towers, and the cut to a prompt's real length.

Refuses networks that are no CLIP (CoCa), names that would make timm download, and weights other than safetensors.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import TextTransformer, VisionTransformer
from PIL import Image
from torch import Tensor, nn

from studio.core.errors import ModelError, Untrusted
from studio.core.interfaces import Crop, Inputs
from studio.models.layers import is_convolutional
from studio.models.pictures import Pictures
from studio.models.soundness import faults_of, refuse_larger
from studio.models.stages import Stages
from studio.models.stages_open_clip import causal_stages, picture_stages

TIMM_NAME = re.compile(r"[\w.]+", re.ASCII)
Tokenise = Callable[[list[str]], Tensor]


class OpenClipTowers:
    """Pictures through `visual`, texts through the causal text transformer."""

    modalities: tuple[str, ...] = ("image", "text")

    def __init__(self, pictures: Pictures, tokenise: Tokenise) -> None:
        self._pictures = pictures
        self._tokenise = tokenise

    def inputs(self, modality: str, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> dict[str, Tensor]:
        if modality == "image":
            return {"pixels": self._pictures.batch(payloads, crops)}
        return {"tokens": self._tokenise(list(payloads))}

    def reduced(self, modality: str, payload: Any) -> Any:
        return self._pictures.reduced(payload) if modality == "image" else payload

    def features(self, network: nn.Module, modality: str, inputs: Inputs) -> Tensor:
        if modality == "image":
            features: Tensor = network.encode_image(self._pictures.normalised(inputs["pixels"]))  # type: ignore[operator]
            return features
        return text_features(network, inputs["tokens"])

    def logit_scale(self, network: nn.Module) -> Tensor:
        scale: Tensor = network.logit_scale  # type: ignore[assignment]
        return scale.exp().reshape(())

    def parts(self, network: nn.Module, modality: str) -> tuple[str, ...]:
        if modality == "text":
            return ("text",) if isinstance(network, open_clip.CustomTextCLIP) else ("transformer",)
        if isinstance(network.visual, ModifiedResNet):
            # its attention pool reads the Linears' weights without calling them: an adapter there would be dead
            return tuple(f"visual.layer{i}" for i in (1, 2, 3, 4))
        return ("visual",)

    def stages(self, network: nn.Module, modality: str) -> Stages | None:
        if modality == "text":
            return text_stages(network)
        return picture_stages(network.visual, lambda inputs: self._pictures.normalised(inputs["pixels"]))  # type: ignore[arg-type]

    def projection(self, network: nn.Module, modality: str) -> str | None:
        visual: Any = network.visual
        if modality == "image" and isinstance(visual, VisionTransformer) and visual.proj is not None:
            return "visual.proj"
        if modality == "image" and isinstance(visual, TimmModel) and isinstance(getattr(visual.head, "proj", None), nn.Linear):
            return "visual.head.proj"
        return None


def text_features(network: nn.Module, tokens: Tensor) -> Tensor:
    """`[n, dim]`, not unit norm. A causal tower computes only up to the longest prompt's end: what comes after cannot
    change what comes before. Other towers (SigLIP's, BERTs) see their full length."""
    stages = text_stages(network)
    if stages is not None:
        return stages.whole({"tokens": tokens})
    whole: Tensor = network.encode_text(tokens)  # type: ignore[operator]
    return whole


def text_stages(network: nn.Module) -> Stages | None:
    """The text tower taken apart where it is causal and pooled at the prompt's end, else None."""
    tower: Any = getattr(network, "text", network)
    # CLIP holds the text transformer's parts itself and gives two of them other names
    pool = getattr(tower, "text_pool_type", None) or getattr(tower, "pool_type", "")
    end: Any = getattr(tower, "text_eos_id", None) or getattr(tower, "eos_id", None)
    known = isinstance(tower, (open_clip.CLIP, TextTransformer)) and getattr(tower, "cls_emb", None) is None
    if not known or tower.attn_mask is None or pool not in ("argmax", "eos"):
        return None
    if pool == "argmax":
        return causal_stages(tower, lambda tokens: tokens.argmax(-1))
    return causal_stages(tower, lambda tokens: torch.eq(tokens, end).int().argmax(-1))


def build(config: dict[str, Any], weights: Path, device: torch.device) -> nn.Module:
    """The network of a `model_cfg` with its weights. Raises ModelError, Untrusted."""
    config = {**config, "text_cfg": dict(config["text_cfg"]), "vision_cfg": dict(config["vision_cfg"])}
    if "multimodal_cfg" in config:
        raise ModelError("CoCa models write captions and are not supported here.", "Choose a CLIP model.")
    if not TIMM_NAME.fullmatch(str(config["vision_cfg"].get("timm_model_name") or "none")):
        raise Untrusted("The configuration names a picture tower from another place.", "Choose another model.")
    # the weights come from the checked file alone
    config["vision_cfg"]["timm_model_pretrained"] = config["text_cfg"]["hf_model_pretrained"] = False
    custom = config.pop("custom_text", False) or bool(config["text_cfg"].get("hf_model_name"))
    kind = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    with faults_of("The weights do not fit the configuration"):
        refuse_larger(_outline(kind, config), (weights,))
        network: nn.Module = kind(**config)
        open_clip.load_checkpoint(network, str(weights))
    network.to(device)
    if is_convolutional(network, ("visual",)):
        # twice as fast on a CPU, and what tensor cores want
        network.visual.to(memory_format=torch.channels_last)
    return network.eval()


def pictures_of(network: nn.Module, preprocessing: dict[str, Any]) -> Pictures:
    """How this network wants its pictures: open_clip's own evaluation transform, from a `preprocess_cfg`."""
    visual: Any = network.visual
    size = visual.image_size
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    cfg = {**open_clip.transform.PreprocessCfg().__dict__, **{k: v for k, v in preprocessing.items() if v is not None}}
    bilinear = cfg["interpolation"] == "bilinear"
    return Pictures(
        height=int(height),
        width=int(width),
        mean=tuple(float(x) for x in cfg["mean"]),
        std=tuple(float(x) for x in cfg["std"]),
        resize=cfg["resize_mode"],
        resample=int(Image.Resampling.BILINEAR if bilinear else Image.Resampling.BICUBIC),
        fill=int(cfg["fill_color"]),
    )


def _outline(kind: Callable[..., nn.Module], config: dict[str, Any]) -> nn.Module:
    """The network that the configuration describes, without its numbers; an empty one where it cannot be made so."""
    with suppress(NotImplementedError, RuntimeError), torch.device("meta"):
        return kind(**copy.deepcopy(config))
    return nn.Module()
