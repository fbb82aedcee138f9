"""What leaves a project as files: a run's adapter, the labels, a report. Writes them into a folder; sends nothing anywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

import psutil

from studio.core.errors import BadInput, CannotRun
from studio.core.interfaces import Modality, Progress, Task
from studio.core.publish import clear_unfinished, sync_file, sync_folder, unfinished
from studio.core.types import RunSnapshot
from studio.data.backup import back_up
from studio.data.exporters import Source, exporter_for, formats
from studio.data.exporters.archive import Archive
from studio.data.project import Project
from studio.modalities import modalities_named
from studio.models import folder_of
from studio.workspace.model_card import Base, base_of, beside, held_out, model_card
from studio.workspace.shelf import ModelShelf
from studio.workspace.testing import Testing
from studio.workspace.training import Training

if TYPE_CHECKING:
    from studio.runs.folder import RunFolder

SHARED = "shared"
"""Of the store's meta values: whether anything was ever shared."""


def label_formats() -> tuple[str, ...]:
    """Names of all formats that labels are exported in, the default first."""
    return tuple(one.name for one in formats())


class Sharing:
    """One project's exports. Each takes the folder to write into, which has to exist, and gives the file."""

    def __init__(self, project: Project, task: Task, shelf: ModelShelf, training: Training, testing: Testing) -> None:
        self._project, self._task, self._shelf = project, task, shelf
        self._training, self._testing = training, testing

    def runs(self) -> tuple[RunSnapshot, ...]:
        """Those whose adapter can be shared: finished LoRA runs, first those that stand by themselves; newest first."""
        done = (run for run in self._training.runs() if run.tunes and run.has_adapter and run.status == "done")
        return tuple(sorted(done, key=lambda run: not run.stands))

    def finding(self) -> str:
        """What the newest comparison found of an adapter that can be shared, in a sentence; empty where it asked none."""
        last = self._testing.last_comparison()
        said = (beside(last, run.id, run.id.replace("run-", "run ")) for run in self.runs()) if last else ()
        return next(filter(None, said), "")

    def model(self, folder: Path, run: str | None = None) -> Path:
        """A zip of one folder with the adapter as published, the run's config and report, and a README.md with a snippet
        that loads it; see `shared_model`. `run` None means the newest that stands by itself. Paths of this machine are left out.

        Raises CannotRun where there is no adapter, NotFound for an unknown run, BadInput where the folder cannot be written.
        """
        found = self._shareable(run)
        name = f"{self._slug()}-{found.id}"
        files = [found.path / "config.json", found.path / "report.json", *sorted(found.adapter.rglob("*"))]
        with self._writing(folder, f"{name}.zip") as path, ZipFile(path, "w", ZIP_DEFLATED) as packed:
            packed.writestr(f"{name}/README.md", self._card(found, name))
            for file in files:
                if file.is_file():
                    inside = f"{name}/{file.relative_to(found.path).as_posix()}"
                    data = self._without_paths(found, file) if file.suffix == ".json" else file.read_bytes()
                    packed.writestr(inside, data)
        return folder / f"{name}.zip"

    def formats(self) -> tuple[tuple[str, str], ...]:
        """(name, title) of those in which the labels of this project can be exported, the default first."""
        return tuple((one.name, one.title) for one in formats() if one.why_not(self._modalities()) is None)

    def labels(self, folder: Path, format: str = "csv", progress: Progress | None = None) -> Path:
        """Every item: content, name, split, label, note, what was skipped or of none of the classes. A zip; texts as CSV are one
        file. Imported into an empty project it gives the same again, but for what the format's own docstring names.

        Raises CannotRun where there is no item, NotFound for an unknown format, BadInput for one that cannot hold such items or
        where the folder cannot be written.
        """
        modalities = self._modalities()
        exporter = exporter_for(format, modalities)
        if not self._project.store.counts().total:
            raise CannotRun("There is nothing to export yet.", "Import some items on the Data page.")
        alone = exporter.alone(modalities)
        name = f"{self._slug()}-labels.{format}" if alone else f"{self._slug()}-labels-{format}.zip"
        with self._writing(folder, name) as path, _scratch(folder / name) as scratch:
            with Archive(path, scratch, alone) as archive:
                exporter.write(Source(self._project.store, self._project.media, modalities, progress), archive)
        return folder / name

    def backup(self, folder: Path, progress: Progress | None = None) -> Path:
        """The whole project as it stands, as one file that `Workspace.restore` takes; see `data.backup`.

        Raises BadInput where the folder cannot be written.
        """
        name = f"{self._slug()}-{time.strftime('%Y-%m-%d-%H%M%S')}.studio.zip"
        with self._writing(folder, name) as path:
            back_up(self._project, path, progress)
        return folder / name

    def report(self, folder: Path, page: str) -> Path:
        """The HTML `page` as a file. Raises BadInput where the folder cannot be written."""
        name = f"{self._slug()}-report.html"
        with self._writing(folder, name) as path:
            path.write_text(page, "utf-8")
        return folder / name

    def was_used(self) -> bool:
        """Whether anything of this project was ever exported."""
        return bool(self._project.store.meta(SHARED))

    def _shareable(self, run: str | None) -> RunFolder:
        runs = self.runs()
        if run is None and not runs:
            raise CannotRun("There is no finished fine-tuning to share.", "Train one first.")
        if run is None and not runs[0].stands:
            raise CannotRun("No fine-tuning here was chosen, or trained to its end.", "Name the run to share.")
        found = self._training.folder(run or runs[0].id)
        if found.id not in {one.id for one in runs}:
            raise CannotRun(f"{found.id} has no adapter to share.", "Choose a finished LoRA run.")
        return found

    def _card(self, run: RunFolder, name: str) -> str:
        return model_card(
            self._project.name,
            self._task,
            run.spec,
            name,
            self._base(run),
            self._scores(run),
        )

    def _scores(self, run: RunFolder) -> list[str]:
        last = self._testing.last_comparison()
        return [] if last is None else [*filter(None, (held_out(last, run.id, self._task.measure), beside(last, run.id)))]

    def _base(self, run: RunFolder) -> Base:
        return base_of(run.spec.model, self._shelf.entry(run.spec.model))

    def _without_paths(self, run: RunFolder, file: Path) -> str:
        """A JSON file whose paths of this machine are names: where a project or a model lies is nobody else's matter."""
        text, local = file.read_text("utf-8"), folder_of(run.spec.model)
        named = {str(self._project.root): self._slug()}
        if local:
            named[str(local[1])] = self._base(run).id.removeprefix(local[0])
        for path in sorted(named, key=len, reverse=True):  # one may lie in the other
            text = text.replace(json.dumps(path)[1:-1], named[path])
        return text

    def _modalities(self) -> dict[str, Modality]:
        return modalities_named(self._task.modalities)

    def _slug(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self._project.name.lower()).strip("-")[:60] or "project"

    @contextmanager
    def _writing(self, folder: Path, name: str) -> Iterator[Path]:
        """A path to write to that gets its name once it is whole, and is then remembered as shared."""
        path = unfinished(folder / name)
        try:
            clear_unfinished(folder, psutil.pid_exists)
            yield path
            sync_file(path)
            os.replace(path, folder / name)
            sync_folder(folder)
        except OSError as error:
            raise BadInput(
                f"{name} cannot be written to {folder} ({error.strerror or error}).", "Choose another folder."
            ) from error
        finally:
            path.unlink(missing_ok=True)
        if not self.was_used() and not self._project.store.read_only:
            self._project.store.set_meta(SHARED, True)


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A folder beside `path` for as long as it is written; after a kill the next export clears it away."""
    folder = unfinished(path)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
