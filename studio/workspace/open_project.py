"""An open project: its data and labels, its runs, its tests, each in a part of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.core.interfaces import Task
from studio.data.project import Project
from studio.modalities import discover_modalities
from studio.workspace.auditing import Auditing
from studio.workspace.auto import Auto
from studio.workspace.labelling import Labelling
from studio.workspace.people import People
from studio.workspace.picking import Picking
from studio.workspace.question import Questions
from studio.workspace.samples import Samples
from studio.workspace.sharing import Sharing
from studio.workspace.shelf import ModelShelf
from studio.workspace.testing import Testing
from studio.workspace.training import Training

if TYPE_CHECKING:
    from studio.runs.queue import RunQueue


class OpenProject:
    """One project's use cases."""

    def __init__(
        self,
        project: Project,
        task: Task,
        shelf: ModelShelf,
        queue: RunQueue,
        offline: bool = False,
        samples: Samples | None = None,
    ) -> None:
        self._project = project
        self._shelf = shelf
        self.id = project.id
        self.name = project.name
        self.path = str(project.root)
        self.read_only = project.store.read_only
        """Why nothing can be written here, as the end of a sentence: everything else can be looked at and exported. Or None."""
        self.task = task.name
        self.task_title = task.title
        self.modalities = task.modalities
        """What each item holds: ("image",), ("text",) or ("image", "text")."""
        self.asks_by_file = not discover_modalities().get(task.modalities[0]).inline
        """Whether what is asked about is a file, as a picture is; else it is given as it stands, as a text is."""
        self.classifies = task.classifies
        """True where an item gets one of the classes, False where its parts are matched with one another."""
        self.several = task.several
        """True where an item may be of several classes, or of none of them."""
        self.measure = task.measure
        """What the main figure is called: "accuracy", "recall@1"."""
        self.fixed_classes = task.fixed_classes
        """Classes that people cannot change: ("match", "no match") for pairs, else ()."""
        self.labelling = Labelling(project, task, offline)
        self.people = People(project)
        self.training = Training(project, task, shelf, queue, samples)
        questions = Questions(project, task, shelf, self.training)
        self.auditing = Auditing(project, task, questions)
        self.testing = Testing(project, task, questions, self.auditing.leaks)
        self.picking = Picking(project, task, questions, shelf)
        self.auto = Auto(project, self.training, self.testing.best)
        self.sharing = Sharing(project, task, shelf, self.training, self.testing)
        shelf.when_unloaded(self.testing.forget)

    def model(self) -> str | None:
        """The model id chosen for this project, remembered; None before the first choice."""
        found = self._project.store.meta("model")
        return str(found) if found else None

    def choose_model(self, model_id: str) -> None:
        """Remember the model that pages offer first. Raises BadInput for a string that names none."""
        self._project.store.set_meta("model", self._shelf.check(model_id))

    def model_title(self, model_id: str) -> str:
        """What people call a model."""
        return self._shelf.title(model_id)

    def close(self) -> None:
        """A search of this process ends and stays resumable."""
        self.auto.close()
        self._project.close()
