"""Foundation models: finding the family of an id, and loading it through that family. Imports no torch by itself.

To add a family, put one file into `studio/models/families` that registers a `ModelFamily` here. How ids are written is
what the families say: no list names them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from studio.core.errors import BadInput, ModelError
from studio.core.interfaces import FoundationModel, ModelFamily, Progress
from studio.core.registry import Registry, discover
from studio.models.hub import expanded

FAMILIES: Registry[ModelFamily] = Registry("model family")

REPOSITORY, FOLDER = "ORG/NAME", "PATH"
"""What the forms of ids end in that name a hub's repository and a folder."""


def all_families() -> Registry[ModelFamily]:
    """Every family there is; the first call imports their files."""
    discover("studio.models.families")
    return FAMILIES


def forms() -> str:
    """How ids are written, as a hint."""
    *most, last = dict.fromkeys(form for family in all_families() for form in family.forms)
    return f"Use {', '.join(most)} or {last}."


def ids_of(name: str, ending: str) -> Iterator[tuple[str, ModelFamily]]:
    """(id, family) for each form with that `ending`, for a repository or folder `name`; the more particular form first."""
    found = [(form, family) for family in all_families() for form in family.forms if form.endswith(ending)]
    for form, family in sorted(found, key=lambda one: -len(one[0])):
        yield form.removesuffix(ending) + name, family


def folder_of(model_id: str) -> tuple[str, Path] | None:
    """(what stands before it, the folder) of an id that names a folder, there or not; None for any other id.

    Where a repository is written like a folder, a folder is what is there, or what begins as a path.
    Raises NotFound for an unknown `~name`.
    """
    repositories = {head for head, _ in ids_of("", REPOSITORY)}
    for head, _ in ids_of("", FOLDER):
        rest = model_id.removeprefix(head)
        if rest and rest != model_id:
            folder = expanded(rest)
            if head not in repositories or rest.startswith(("/", ".", "~")) or os.path.isdir(folder):
                return head, folder
    return None


def repository_of(model_id: str) -> str | None:
    """The hub's repository that an id names; None for any other id, also where it is a folder."""
    if folder_of(model_id) is not None:
        return None
    heads = sorted((head for head, _ in ids_of("", REPOSITORY)), key=len, reverse=True)
    return next((model_id.removeprefix(head) for head in heads if model_id.startswith(head)), None)


def family_for(model_id: str) -> ModelFamily:
    """The family that loads this id. Reads no weights, asks no network. Raises BadInput where none accepts it."""
    for family in all_families():
        if family.accepts(model_id):
            return family
    raise BadInput(f"{model_id!r} names no model.", forms())


def load_model(model_id: str, device: str = "cpu", offline: bool = False, progress: Progress | None = None) -> FoundationModel:
    """A loaded model, from local files where they are complete, else from the hub.

    Raises BadInput (id, missing folder), Offline, Untrusted or ModelError.
    """
    from studio.models.hub import ensure_config

    # until its configuration is here, a hub id does not tell which family it belongs to
    ensure_config(model_id, offline)
    from studio.models.soundness import tried

    try:
        loaded = family_for(model_id).load(model_id, device, offline, progress)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        # of the files' values; what `progress` raises to end the load is none of these
        raise ModelError(f"The model cannot be loaded: {error}", "Download the model again, the whole of it.") from error
    return tried(loaded)
