"""open_clip models: `open_clip:NAME/TAG` from the hub, `open_clip:local-dir:PATH` from a folder. Safetensors alone."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import BadInput, ModelError, NotFound, StudioError, Untrusted
from studio.core.interfaces import FoundationModel, Progress
from studio.models import FAMILIES
from studio.models.hub import expanded, fetch
from studio.models.offers import BOTH
from studio.models.trust import check_folder, is_hub_id, read_config, weights_in

if TYPE_CHECKING:
    from studio.models.open_clip_towers import Tokenise

PREFIX, LOCAL = "open_clip:", "open_clip:local-dir:"
CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors")
TOKENIZER_FILES = ("*.json", "*.txt", "*.model")
TRANSFORMERS = ("vit", "eva", "deit", "beit", "naflexvit", "samvit", "flexivit")
"""Beginnings of timm's names for pure transformers; every other timm tower has convolutions."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What a model is made from, all of it checked."""

    config: dict[str, Any]
    preprocessing: dict[str, Any]
    weights: Path
    tokenizer: Path | None


class OpenClip:
    """The family of open_clip's contrastive models."""

    name = "open_clip"
    forms = ("open_clip:NAME/TAG", "open_clip:local-dir:PATH")

    def accepts(self, model_id: str) -> bool:
        if model_id.startswith(LOCAL):
            return bool(model_id.removeprefix(LOCAL))
        name, _, tag = model_id.removeprefix(PREFIX).partition("/")
        return model_id.startswith(PREFIX) and is_hub_id(f"{name}/{tag}") and _built_in(name) is not None

    def modalities(self, model_id: str) -> tuple[str, ...]:
        if model_id.startswith(LOCAL) and not (expanded(model_id.removeprefix(LOCAL)) / CONFIG).is_file():
            return ()
        return BOTH

    def load(self, model_id: str, device: str, offline: bool, progress: Progress | None = None) -> FoundationModel:
        """Raises NotFound, Offline, Untrusted or ModelError."""
        say = progress or (lambda done, total, what: None)
        say(0, 4, "Reading the configuration")
        source = _local(model_id) if model_id.startswith(LOCAL) else _from_hub(model_id, offline, progress)
        text = source.config["text_cfg"]
        if text.get("hf_model_name"):
            text["hf_model_name"] = str(_text_config(str(text["hf_model_name"]), offline))
        say(1, 4, "Importing open_clip")
        from studio.models.device import resolve
        from studio.models.encoder import Encoder, describe, weights_hash
        from studio.models.open_clip_towers import OpenClipTowers, build, pictures_of

        say(2, 4, "Loading the weights")
        architecture = {k: v for k, v in source.config.items() if k != "text_cfg"} | {"text_cfg": {**text, "hf_model_name": None}}
        network = build(source.config, source.weights, resolve(device))
        say(3, 4, "Hashing the weights")
        pictures = pictures_of(network, source.preprocessing)
        towers = OpenClipTowers(pictures, _tokenise(text, source.tokenizer))
        digest = weights_hash([source.weights], architecture)
        dim = int(source.config["embed_dim"])
        info = describe(model_id, self.name, network, towers, dim, pictures.describe(), digest)
        say(4, 4, "Ready")
        return Encoder(info, network, towers)

    def preset(self, task: str, model_id: str) -> TrainConfig:
        vision = _vision(model_id)
        if _convolutional(vision) and task == "image-text":
            # such an image tower was trained on labels: sentences are what its text tower has to learn
            return TrainConfig(LoraConfig(rank=8, alpha=16, dropout=0.1, towers="text"), lr=1e-3, steps=150, augment=False)
        if _timm(vision).startswith("levit"):
            # small enough to adapt whole; and the smallest thing in a picture has to stay in its crop
            return TrainConfig(LoraConfig(rank=8, alpha=16, dropout=0.0, towers="image"), lr=1e-3, steps=150, min_crop=0.9)
        if _convolutional(vision):
            # the early blocks hold most of the time and little of the gain: their maps are large and their filters general
            adapter = LoraConfig(rank=8, alpha=16, dropout=0.0, layers="half", towers="image")
            return TrainConfig(adapter, lr=3e-4, steps=150, min_crop=0.5)
        towers = LoraConfig(rank=4, alpha=8, dropout=0.1, towers="both" if task == "image-text" else "image")
        return TrainConfig(towers, lr=2e-4, steps=300, min_crop=0.4)


def _local(model_id: str) -> _Source:
    folder = expanded(model_id.removeprefix(LOCAL))
    if not folder.is_dir():
        raise NotFound(f"There is no model folder {folder}.", f"It has to hold {CONFIG} and safetensors weights.")
    check_folder(folder)
    return _source(folder, weights_in(folder, WEIGHTS)[0])


def _source(folder: Path, weights: Path) -> _Source:
    whole = read_config(folder / CONFIG)
    config, preprocessing = whole.get("model_cfg"), whole.get("preprocess_cfg", {})
    if not isinstance(config, dict) or not isinstance(preprocessing, dict):
        raise ModelError(f"{CONFIG} has no model_cfg.", "Download or copy the whole folder.")
    _check_config(config)
    return _Source(config, preprocessing, weights, folder if config["text_cfg"].get("hf_tokenizer_name") else None)


def _from_hub(model_id: str, offline: bool, progress: Progress | None) -> _Source:
    name, _, tag = model_id.removeprefix(PREFIX).partition("/")
    path = _built_in(name)
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    cfg = get_pretrained_cfg(name, tag)
    tags = list_pretrained_tags_by_model(name)
    if path is None or not cfg:
        raise NotFound(f"open_clip has no {name} with the tag {tag}.", f"Its tags: {', '.join(tags) or 'none'}.")
    repository, _, file = str(cfg.get("hf_hub", "")).rpartition("/")
    if not repository:
        raise Untrusted(
            f"{name}/{tag} is published as a pickle only.", f"Other tags of it: {', '.join(t for t in tags if t != tag)}."
        )
    needed = f"{file.rpartition('.')[0]}.safetensors" if file else WEIGHTS[0]
    try:
        folder = fetch(repository, (needed,), (needed, CONFIG, *TOKENIZER_FILES), offline, progress)
    except ModelError as error:
        if type(error) is not ModelError:
            raise
        raise ModelError(f"{name}/{tag} has no safetensors weights.", f"Other tags of it: {', '.join(tags)}.") from error
    config = read_config(path)
    _check_config(config)
    if cfg.get("quick_gelu"):
        config["quick_gelu"] = True
    weights = weights_in(folder, (needed,))[0]
    return _Source(config, dict(cfg), weights, _tokenizer_folder(config["text_cfg"], offline))


def _check_config(config: dict[str, Any]) -> None:
    if not all(isinstance(config.get(key), dict) for key in ("vision_cfg", "text_cfg")) or not isinstance(
        config.get("embed_dim"), int
    ):
        raise ModelError(
            "The model's configuration lacks vision_cfg, text_cfg or embed_dim.", "Download or copy the whole folder."
        )


def _tokenizer_folder(text: dict[str, Any], offline: bool) -> Path | None:
    repository = text.get("hf_tokenizer_name")
    if not repository:
        return None
    return fetch(str(repository), ("tokenizer_config.json",), TOKENIZER_FILES, offline, reads_text=True)


def _text_config(repository: str, offline: bool) -> Path:
    """The folder with the configuration of a Hugging Face text tower, of a known kind."""
    from studio.models.families.text_encoder import TYPES

    folder = fetch(repository, ("config.json",), ("config.json",), offline)
    kind = read_config(folder / "config.json").get("model_type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Untrusted(f"The text tower is of the unknown type {str(kind)[:60]!r}.", "Choose another model.")
    return folder


def _tokenise(text: dict[str, Any], folder: Path | None) -> Tokenise:
    """The configuration's tokenizer, for one thread at a time."""
    from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer

    length = int(text.get("context_length") or DEFAULT_CONTEXT_LENGTH)
    options = dict(text.get("tokenizer_kwargs") or {})
    lock = threading.Lock()
    try:
        if folder is None:
            tokenizer: Any = SimpleTokenizer(context_length=length, **options)
        else:
            options |= {"trust_remote_code": False, "local_files_only": True}
            tokenizer = HFTokenizer(str(folder), context_length=length, tokenizer_mode=text.get("tokenizer_mode"), **options)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"The model's tokenizer cannot be read: {error}", "Download or copy the whole folder.") from error

    def tokenise(texts: list[str]) -> Any:
        if any(not isinstance(one, str) for one in texts):
            raise BadInput("A text was expected.", "Give texts.")
        with lock:
            return tokenizer(texts)

    return tokenise


def _built_in(name: str) -> Path | None:
    """open_clip's own configuration of that name, found without importing open_clip (and with it torch)."""
    spec = importlib.util.find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations or not name or "/" in name:
        return None
    path = Path(spec.submodule_search_locations[0]) / "model_configs" / f"{name}.json"
    return path if path.is_file() else None


def _vision(model_id: str) -> dict[str, Any]:
    """The picture tower's configuration; empty where it cannot be read."""
    try:
        if model_id.startswith(LOCAL):
            config = read_config(expanded(model_id.removeprefix(LOCAL)) / CONFIG).get("model_cfg", {})
        else:
            path = _built_in(model_id.removeprefix(PREFIX).partition("/")[0])
            config = read_config(path) if path else {}
        return dict(config.get("vision_cfg", {}))
    except (StudioError, OSError, TypeError, ValueError, AttributeError):
        return {}


def _timm(vision: Mapping[str, Any]) -> str:
    """timm's name of the tower; empty where it is open_clip's own."""
    return str(vision.get("timm_model_name") or "")


def _convolutional(vision: Mapping[str, Any]) -> bool:
    """Whether the picture tower has convolutions."""
    timm = _timm(vision)
    return isinstance(vision.get("layers"), list) or bool(timm and not timm.startswith(TRANSFORMERS))


FAMILIES.register("open_clip", OpenClip())
