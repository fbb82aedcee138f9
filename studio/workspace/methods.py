"""The methods that answer in one project, built from its labels and runs: every rung of the ladder, and fine-tuned.

Owns the choice of the support set and keeps what is slow to build: classifiers, ladders, adapted models. Thread-safe.
Imported lazily: it imports torch.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from torch import Tensor

from studio.core.errors import StudioError
from studio.core.interfaces import FoundationModel, Predictor, Progress, Task
from studio.core.types import Item
from studio.data.project import Project
from studio.data.snapshot import Reader, Snapshot
from studio.data.splits import support
from studio.learning.features import FeatureCache
from studio.learning.gate import Verdict
from studio.learning.ladder import Ladder, climb, few_shot, support_of
from studio.learning.predictor import Answering, prompted
from studio.learning.rungs import all_rungs, rung
from studio.learning.support import Support
from studio.learning.zero_shot import text_classifier
from studio.runs.folder import RunFolder
from studio.runs.result import classifier_in, other_strength, tuned_model, tuned_predictor
from studio.tasks import known_to
from studio.workspace.doubt import Held, threshold_of
from studio.workspace.labelling import why_not_learn
from studio.workspace.prompts import class_prompts
from studio.workspace.question import Question

KEPT_MODELS = 3
KEPT_LADDERS = 8
KEPT_CLASSIFIERS = 32
KEPT_RUNS = 8
MOST_LIVE = 1000
"""Labels above which a live answer does not wait for every rung: at 2,000 all of them take twice as long as the linear head."""
LIVE_RUNG = "linear"
AT_ONCE_RUNG = "instant"
"""Where a person labels, and every label asks anew: with 100 labels of six classes it is learnt and judged out of fold in a
fifth of the linear head's time."""

TITLES = {"few_shot": "Few-shot", "lora": "Fine-tuned"}
NO_RUN = "No finished LoRA run with this model and these labels. Train one first, or choose a run."
"""A search's trials and runs that were stopped early do not stand by themselves: see `RunSnapshot.stands`."""
CALIBRATED = "calibrated"
"""In a note: confidences were put right on items that took no part in learning. Zero-shot's are the model's own."""
NO_OTHER = "It says what an item is more like than the other classes: add a second one, or label a few of each kind."
NO_CLASSES = "There are no classes yet. Add some on the Label page."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Method:
    """One method, or why it cannot answer."""

    name: str
    title: str
    note: str
    predictor: Predictor | None = None
    why_not: str | None = None
    threshold: float | None = None
    """Confidence below which it is not sure."""


@dataclass(frozen=True, slots=True)
class Climbed:
    """The ladder on one support set."""

    items: tuple[Item, ...]
    support: Support
    ladder: Ladder
    few_shot: Verdict
    """The rung that stands for "few-shot"."""
    held: Held | None
    """What that rung said out of fold."""


class Methods:
    """Predictors of one project."""

    def __init__(self, project: Project, task: Task, readers: Mapping[str, Reader]) -> None:
        self._project, self._task, self._readers = project, task, readers
        self.features = FeatureCache(project.features)
        self._ladders = _Kept[Climbed](KEPT_LADDERS)
        self._tuned = _Kept[FoundationModel](KEPT_MODELS)
        self._classifiers = _Kept[Tensor](KEPT_CLASSIFIERS)
        self._held = _Kept[Held | None](KEPT_RUNS)

    def live(
        self, question: Question, phrases: Sequence[str] | None = None, templates: Sequence[str] | None = None
    ) -> list[Method]:
        """Zero-shot, few-shot, fine-tuned. `phrases` and `templates` replace the project's for zero-shot alone."""
        return [self.zero_shot(question, phrases, templates), self.few_shot(question), self.fine_tuned(question)]

    def every(self, question: Question, progress: Progress | None = None) -> list[Method]:
        """Every rung, simplest first, then fine-tuned."""
        titles = {one.name: one.title for one in all_rungs()}
        found = self.climbed(question, progress)
        if isinstance(found, Method):
            rest = [Method(name, titles[name], found.note, why_not=found.why_not) for name in titles if name != "zero_shot"]
            return [self.zero_shot(question), *rest, self.fine_tuned(question)]
        note = _labels(found.items, question)
        methods = []
        for name, title in titles.items():
            learnt = found.ladder.classifiers.get(name)
            if name == "zero_shot":
                methods.append(self.zero_shot(question))
            elif learnt is None:
                methods.append(Method(name, title, note, why_not=found.ladder.why_not[name]))
            else:
                methods.append(Method(name, title, note, Answering(question.model, learnt)))
        return [*methods, self.fine_tuned(question)]

    def tuned(self, model: FoundationModel, run: RunFolder, strength: float | None = None) -> FoundationModel:
        """The run's adapted model, loaded once a strength. Raises CannotRun where it has no adapter."""
        return self._tuned.get((run.path, _published(run), id(model), strength), lambda: tuned_model(run, model, strength))

    def forget(self) -> None:
        """Let go of adapted models, so that the memory of a model that was unloaded is freed."""
        self._tuned.clear()

    def zero_shot(self, q: Question, phrases: Sequence[str] | None = None, templates: Sequence[str] | None = None) -> Method:
        """The class prompts alone."""
        classes, prompts = class_prompts(self._project, self._task, phrases, templates)
        if not classes:
            return Method("zero_shot", "Zero-shot", "no training", why_not=NO_CLASSES)
        if self._task.several and len(classes) < 2:
            return Method("zero_shot", "Zero-shot", "no training", why_not=NO_OTHER)
        note = f"no training · {len(prompts[0])} prompt{'s' if len(prompts[0]) > 1 else ''} a class"
        text, scale = self._classifier(q.model, prompts), q.model.info.logit_scale
        said = prompted("zero_shot", classes, text, scale, self._task.several)
        own = phrases is None and templates is None
        threshold = threshold_of(self._zero_shot_held(q) if own and q.accepts is not None else None, q.accepts)
        return Method("zero_shot", "Zero-shot", note, Answering(q.model, said), threshold=threshold)

    def few_shot(self, q: Question, most: int = MOST_LIVE) -> Method:
        """The best rung that learns on cached features, or the one of the run that is asked about. With more than `most` labels
        it waits for one rung alone, the quickest."""
        classes, _ = class_prompts(self._project, self._task)
        if q.run is not None and not q.run.spec.tunes and (learnt := classifier_in(q.run, "", classes)) is not None:
            return _few_shot(f"{learnt.rung} of {q.run.id}", Answering(q.model, learnt), self._held_of(q.run), q)
        found = self._climbed(q, None, most)
        if isinstance(found, Method):
            return found
        chosen = found.ladder.classifiers[found.few_shot.rung]
        title = rung(chosen.rung).title
        note = f"{title} · {_labels(found.items, q)}"
        return _few_shot(note, Answering(q.model, chosen), found.held, q)

    def fine_tuned(self, q: Question) -> Method:
        """The run's adapter, at its chosen strength or the one asked for. Raises BadInput for one that it was not judged at."""
        if q.run is None:
            return Method("lora", TITLES["lora"], "no run yet", why_not=NO_RUN)
        if not q.run.spec.tunes:
            said = f"{q.run.id} is no fine-tuning: it stands as few-shot. Choose another run, or leave the choice open."
            return Method("lora", TITLES["lora"], f"not {q.run.id}", why_not=said)
        note = f"LoRA r={q.run.spec.train.lora.rank}, {q.run.id}"
        strength = other_strength(q.run, q.strength)
        if strength is not None:
            note += f" at strength {strength:g}"
        try:
            classes, prompts = class_prompts(self._project, self._task)
            tuned = self.tuned(q.model, q.run, strength)
            predictor = tuned_predictor(q.run, tuned, classes, prompts, strength, self._classifier)
            held = self._held_of(q.run)
            unproven = threshold_of(None, q.accepts)
            if held is None or set(predictor.classes) != set(q.run.spec.classes):  # other classes than it was judged with
                return Method("lora", TITLES["lora"], note, predictor, threshold=unproven)
            if strength is not None:  # its temperature is in the report, what it said of each item is not
                return Method("lora", TITLES["lora"], f"{note} · {CALIBRATED}", predictor, threshold=unproven)
            calibrated = replace(predictor, temperature=held.temperature)
            return Method("lora", TITLES["lora"], f"{note} · {CALIBRATED}", calibrated, threshold=held.threshold(q.accepts))
        except StudioError as error:
            return Method("lora", TITLES["lora"], note, why_not=str(error))

    def climbed(self, q: Question, progress: Progress | None = None) -> Climbed | Method:
        """The ladder on the question's labels, climbed once a state of the labels; or the method that says why not."""
        return self._climbed(q, progress, None)

    def _climbed(self, q: Question, progress: Progress | None, most: int | None) -> Climbed | Method:
        """With more than `most` labels, and where nobody has climbed yet, one rung alone."""
        classes, prompts = class_prompts(self._project, self._task)
        labelled = self._project.store.all_items("train", labelled=True)
        items = tuple(known_to(self._task, q.support or support(labelled, q.shots, q.seed, self._task.said_of), classes))
        if reason := why_not_learn(self._task, items, self._project.store.counts()):
            return Method("few_shot", TITLES["few_shot"], _labels(items, q), why_not=reason)
        said = q.run.id if q.support and q.run else self._project.store.revision()

        key = (q.model.info.weights_hash, prompts, q.shots, q.seed, said)
        quickest = LIVE_RUNG if len(items) > MOST_LIVE else AT_ONCE_RUNG
        one = most is not None and len(items) > most and key not in self._ladders

        def build() -> Climbed:
            data = Snapshot(items, [], self._project.media, self._readers)
            learnt = support_of(q.model, self._task, data, self.features, classes, prompts, q.seed, progress)
            ladder = climb(learnt, [rung("zero_shot"), rung(quickest)] if one else None, progress)
            chosen = _of_run(q, ladder) or few_shot(ladder)
            return Climbed(items, learnt, ladder, chosen, Held.of_rung(ladder, chosen.rung, learnt.labels))

        return self._ladders.get((*key, quickest) if one else key, build)

    def _zero_shot_held(self, q: Question) -> Held | None:
        found = self._climbed(q, None, MOST_LIVE)
        return None if isinstance(found, Method) else Held.as_it_is(found.ladder, "zero_shot", found.support.labels)

    def _held_of(self, run: RunFolder) -> Held | None:
        return self._held.get((run.path, _published(run)), lambda: Held.of_run(run))

    def _classifier(self, model: FoundationModel, prompts: Sequence[Sequence[str]]) -> Tensor:
        said = tuple(tuple(of_class) for of_class in prompts)
        return self._classifiers.get((model.info.weights_hash, said), lambda: text_classifier(model, said))


def _few_shot(note: str, predictor: Answering, held: Held | None, q: Question) -> Method:
    """A rung as "few-shot", calibrated where it was judged out of fold."""
    if held is None:
        return Method("few_shot", TITLES["few_shot"], note, predictor, threshold=threshold_of(None, q.accepts))
    calibrated = replace(predictor, temperature=held.temperature)
    return Method("few_shot", TITLES["few_shot"], f"{note} · {CALIBRATED}", calibrated, threshold=held.threshold(q.accepts))


def _of_run(q: Question, ladder: Ladder) -> Verdict | None:
    """The rung that the run asked about learnt, where it learnt one, from these labels."""
    learnt = q.run.report() if q.run is not None and q.support and not q.run.spec.tunes else {}
    rung = str(learnt.get("rung"))
    return Verdict(rung, str(learnt.get("reason", "")), ()) if rung in ladder.classifiers else None


def _published(run: RunFolder) -> int:
    """When its adapter was; 0 where it has none."""
    manifest = run.adapter / "manifest.json"
    return manifest.stat().st_mtime_ns if manifest.is_file() else 0


def _labels(items: Sequence[Item], q: Question) -> str:
    return f"{len(items)} labels" + (f" · up to {q.shots} a class" if q.shots else "")


class _Kept(Generic[T]):
    """The last few things built, each once, however many threads ask; who asks for another one does not wait."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, T] = OrderedDict()
        self._building: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._things

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]
            building = self._building.setdefault(key, threading.Lock())
        with building:
            with self._lock:  # whoever waited finds what the first one built
                if key in self._things:
                    return self._things[key]
            made = build()
            with self._lock:
                self._things[key] = made
                self._building.pop(key, None)
                while len(self._things) > self._most:
                    self._things.popitem(last=False)
            return made

    def clear(self) -> None:
        with self._lock:
            self._things.clear()
