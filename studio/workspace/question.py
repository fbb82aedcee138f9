"""What a question is answered with: the model, the run, the labels that few-shot learns from, the held-out items.

Reads features through the project's cache. Answers nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.core.errors import BadInput, CannotRun
from studio.core.interfaces import FoundationModel, Progress, Task
from studio.core.results.projects import Missing
from studio.core.types import Item, Split
from studio.data.kept import kept
from studio.data.project import Project
from studio.data.snapshot import Snapshot
from studio.data.splits import support
from studio.workspace.labelling import readers_of
from studio.workspace.libraries import libraries
from studio.workspace.shelf import ModelShelf
from studio.workspace.training import NO_MODEL, NOTHING_IMPORTED, Training

if TYPE_CHECKING:
    from torch import Tensor

    from studio.runs.folder import RunFolder
    from studio.workspace.methods import Methods


HELD_OUT: Mapping[Split, str] = {"test": "test split", "val": "validation split"}
"""Where a comparison looks for items, the first that has some."""

ACCEPTED = "accepted_errors"
"""Of the store's meta values: the share of wrong answers that a person accepts."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the methods of one question have in common."""

    model: FoundationModel
    run: RunFolder | None
    """The run to answer as fine-tuned."""
    shots: int
    seed: int
    support: tuple[Item, ...] | None = None
    """The run's own training items, where few-shot is to learn from exactly these; None: `shots` a class of the project's."""
    strength: float | None = None
    """How much of the run's adapter counts; None: as the run chose."""
    judged: tuple[Item, ...] = ()
    """The run's validation items: what it and the other methods can be compared on before the test."""
    accepts: float | None = None
    """The error rate beyond which to say "not sure"; None: always answer."""


class Questions:
    """The settings of one project's questions, and its features. Imports torch only when a model is asked for."""

    def __init__(self, project: Project, task: Task, shelf: ModelShelf, training: Training) -> None:
        self.project, self.task = project, task
        self.readers = readers_of(task)
        self._shelf, self._training = shelf, training
        self._built: Methods | None = None

    @property
    def methods(self) -> Methods:
        if self._built is None:
            libraries()
            from studio.workspace.methods import Methods

            self._built = Methods(self.project, self.task, self.readers)
        return self._built

    def in_use(self, model: str) -> AbstractContextManager[None]:
        """While inside, the model stays loaded."""
        return self._shelf.in_use(self._shelf.check(model))

    def forget(self) -> None:
        """Keep nothing that would keep a model's weights in memory."""
        if self._built is not None:
            self._built.forget()

    def of(
        self,
        model: str,
        run: str | None = None,
        shots: int | None = None,
        seed: int | None = None,
        strength: float | None = None,
    ) -> Question:
        """What to answer with. Left open, shots and seed are the run's; where they are the run's, few-shot learns from its items.

        So zero-shot, few-shot and fine-tuned are compared on the same labels. Raises BadInput for a run of another model.
        """
        model = self._shelf.check(model)
        folder = self.run(model, run, shots, seed)
        if folder is not None and folder.spec.model != model:
            raise BadInput(f"{folder.id} tuned {folder.spec.model}, not {model}.", "Choose its model, or another run.")
        base = self._shelf.get(model)
        if folder is None:
            return Question(base, None, shots or 0, seed or 0, strength=strength, accepts=self.accepted())
        chosen, data = folder.spec.train, self._training.snapshot(folder)
        numbers = (chosen.shots if shots is None else shots, chosen.seed if seed is None else seed)
        asked = (shots, seed) != (None, None)
        other = asked and (numbers != (chosen.shots, chosen.seed) or self._changed(data, *numbers))
        return Question(base, folder, *numbers, None if other else data.train, strength, data.held_out, self.accepted())

    def of_labels(self, model: str, seed: int = 0) -> Question:
        """What to answer with by all training labels as they stand, without a run: while people label, and among the rungs."""
        return Question(self._shelf.get(self._shelf.check(model)), None, 0, seed, accepts=self.accepted())

    def run(self, model: str, run: str | None, shots: int | None, seed: int | None) -> RunFolder | None:
        """The run that answers as fine-tuned: the one asked for, or the newest that fits."""
        return self._training.folder(run) if run else self._newest(self._shelf.check(model), shots, seed)

    def accepted(self) -> float | None:
        """The error rate that the project accepts."""
        rate = kept(self.project.store, ACCEPTED, float)
        return rate if rate is not None and 0 < rate < 1 else None

    def held_out(self) -> tuple[Split, list[Item]]:
        """The test split's items with a truth, or the validation split's. Raises CannotRun where there is none."""
        for split in HELD_OUT:
            items = [i for i in self.project.store.all_items(split) if self.task.trains_on(i)]
            if items:
                return split, items
        raise CannotRun.saying(self._nothing_held_out().why)

    def missing(self, model: str | None) -> Missing | None:
        """What to get before that model can be compared, in the order of the steps; None where nothing is missing."""
        if not self.project.store.counts().total:
            return NOTHING_IMPORTED
        if model is None:
            return NO_MODEL
        judges = (item for split in HELD_OUT for item in self.project.store.all_items(split) if self.task.trains_on(item))
        return None if next(judges, None) else self._nothing_held_out()

    def _nothing_held_out(self) -> Missing:
        counts, what = self.project.store.counts(), "There is no labelled held-out item to compare on."
        for split, title in HELD_OUT.items():
            if waiting := counts.by_split[split]:
                return Missing("label", f"{what} Label some of the {waiting:,} items of the {title}.")
        return Missing("data", f"{what} Import items into the test split.")

    def newer(self, question: Question) -> int:
        """Labels for training that changed or came after the run, whose labels all methods have: those that none has."""
        if question.run is None or question.support is None:
            return 0
        known = {(i.id, i.label) for i in (*question.support, *question.judged)}
        now = support(self.project.store.all_items("train", labelled=True), question.shots, question.seed, self.task.said_of)
        return sum((i.id, i.label) not in known for i in now)

    def features(
        self, model: FoundationModel, modality: str, items: Sequence[Item], progress: Progress | None
    ) -> tuple[Tensor, Tensor | None, float | None]:
        """Cached unit features, those before the projection, and the milliseconds that an item took when they were computed."""
        cache = self.methods.features
        found, raw = cache.both(model, modality, items, self._read, progress)
        return found, raw, cache.milliseconds(model, modality)

    def unread(self, model: FoundationModel, modality: str, items: Sequence[Item]) -> int:
        """How many contents of these items the model has not read yet."""
        return self.methods.features.unread(model, modality, items)

    def _changed(self, data: Snapshot, shots: int, seed: int) -> bool:
        """Whether these numbers give other labels today than the run learnt from and was judged by."""
        drawn = support(self.project.store.all_items("train", labelled=True), shots, seed, self.task.said_of)
        learnt, judged, now = ({(i.id, i.label) for i in items} for items in (data.train, data.held_out, drawn))
        return not learnt <= now <= learnt | judged

    def _read(self, item: Item, modality: str) -> Any:
        source = item.key(modality)
        return self.readers[modality](self.project.media.read(source) if modality != "text" else source, item.name)

    def _newest(self, model: str, shots: int | None, seed: int | None) -> RunFolder | None:
        """The newest LoRA run that stands by itself with that model and, where they are said, those shots and that seed."""
        for found in self._training.runs():
            fits = shots in (None, found.config["shots"]) and seed in (None, found.config["seed"])
            if fits and found.model == model and found.stands:
                return self._training.folder(found.id)
        return None
