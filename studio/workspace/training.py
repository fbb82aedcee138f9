"""Runs of one open project: what a run would do, starting, following, stopping, resuming."""

from __future__ import annotations

import pkgutil
import shlex
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.config import Mode, TrainConfig
from studio.core.errors import BadInput, CannotRun, RunError
from studio.core.interfaces import Progress, Task
from studio.core.results.projects import Missing
from studio.core.types import FINE_TUNING, Item, RunSnapshot, TrainEvent
from studio.data.project import Project
from studio.data.snapshot import Snapshot
from studio.data.splits import support, validation
from studio.tasks import known_to
from studio.workspace.general import general_set
from studio.workspace.labelling import readers_of, why_not_learn
from studio.workspace.libraries import libraries
from studio.workspace.prompts import class_prompts
from studio.workspace.samples import Samples
from studio.workspace.shelf import ModelShelf

if TYPE_CHECKING:
    from studio.runs.execution import Materials
    from studio.runs.folder import RunFolder, RunSpec
    from studio.runs.queue import RunQueue

CHOOSING = ("best", "few-shot")
"""Methods that choose a rung by the labels: among all, and among those that learn."""


NOTHING_IMPORTED = Missing("data", "Nothing has been imported yet. Import a folder, an archive or a table first.")
NO_MODEL = Missing("models", "There is no model to choose yet. Get one on the Models page.")


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """What a run would do, before it starts."""

    config: TrainConfig
    modes: tuple[Mode, ...]
    """Which modes these settings are, the most telling first."""
    train_items: int
    validation_items: int
    per_class: Mapping[str, int]
    steps: int
    command: str
    """The equivalent command line."""
    why_not: str | None
    """The disabled button's text; None where it can start."""


def methods() -> tuple[str, ...]:
    """What a run can be: LoRA, a rung on cached features, or a choice among these. Imports no rung: a rung is its file's name."""
    folder = Path(__file__).parents[1] / "learning" / "rungs"
    rungs = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules([str(folder)]))
    return (FINE_TUNING, *CHOOSING, *rungs)


class Training:
    """One project's runs. Imports torch only when a run starts."""

    def __init__(self, project: Project, task: Task, shelf: ModelShelf, queue: RunQueue, samples: Samples | None = None) -> None:
        """A run measures what it makes a model forget on one of the `samples`."""
        self._samples = samples
        self._project = project
        self._task = task
        self._shelf = shelf
        self._queue = queue
        self._readers = readers_of(task)

    def plan(self, model: str, method: str = FINE_TUNING, settings: Mapping[str, Any] | None = None) -> TrainPlan:
        """The family's preset with `settings` (flat names: rank, lr, shots, seed …) on top; loads no weights.

        Raises BadInput for a bad setting, method or model id.
        """
        if method not in methods():
            raise BadInput(f"There is no method {method!r}.", f"Choose one of: {', '.join(methods())}.")
        model = self._shelf.check(model)
        preset = self.preset(model)
        config = preset.with_settings(settings or {})
        train, held_out = self._select(config, method)
        counts = Counter(name for item in train for name in self._task.said_of(item))
        return TrainPlan(
            config=config,
            modes=config.modes(preset),
            train_items=len(train),
            validation_items=len(held_out),
            per_class={c.name: counts.get(c.name, 0) for c in self._project.store.classes()},
            steps=config.total_steps(len(train)) if method == FINE_TUNING else 1,
            command=self._command(model, method, config, preset),
            why_not=self._why_not(model, method, train),
        )

    def preset(self, model: str) -> TrainConfig:
        """What the model's family recommends for this task. Raises BadInput for a model id that is none."""
        return self._shelf.preset(self._task.name, self._shelf.check(model))

    def missing(self, model: str | None) -> Missing | None:
        """What to get before anything can be learnt with that model, in the order of the steps; None where nothing is missing.

        Raises BadInput for a model id that is none.
        """
        counts = self._project.store.counts()
        if not counts.total:
            return NOTHING_IMPORTED
        if model is None:
            return NO_MODEL
        if why := self._model_why_not(self._shelf.check(model)):
            return Missing("models", why)
        if not counts.by_split["train"]:
            return Missing("data", "There is no item in the training split. Import items into it.")
        train, _ = self._select(self.preset(model), FINE_TUNING)
        why = why_not_learn(self._task, train, counts)
        return Missing("label" if self._task.classifies else "data", why) if why else None

    def start(self, model: str, method: str = FINE_TUNING, settings: Mapping[str, Any] | None = None, trial: bool = False) -> str:
        """Queue a run, or a search's `trial`; its id. Raises CannotRun with the same text as `plan().why_not`."""
        from studio.runs.folder import RunFolder, RunSpec

        self._project.store.refuse_read_only()
        plan = self.plan(model, method, settings)
        if plan.why_not:
            raise CannotRun.saying(plan.why_not)
        train, held_out = self._select(plan.config, method)
        classes, prompts = class_prompts(self._project, self._task)
        spec = RunSpec(
            self._task.name, self._shelf.check(model), method, plan.config, classes, prompts, plan.command, time.time()
        )
        folder = RunFolder.create(self._project.runs, spec)
        Snapshot(train, held_out, self._project.media, self._readers, classes, prompts).save(folder.path)
        folder.update(total=plan.steps, trial=trial)
        self._queue.submit(folder, self._work)
        return folder.id

    def runs(self) -> tuple[RunSnapshot, ...]:
        """Newest first."""
        from studio.runs.folder import RunFolder

        return tuple(folder.snapshot() for folder in RunFolder.all(self._project.runs))

    def run(self, run_id: str) -> RunSnapshot:
        """Raises NotFound."""
        return self.folder(run_id).snapshot()

    def folder(self, run_id: str) -> RunFolder:
        """Raises NotFound."""
        from studio.runs.folder import RunFolder

        return RunFolder.open(self._project.runs, run_id)

    def snapshot(self, folder: RunFolder) -> Snapshot:
        """The items that a run learns from. Raises ProjectError where they cannot be read."""
        return Snapshot.load(folder.path, self._project.media, self._readers)

    def judging(self, folder: RunFolder, classes: Collection[str]) -> list[Item]:
        """The validation items of a run that are of these classes alone. Raises ProjectError where they cannot be read."""
        return known_to(self._task, self.snapshot(folder).held_out, classes)

    def events(self, run_id: str, since: int = 0) -> tuple[tuple[TrainEvent, ...], int]:
        """Events after the place `since`, and the place to ask for next."""
        return self.folder(run_id).events(since)

    def stop(self, run_id: str, keep: bool = False) -> None:
        """Stop at the next step; with `keep`, the adapter as it stands is published and the run is `done`.

        A run that waits is taken out of the line. Raises RunError where it neither waits nor runs.
        """
        folder = self.folder(run_id)
        if self._queue.take_out(folder):
            return
        status = folder.snapshot().status
        if status not in {"running", "queued"}:
            raise RunError(f"{run_id} is not running: it is {status}.", "There is nothing to stop.")
        folder.ask_to_stop(keep)

    def resume(self, run_id: str) -> None:
        """Queue a stopped, interrupted or failed run again, from its newest checkpoint. Raises RunError."""
        self._project.store.refuse_read_only()
        folder = self.folder(run_id)
        found = folder.snapshot()
        if not found.resumable:
            raise RunError(f"{run_id} cannot be resumed: it is {found.status}.", "Start a new run from this one instead.")
        self._queue.submit(folder, self._work)

    def took(self, run_id: str, among: int, chosen: bool) -> None:
        """A search took this trial `among` so many; `chosen` over every rung too, it is a run like any other."""
        self.folder(run_id).update(chosen_among=among, trial=not chosen)

    def modalities_of(self, model: str) -> tuple[str, ...]:
        """What a model takes; empty where that is not known before loading. Raises BadInput."""
        return self._shelf.modalities(model)

    def wait(self, run_id: str, timeout_s: float = 0.5) -> bool:
        """Wait a moment for a run of this process; True once it is over."""
        return self._queue.wait(self.folder(run_id), timeout_s)

    def settings_of(self, run_id: str) -> tuple[str, str, dict[str, Any]]:
        """(model, method, flat settings) for a new run from this one."""
        spec = self.folder(run_id).spec
        flat = spec.train.as_json()
        flat.update(flat.pop("lora"))
        return spec.model, spec.method, flat

    def chosen(self, run_id: str) -> tuple[str, str] | None:
        """(rung, why) of a finished run that is a rung; None for LoRA, and before the end. Raises NotFound."""
        report = self.folder(run_id).report()
        return (str(report["rung"]), str(report["reason"])) if {"rung", "reason"} <= report.keys() else None

    def _select(self, config: TrainConfig, method: str) -> tuple[list[Item], list[Item]]:
        """(training items, validation items) as these settings choose them."""
        store, learns = self._project.store, self._task.trains_on
        candidates = [item for item in store.all_items("train") if learns(item)]
        explicit = [item for item in store.all_items("val") if learns(item)]
        chosen = support(candidates, config.shots, config.seed, self._task.said_of) if self._task.classifies else candidates
        train, judged = validation(candidates, chosen, explicit, seed=config.seed, said_of=self._task.said_of)
        # a rung is judged out of fold: it gives none of its labels away
        return (chosen, []) if method != FINE_TUNING and len(train) < len(chosen) else (train, judged)

    def _why_not(self, model: str, method: str, train: list[Item]) -> str | None:
        if reason := self._model_why_not(model):
            return reason
        if method != FINE_TUNING and not self._task.classifies:
            return "All methods but LoRA need classes; pairs have none. Choose LoRA."
        if reason := why_not_learn(self._task, train, self._project.store.counts()):
            return reason
        return None if method in (FINE_TUNING, *CHOOSING) else self._rung_why_not(model, method, train)

    def _model_why_not(self, model: str) -> str | None:
        if missing := self._shelf.missing(model):
            return missing
        modalities = self._shelf.modalities(model)
        if not modalities or self._task.fits(modalities):
            return None
        takes = " and ".join(modalities)
        return f"{model} takes {takes}, which does not serve {self._task.title.lower()}. Choose another model."

    def _rung_why_not(self, model: str, method: str, train: list[Item]) -> str | None:
        """The rung's own reason, as far as it can be told without features. Imports torch, as a single rung is asked for late."""
        libraries()
        from studio.learning.rungs import rung
        from studio.learning.support import Support

        projects = self._shelf.may_project(model, self._task.modalities[0])
        support = Support.of_labels([self._task.said_of(item) for item in train], self._task.several, projects)
        return rung(method.replace("-", "_")).why_not(support)

    def _work(self, folder: RunFolder) -> None:
        libraries()
        from studio.runs.execution import execute

        with self._shelf.in_use(folder.spec.model):
            execute(folder, partial(self._gather, folder), self._queue.closing)

    def _gather(self, folder: RunFolder, spec: RunSpec, progress: Progress) -> Materials:
        from studio.learning.features import FeatureCache
        from studio.runs.execution import Materials

        data = self.snapshot(folder)
        model = self._shelf.get(spec.model, progress)
        if not self._task.fits(model.info.modalities):
            raise CannotRun(f"{spec.model} does not serve {self._task.title.lower()}.", "Choose another model.")
        known = {item.key(self._task.modalities[0]) for item in data.train} if spec.tunes and self._task.classifies else None
        general = general_set(self._samples, self._task, known) if self._samples and known is not None else None
        return Materials(model, self._task, data, FeatureCache(self._project.features), general)

    def _command(self, model: str, method: str, config: TrainConfig, preset: TrainConfig) -> str:
        words = ["python", "-m", "studio", "train", str(self._project.root), "--model", model, "--method", method]
        changed = config.changed_from(preset)
        for flag in ("shots", "seed"):
            if flag in changed:
                words += [f"--{flag}", str(changed.pop(flag))]
        for name, value in changed.items():
            words += ["--set", f"{name}={value}"]
        return shlex.join(words)
