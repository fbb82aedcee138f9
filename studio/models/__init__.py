"""Foundation models: finding the family of an id, and loading it through that family. Imports no torch by itself.

Four forms of id: `open_clip:NAME/TAG`, `open_clip:local-dir:PATH`, `hf:ORG/NAME`, `hf:PATH`. To add a family, put one
file into `studio/models/families` that registers a `ModelFamily` here.
"""

from __future__ import annotations

from studio.core.errors import BadInput
from studio.core.interfaces import FoundationModel, ModelFamily, Progress
from studio.core.registry import Registry, discover

FAMILIES: Registry[ModelFamily] = Registry("model family")

FORMS = "Use open_clip:NAME/TAG, open_clip:local-dir:PATH, hf:ORG/NAME or hf:PATH."


def all_families() -> Registry[ModelFamily]:
    """Every family there is; the first call imports their files."""
    discover("studio.models.families")
    return FAMILIES


def family_for(model_id: str) -> ModelFamily:
    """The family that loads this id. Reads no weights, asks no network. Raises BadInput where none accepts it."""
    for family in all_families():
        if family.accepts(model_id):
            return family
    raise BadInput(f"{model_id!r} names no model.", FORMS)


def load_model(model_id: str, device: str = "cpu", offline: bool = False, progress: Progress | None = None) -> FoundationModel:
    """A loaded model, from local files where they are complete, else from the hub.

    Raises BadInput (id, missing folder), Offline, Untrusted or ModelError.
    """
    from studio.models.hub import ensure_config

    # until its configuration is here, a hub id does not tell which family it belongs to
    ensure_config(model_id, offline)
    return family_for(model_id).load(model_id, device, offline, progress)
