"""An adapter on disk: PEFT's two files and a manifest that says what it belongs to. Reads safetensors and JSON alone.

Refuses adapters of other base weights, other settings, other layers or shapes, unknown keys and values that are not finite.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from studio.core.config import LoraConfig
from studio.core.errors import ModelError, Untrusted
from studio.core.types import ModelInfo
from studio.models.trust import check_folder, read_config, safetensors_header

WEIGHTS, CONFIG, MANIFEST = "adapter_model.safetensors", "adapter_config.json", "manifest.json"
PREFIX = "base_model.model."
LIBRARIES = ("torch", "peft", "open_clip_torch", "transformers", "timm", "safetensors")
CONFIG_KEYS = frozenset(
    "peft_type task_type base_model_name_or_path inference_mode r lora_alpha lora_dropout use_rslora target_modules bias "
    "fan_in_fan_out init_lora_weights peft_version".split()
)
AGAIN = "Train again, or load the adapter with the model and settings it was trained with."


def save_adapter(folder: Path, tensors: dict[str, Tensor], lora: LoraConfig, base: ModelInfo, modules: tuple[str, ...]) -> None:
    """Write the three files, the manifest last. `tensors` are named as peft names them, without the adapter's name."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = {PREFIX + name: t.detach().float().cpu().contiguous() for name, t in tensors.items()}
    save_file(stored, folder / WEIGHTS, metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": None,
        # the manifest names the base: peft would look for any name given here on the hub
        "base_model_name_or_path": None,
        "inference_mode": True,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "use_rslora": lora.rslora,
        "target_modules": list(modules),
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "peft_version": version("peft"),
    }
    _write(folder / CONFIG, config)
    manifest = {
        "format": 1,
        "model": base.id,
        "family": base.family,
        "weights_hash": base.weights_hash,
        "preprocessing": base.preprocessing,
        "logit_scale": base.logit_scale,
        "dim": base.dim,
        "lora": asdict(lora),
        "adapted_modules": list(modules),
        "libraries": {name: version(name) for name in LIBRARIES},
        "sha256": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
    }
    _write(folder / MANIFEST, manifest)


def load_adapter(folder: Path, lora: LoraConfig, base: ModelInfo, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a saved adapter, each checked against the `expected` name and shape.

    Raises ModelError where it belongs to something else, Untrusted where the files are not what they say.
    """
    check_folder(folder)
    _check_manifest(read_config(folder / MANIFEST), lora, base)
    _check_config(read_config(folder / CONFIG), lora)
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(f"{WEIGHTS} is missing in {folder}.", AGAIN)
    header = safetensors_header(path)
    wanted = {PREFIX + name: ("F32", tuple(tensor.shape)) for name, tensor in expected.items()}
    for name in sorted(wanted.keys() ^ header.keys()):
        raise ModelError(f"The adapter and the model differ in {name[:120]!r}.", AGAIN)
    for name, form in header.items():
        if form != wanted[name]:
            raise ModelError(f"{name[:120]!r} is {form[0]} {list(form[1])}, not F32 {list(wanted[name][1])}.", AGAIN)
    tensors = load_file(path)
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise Untrusted(f"{name[:120]!r} holds values that are not numbers.", "Train again.")
    return {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}


def _check_manifest(manifest: dict[str, Any], lora: LoraConfig, base: ModelInfo) -> None:
    if manifest.get("weights_hash") != base.weights_hash:
        raise ModelError(f"This adapter was trained on {str(manifest.get('model'))[:200]}, other weights than {base.id}.", AGAIN)
    saved = manifest.get("lora")
    mine = asdict(lora)
    differing = [k for k in mine if k != "dropout" and not (isinstance(saved, dict) and saved.get(k) == mine[k])]
    if differing:
        raise ModelError(f"This adapter was trained with another {', '.join(differing)}.", AGAIN)


def _check_config(config: dict[str, Any], lora: LoraConfig) -> None:
    unknown = sorted(config.keys() - CONFIG_KEYS)
    if unknown:
        raise Untrusted(f"{CONFIG} has the unknown key {unknown[0][:80]!r}.", "Only adapters that Studio saved are loaded.")
    fixed = {"peft_type": "LORA", "r": lora.rank, "lora_alpha": lora.alpha, "use_rslora": lora.rslora, "bias": "none"}
    for key, value in fixed.items():
        if config.get(key) != value:
            raise ModelError(f"{CONFIG} says {key}={str(config.get(key))[:80]}, the run says {value}.", AGAIN)


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
