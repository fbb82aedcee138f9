"""All projects and loaded models of one process."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil

from studio.core.errors import NotFound, ProjectError, StudioError
from studio.core.interfaces import Progress
from studio.core.publish import clear_unfinished, publish_text
from studio.core.results.projects import ProjectCard, Sample
from studio.data.backup import name_in, restore
from studio.data.foreign import refuse_links, refuse_spoilt
from studio.data.overview import overview
from studio.data.project import Project, read_card
from studio.runs.queue import RunQueue
from studio.settings import Settings
from studio.tasks import all_tasks, task
from studio.workspace.activities import Activities
from studio.workspace.doctor import examine
from studio.workspace.libraries import libraries
from studio.workspace.open_project import OpenProject
from studio.workspace.samples import Samples
from studio.workspace.shelf import ModelShelf

SHOWN = 50
"""Projects remembered; older ones open by path."""


class Workspace:
    """Owns the list of projects (`projects.json` under the home folder), the open ones, the models and the queue."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.models = ModelShelf(settings)
        self.activities = Activities()
        self._samples = Samples(settings.samples)
        self._queue = RunQueue(settings.home / f"{settings.device.replace(':', '-')}.lock")
        self._open: dict[str, OpenProject] = {}
        self._current: str | None = None  # path of the one that this process opened last
        self._lock = threading.RLock()

    def serve_pages(self) -> None:
        """From now on people sit at pages: what trains gives way to them."""
        self._queue.gives_way = True

    def tasks(self) -> tuple[tuple[str, str], ...]:
        """(name, title) of every registered task."""
        return tuple((t.name, t.title) for t in all_tasks())

    def projects(self) -> list[ProjectCard]:
        """Known projects, newest opened first."""
        return [overview(Path(path), opened) for path, opened in self._known()]

    def create_project(self, name: str, task_name: str, folder: str | None = None) -> OpenProject:
        """A new project, in `folder` or under the projects' folder; it becomes the current one.

        Raises BadInput for an empty name or unknown task, ProjectError for a folder that is not empty or cannot be written.
        """
        chosen = task(task_name)
        root = _path(folder) if folder else self._free_folder(name)
        with self._lock:
            made = self._take(Project.create(root, name, chosen.name))
            self._remember(made.path)
            return made

    def samples(self) -> tuple[Sample, ...]:
        """The sample projects that came with Studio, in the order of the tasks."""
        return self._samples.all()

    def sample_cover(self, name: str) -> bytes | None:
        """A small JPEG picture that stands for a sample, None where it has none. Raises NotFound, ImportFailed."""
        return self._samples.cover(name)

    def open_sample(
        self, sample: str, name: str | None = None, folder: str | None = None, progress: Progress | None = None
    ) -> OpenProject:
        """A new project filled with a copy of that sample; it becomes the current one. Its test split is labelled, its
        training split is not, and `labelling.label_for_me` knows it. Where a model for it lies on this machine, it is chosen.
        Without a `name` it has the sample's, with a number where a known project has that already.

        Raises NotFound, ImportFailed for a damaged sample, and what `create_project` raises; then there is no new project.
        """
        found = self._samples.sample(sample)
        made = self.create_project(name or self._free_name(found.title), found.task, folder)
        try:
            self._samples.fill(sample, made.labelling, progress)
            if model := self.models.first_choice(found.task):
                made.choose_model(model)
        except BaseException:
            self._discard(made)
            raise
        return made

    def open_project(self, ref: str) -> OpenProject:
        """By id, name or path; it becomes the current one. Raises NotFound, ProjectError.

        A copied folder bears the id of its original: where that one is known and still there, the copy gets an id of its own.
        """
        root = self._find(ref)
        with self._lock:
            found = self._opened(root)
            self._remember(found.path)
            return found

    def restore(self, file: str, folder: str | None = None, progress: Progress | None = None) -> OpenProject:
        """The project of a backup, in `folder` or under the projects' folder; it becomes the current one. Where its original is
        known and still there, it gets an id of its own. Raises NotFound, ProjectError, and then there is no new project."""
        source = _path(file)
        if not os.path.isfile(source):
            raise NotFound(f"There is no file {source} that can be read.", "Check the path.")
        root = _path(folder) if folder else self._free_folder(name_in(source))
        restore(source, root, progress)
        try:
            return self.open_project(str(root))
        except BaseException:
            shutil.rmtree(root, ignore_errors=True)
            raise

    def project(self, project_id: str | None = None) -> OpenProject | None:
        """The one with that id, or the current one; None where there is none, or it can no longer be opened.

        Current is what this process opened last; while it has opened none, what any process did.
        """
        with self._lock:
            if project_id in self._open:
                return self._open[project_id]
            for path in self._paths(project_id is None):
                try:
                    if project_id is None or read_card(Path(path))["id"] == project_id:
                        found = self._opened(Path(path))
                        if project_id is None:
                            self._current = path
                        if project_id in (None, found.id):
                            return found
                except StudioError:
                    continue
        return None

    def forget_project(self, ref: str) -> None:
        """By id or path: take it off the list; its folder stays as it is."""
        with self._lock:
            kept = [(p, at) for p, at in self._known() if ref not in (p, _id_at(Path(p)))]
            if self._current not in {p for p, _ in kept}:
                self._current = None
            self._write(kept)

    def warm_up(self) -> None:
        """Import torch and the model libraries in the background, so that the first load does not wait for them."""

        threading.Thread(target=libraries, name="warm-up", daemon=True).start()

    def doctor(self) -> dict[str, object]:
        """Versions, device, SQLite, what is offline."""
        return examine(self.settings, self.models)

    def close(self) -> None:
        """Interrupt the run at work (it stays resumable), close projects, free models."""
        self._queue.close()
        with self._lock:
            for project in self._open.values():
                project.close()
            self._open.clear()
            self._current = None
        for info in self.models.loaded():
            self.models.unload(info.id)

    def _opened(self, root: Path) -> OpenProject:
        """The project in that folder, opened where it is not yet."""
        project_id = read_card(root)["id"]
        known = self._open.get(project_id)
        if known is not None and Path(known.path) == root:
            return known
        if str(root) not in {path for path, _ in self._known()}:
            refuse_links(root)
            refuse_spoilt(root / "studio.db")
        elsewhere = [*(p.path for p in self._open.values()), *(path for path, _ in self._known())]
        is_copy = any(_id_at(Path(path)) == project_id and not Path(path).samefile(root) for path in elsewhere)
        return self._take(Project.open(root, as_copy=is_copy))

    def _take(self, project: Project) -> OpenProject:
        try:
            opened = OpenProject(project, task(project.task), self.models, self._queue, self.settings.offline, self._samples)
        except NotFound as error:
            project.close()
            raise ProjectError(f"{project.name}: {error.message}", "It was made by a Studio with more tasks.") from error
        self._open[project.id] = opened
        return opened

    def _discard(self, project: OpenProject) -> None:
        """Take back a project that this call created."""
        with self._lock:
            self._open.pop(project.id, None)
            project.close()
            self.forget_project(project.path)
        shutil.rmtree(project.path, ignore_errors=True)

    def _find(self, ref: str) -> Path:
        path = _path(ref)
        if os.path.isfile(path / "project.json"):
            return path.resolve()
        cards = [overview(Path(p), at) for p, at in self._known()]
        for card in cards:
            if ref in (card.id, card.name, card.path):
                return Path(card.path)
        if os.path.isdir(path):
            read_card(path)  # says what is wrong with the folder
        known = ", ".join(card.name for card in cards[:5]) or "none yet"
        raise NotFound(f"There is no project {ref!r}.", f"Give a folder, or one of the known: {known}.")

    def _free_name(self, name: str) -> str:
        taken = {card.name for card in self.projects()}
        return next(free for n in count(1) if (free := name if n == 1 else f"{name} {n}") not in taken)

    def _free_folder(self, name: str) -> Path:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "project"
        number, root = 1, self.settings.projects / slug
        while root.exists():
            number += 1
            root = self.settings.projects / f"{slug}-{number}"
        return root

    def _paths(self, current: bool) -> Iterator[str]:
        """Where a project may be, the current one first: every act asks for that, and reads no list of all while it is there."""
        if current and self._current is not None:
            yield self._current
        yield from (path for path, _ in self._known())

    def _known(self) -> list[tuple[str, float]]:
        try:
            listed = json.loads((self.settings.home / "projects.json").read_text("utf-8"))
            return [(str(entry["path"]), float(entry["opened"])) for entry in listed]
        except (OSError, ValueError, TypeError, KeyError):  # no list, or a spoilt one: projects still open by path
            return []

    def _remember(self, path: str) -> None:
        self._current = path
        rest = [(p, at) for p, at in self._known() if p != path]
        self._write([(path, time.time()), *rest][:SHOWN])

    def _write(self, known: list[tuple[str, float]]) -> None:
        self.settings.home.mkdir(parents=True, exist_ok=True)
        clear_unfinished(self.settings.home, psutil.pid_exists)
        text = json.dumps([{"path": p, "opened": at} for p, at in known], indent=2)
        publish_text(self.settings.home / "projects.json", text)


def _id_at(root: Path) -> str | None:
    """The id of the project there, None where there is none now."""
    try:
        return str(read_card(root)["id"])
    except ProjectError:
        return None


def _path(text: str) -> Path:
    """A path as a person writes it. Raises NotFound for the home of nobody, or what cannot be a path."""
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, ValueError) as error:
        raise NotFound(f"{text!r} is no path here ({error}).", "Give a folder's whole path.") from error
