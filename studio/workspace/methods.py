"""The methods that answer in one project, built from its labels and runs: zero-shot, few-shot, fine-tuned.

Owns the choice of the support set and keeps what is slow to build: classifiers, heads, adapted models. Thread-safe.
Imported lazily: it imports torch.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from studio.core.errors import StudioError
from studio.core.interfaces import FoundationModel, Predictor, Progress, Task
from studio.data.project import Project
from studio.data.snapshot import Reader, Snapshot
from studio.data.splits import support
from studio.learning.features import FeatureCache
from studio.learning.few_shot import FewShot, LinearHead, fit_on_support
from studio.learning.zero_shot import ZeroShot, text_classifier
from studio.runs.folder import RunFolder
from studio.runs.result import head_of, tuned_model, tuned_predictor
from studio.workspace.prompts import class_prompts
from studio.workspace.question import Question

KEPT_MODELS = 2
KEPT_HEADS = 8
KEPT_CLASSIFIERS = 32

TITLES = {"zero_shot": "Zero-shot", "few_shot": "Few-shot", "lora": "Fine-tuned"}
NO_RUN = "No finished LoRA run with this model and these labels. Train one first."

T = TypeVar("T")


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
        self._heads = _Kept[LinearHead](KEPT_HEADS)
        self._tuned = _Kept[FoundationModel](KEPT_MODELS)
        self._classifiers = _Kept[Tensor](KEPT_CLASSIFIERS)

    def all(
        self,
        question: Question,
        phrases: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> list[Method]:
        """The three, in order of what they cost. `phrases` and `templates` replace the project's for zero-shot alone."""
        return [
            self._zero_shot(question, phrases, templates),
            self._few_shot(question, progress),
            self._fine_tuned(question),
        ]

    def tuned(self, model: FoundationModel, run: RunFolder) -> FoundationModel:
        """The run's adapted model, loaded once. Raises CannotRun where it has no adapter."""
        manifest = run.adapter / "manifest.json"
        published = manifest.stat().st_mtime_ns if manifest.is_file() else 0
        return self._tuned.get((run.path, published, id(model)), lambda: tuned_model(run, model))

    def forget(self) -> None:
        """Let go of adapted models, so that the memory of a model that was unloaded is freed."""
        self._tuned.clear()

    def _zero_shot(self, q: Question, phrases: Sequence[str] | None, templates: Sequence[str] | None) -> Method:
        classes, prompts = class_prompts(self._project, self._task, phrases, templates)
        if not classes:
            return Method("zero_shot", "no training", why_not="There are no classes yet. Add some on the Label page.")
        note = f"no training · {len(prompts[0])} prompt{'s' if len(prompts[0]) > 1 else ''} a class"
        return Method("zero_shot", note, ZeroShot(q.model, classes, self._classifier(q.model, prompts)))

    def _few_shot(self, q: Question, progress: Progress | None) -> Method:
        classes, prompts = class_prompts(self._project, self._task)
        if q.run is not None and q.run.spec.method == "few-shot" and (head := head_of(q.run, classes)) is not None:
            return Method("few_shot", f"head of {q.run.id}", FewShot(q.model, head))
        items = q.support or support(self._project.store.all_items("train", labelled=True), q.shots, q.seed)
        note = f"{len(items)} labels" + (f" · {q.shots} a class" if q.shots else "")
        if reason := self._task.why_not(items):
            return Method("few_shot", note, why_not=reason)
        said = q.run.id if q.support and q.run else self._project.store.revision()
        data = Snapshot([i for i in items if i.label in classes], [], self._project.media, self._readers)
        head = self._heads.get(
            (q.model.info.weights_hash, prompts, q.shots, q.seed, said),
            lambda: fit_on_support(q.model, self._task, data, self.features, classes, prompts, q.seed, progress),
        )
        return Method("few_shot", note, FewShot(q.model, head))

    def _fine_tuned(self, q: Question) -> Method:
        if q.run is None or q.run.spec.method != "lora":
            return Method("lora", "no run yet", why_not=NO_RUN)
        note = f"LoRA r={q.run.spec.train.lora.rank}, {q.run.id}"
        try:
            classes, prompts = class_prompts(self._project, self._task)
            tuned = self.tuned(q.model, q.run)
            return Method("lora", note, tuned_predictor(q.run, tuned, classes, prompts, self._classifier))
        except StudioError as error:
            return Method("lora", note, why_not=str(error))

    def _classifier(self, model: FoundationModel, prompts: Sequence[Sequence[str]]) -> Tensor:
        said = tuple(tuple(of_class) for of_class in prompts)
        return self._classifiers.get((model.info.weights_hash, said), lambda: text_classifier(model, said))


class _Kept(Generic[T]):
    """The last few things built, each once, however many threads ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._things:
                self._things[key] = build()
                while len(self._things) > self._most:
                    self._things.popitem(last=False)
            self._things.move_to_end(key)
            return self._things[key]

    def clear(self) -> None:
        with self._lock:
            self._things.clear()
