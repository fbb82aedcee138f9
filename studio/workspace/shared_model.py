"""A shared adapter as a model that answers without a project: what `Sharing.model` packed, unpacked. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from studio.core.errors import BadInput, CannotRun, NotFound
from studio.core.interfaces import AdaptedModel, FoundationModel
from studio.core.types import Prediction
from studio.learning.predictor import Answering, live_features
from studio.modalities import discover_modalities
from studio.models import load_model
from studio.models.trust import check_folder, read_config
from studio.runs.folder import RunFolder
from studio.runs.result import ANSWERS, tuned_model, tuned_predictor
from studio.tasks import task
from studio.workspace.doubt import Held


class SharedModel:
    """A base model with a run's adapter, at the strength and the temperature that the run chose."""

    def __init__(self, run: RunFolder, base: FoundationModel) -> None:
        """Raises CannotRun where the folder has no adapter, ModelError where it belongs to other weights."""
        self._task = task(run.spec.task)
        self._model: AdaptedModel = tuned_model(run, base)
        self._predictor = _calibrated(run, self._model) if self._task.classifies else None

    @classmethod
    def load(cls, folder: str | Path, base: str | None = None, device: str = "auto", offline: bool = False) -> SharedModel:
        """From an unpacked folder. `base` is the id of the base model, where it lies elsewhere than when it was trained.

        Raises NotFound for a folder that holds no shared model, Untrusted or RunError for one that is not what Studio packed, and
        what loading the base model raises.
        """
        path = Path(folder).expanduser().resolve()
        if not (path / "config.json").is_file():
            raise NotFound(f"There is no shared model in {path}.", "Give the folder that the zip unpacks to.")
        check_folder(path)
        for file in filter(Path.is_file, (path / "report.json", path / "adapter" / ANSWERS)):
            read_config(file)  # a run of one's own goes without a damaged one; here somebody else made it
        run = RunFolder(path)
        return cls(run, load_model(base or run.spec.model, device, offline))

    @property
    def classes(self) -> tuple[str, ...]:
        """Empty for pairs."""
        return self._predictor.classes if self._predictor else ()

    def predict(self, inputs: Sequence[str | Path]) -> list[Prediction]:
        """A prediction for each picture (its path) or text (itself). Raises CannotRun for pairs, UnreadableItem, BadInput."""
        if self._predictor is None:
            raise CannotRun("Pairs have no classes to predict.", "Compare what embed() gives for pictures and texts.")
        modality = self._task.modalities[0]
        features, raw = live_features(self._model, modality, self._read(modality, inputs), self._predictor.needs_raw)
        return self._predictor.predict(features, raw)

    def embed(self, modality: str, inputs: Sequence[str | Path]) -> Tensor:
        """Unit features `[n, dim]` of pictures ("image", by their paths) or texts ("text"). Raises UnreadableItem, BadInput."""
        return self._model.embed(modality, self._read(modality, inputs))

    def _read(self, modality: str, inputs: Sequence[str | Path]) -> list[object]:
        reader = discover_modalities().get(modality)
        if reader.inline:
            return [reader.read(str(one)) for one in inputs]
        try:
            return [reader.read(Path(one).expanduser().read_bytes(), str(one)) for one in inputs]
        except OSError as error:
            raise BadInput(f"{error.filename} cannot be read ({error.strerror}).", "Give the path of a file.") from error


def _calibrated(run: RunFolder, model: AdaptedModel) -> Answering:
    """The run's predictor as the pages ask it."""
    found = tuned_predictor(run, model, run.spec.classes, run.spec.prompts)
    held = Held.of_run(run)
    return found if held is None else replace(found, temperature=held.temperature)
