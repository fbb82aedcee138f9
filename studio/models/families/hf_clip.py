"""CLIP and SigLIP in Hugging Face's form: `hf:ORG/NAME` or `hf:PATH` whose `config.json` says `clip` or `siglip`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import StudioError, Untrusted
from studio.core.interfaces import FoundationModel, Progress
from studio.models import FAMILIES
from studio.models.hub import CONFIGURATION, cached_file, fetch, local_folder, weight_names
from studio.models.offers import BOTH, OFFERS
from studio.models.trust import check_folder, is_hub_id, read_config, weights_in

PREFIX = "hf:"
FORMS = ("hf:ORG/NAME", "hf:PATH")
TYPES = frozenset({"clip", "siglip"})
ADAPTER = "adapter_config.json"


class HfClip:
    """The family of Hugging Face's contrastive models."""

    name = "hf-clip"
    forms = FORMS

    def accepts(self, model_id: str) -> bool:
        if not model_id.startswith(PREFIX):
            return False
        kind = model_type(model_id.removeprefix(PREFIX))
        # before a model of the list is downloaded, the list says what it is
        return kind in TYPES if kind else any(offer.id == model_id and offer.modalities == BOTH for offer in OFFERS)

    def modalities(self, model_id: str) -> tuple[str, ...]:
        return BOTH

    def load(self, model_id: str, device: str, offline: bool, progress: Progress | None = None) -> FoundationModel:
        """Raises NotFound, Offline, Untrusted or ModelError."""
        say = progress or (lambda done, total, what: None)
        say(0, 4, "Reading the configuration")
        folder, weights = checked_files(model_id.removeprefix(PREFIX), offline, progress)
        config = read_config(folder / "config.json")
        siglip = config.get("model_type") == "siglip"
        say(1, 4, "Importing transformers")
        from studio.models import hf_towers
        from studio.models.device import resolve
        from studio.models.encoder import Encoder, describe, weights_hash

        say(2, 4, "Loading the weights")
        network: Any = hf_towers.build(folder, weights, resolve(device))
        say(3, 4, "Hashing the weights")
        text = network.config.text_config
        tokenizer = hf_towers.tokeniser_of(folder, text.vocab_size)
        tokenise = hf_towers.tokenise_with(tokenizer, text.max_position_embeddings, padded=siglip)
        pictures = hf_towers.pictures_of(folder, network.config.vision_config.image_size, siglip)
        towers = hf_towers.HfClipTowers(pictures, tokenise)
        dim = text.projection_size if siglip else network.config.projection_dim
        digest = weights_hash(weights, config)
        info = describe(model_id, self.name, network, towers, int(dim), pictures.describe(), digest)
        say(4, 4, "Ready")
        return Encoder(info, network, towers)

    def preset(self, task: str, model_id: str) -> TrainConfig:
        lora = LoraConfig(rank=4, alpha=8, dropout=0.1, towers="both" if task == "image-text" else "image")
        return TrainConfig(lora, lr=2e-4, steps=300, min_crop=0.4)


def model_type(reference: str) -> str | None:
    """What `config.json` says, from a local folder or the hub's cache; None where it is not here or cannot be read."""
    try:
        folder = local_folder(reference)
        path = folder / "config.json" if folder else cached_file(reference, "config.json") if is_hub_id(reference) else None
        found = read_config(path).get("model_type") if path else None
    except (StudioError, OSError):
        return None
    return found if isinstance(found, str) else None


def checked_files(reference: str, offline: bool, progress: Progress | None) -> tuple[Path, tuple[Path, ...]]:
    """(folder, weight files) of a Hugging Face model, from a local folder or the hub; everything checked.

    Raises NotFound, Offline, Untrusted or ModelError.
    """
    folder = local_folder(reference)
    if folder is None:
        folder = fetch(reference, ("config.json",), CONFIGURATION, offline, reads_text=True)
        patterns = (*CONFIGURATION, "model*.safetensors")
        folder = fetch(reference, ("config.json", *weight_names(folder)), patterns, offline, progress, reads_text=True)
    check_folder(folder)
    if (folder / ADAPTER).exists():
        raise Untrusted(
            f"{ADAPTER} lies there: transformers would put that adapter over the weights, or load another model.",
            "Use the base model's own folder, without an adapter in it.",
        )
    read_config(folder / "config.json")
    return folder, weights_in(folder)


def refuse_type(kind: object, known: frozenset[str]) -> None:
    """Raise Untrusted for a `model_type` outside the allowlist."""
    if not isinstance(kind, str) or kind not in known:
        raise Untrusted(f"Models of the type {str(kind)[:60]!r} are not loaded.", f"Known types: {', '.join(sorted(known))}.")


FAMILIES.register("hf-clip", HfClip())
