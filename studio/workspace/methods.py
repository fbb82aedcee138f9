"""The methods that answer in one project, built from its labels and runs: zero-shot, few-shot, fine-tuned.

Owns the choice of support set and of the run; keeps built predictors, because a head takes a second and an adapter more.
Imported lazily: it imports torch.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio.core.errors import StudioError
from studio.core.interfaces import FoundationModel, Predictor, Progress, Task
from studio.data.project import Project
from studio.data.snapshot import Reader, Snapshot
from studio.data.splits import support
from studio.learning.features import FeatureCache
from studio.learning.few_shot import FewShot, LinearHead, fit_on_support
from studio.learning.zero_shot import ZeroShot
from studio.runs.folder import RunFolder
from studio.runs.result import read_head, tuned_model, tuned_predictor
from studio.workspace.prompts import class_prompts

KEPT_MODELS = 2
"""Adapted models kept in memory."""

KEPT_HEADS = 8

TITLES = {"zero_shot": "Zero-shot", "few_shot": "Few-shot", "lora": "Fine-tuned"}


@dataclass(frozen=True, slots=True)
class Method:
    """One method, or why it cannot answer."""

    name: str
    note: str
    predictor: Predictor | None = None
    why_not: str | None = None

    @property
    def title(self) -> str:
        return TITLES[self.name]


class Methods:
    """Predictors of one project."""

    def __init__(self, project: Project, task: Task, readers: Mapping[str, Reader]) -> None:
        self._project, self._task, self._readers = project, task, readers
        self.features = FeatureCache(project.features)
        self._heads: OrderedDict[str, LinearHead] = OrderedDict()
        self._tuned: OrderedDict[str, FoundationModel] = OrderedDict()

    def all(
        self,
        model: FoundationModel,
        run: RunFolder | None,
        shots: int,
        seed: int,
        phrases: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> list[Method]:
        """The three, in order of what they cost. `phrases` and `templates` replace the project's for zero-shot alone."""
        return [
            self._zero_shot(model, phrases, templates),
            self._few_shot(model, run, shots, seed, progress),
            self._fine_tuned(model, run),
        ]

    def tuned(self, model: FoundationModel, run: RunFolder) -> FoundationModel:
        """The run's adapted model, loaded once. Raises CannotRun where it has no adapter."""
        key = f"{run.path}|{(run.adapter / 'manifest.json').stat().st_mtime_ns if run.adapter.is_dir() else 0}|{id(model)}"
        if key not in self._tuned:
            self._tuned[key] = tuned_model(run, model)
            while len(self._tuned) > KEPT_MODELS:
                self._tuned.popitem(last=False)
        self._tuned.move_to_end(key)
        return self._tuned[key]

    def forget(self) -> None:
        """Let go of adapted models, so that the memory of a model that was unloaded is freed."""
        self._tuned.clear()

    def _zero_shot(self, model: FoundationModel, phrases: Sequence[str] | None, templates: Sequence[str] | None) -> Method:
        classes, prompts = class_prompts(self._project, self._task, phrases, templates)
        if not classes:
            return Method("zero_shot", "no training", why_not="There are no classes yet. Add some on the Label page.")
        note = f"no training · {len(prompts[0])} prompt{'s' if len(prompts[0]) > 1 else ''} a class"
        return Method("zero_shot", note, ZeroShot.of(model, classes, prompts))

    def _few_shot(
        self, model: FoundationModel, run: RunFolder | None, shots: int, seed: int, progress: Progress | None
    ) -> Method:
        if run is not None and run.spec.method == "few-shot" and (head := read_head(run)) is not None:
            return Method("few_shot", f"head of {run.id}", FewShot(model, head))
        items = support(self._project.store.all_items("train", labelled=True), shots, seed)
        note = f"{len(items)} labels" + (f" · {shots} a class" if shots else "")
        if reason := self._task.why_not(items):
            return Method("few_shot", note, why_not=reason)
        classes, prompts = class_prompts(self._project, self._task)
        said = repr(
            (model.info.weights_hash, classes, prompts, seed, [(i.id, i.label, sorted(i.content.items())) for i in items])
        )
        key = hashlib.sha256(said.encode()).hexdigest()
        if key not in self._heads:
            data = Snapshot(items, [], self._project.media, self._readers)
            self._heads[key] = fit_on_support(model, self._task, data, self.features, classes, prompts, seed, progress)
            while len(self._heads) > KEPT_HEADS:
                self._heads.popitem(last=False)
        return Method("few_shot", note, FewShot(model, self._heads[key]))

    def _fine_tuned(self, model: FoundationModel, run: RunFolder | None) -> Method:
        if run is None or run.spec.method != "lora":
            return Method("lora", "no run yet", why_not="No finished LoRA run with this model. Start one on the Train page.")
        lora = run.spec.train.lora
        note = f"LoRA r={lora.rank}, {run.id}"
        try:
            classes, prompts = class_prompts(self._project, self._task)
            return Method("lora", note, tuned_predictor(run, self.tuned(model, run), classes, prompts))
        except StudioError as error:
            return Method("lora", note, why_not=str(error))
