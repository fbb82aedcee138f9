"""Live answers and comparisons of one open project: zero-shot, few-shot and fine-tuned, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from studio.core.errors import BadInput, CannotRun
from studio.core.interfaces import FoundationModel, Progress, Task
from studio.core.results import Comparison, Hit, PredictionTable, Ranking
from studio.core.types import Item, Split
from studio.data.project import Project
from studio.workspace.answers import answers, comparison_from
from studio.workspace.labelling import readers_of
from studio.workspace.shelf import ModelShelf
from studio.workspace.training import Training

if TYPE_CHECKING:
    from torch import Tensor

    from studio.runs.folder import RunFolder
    from studio.workspace.methods import Methods, Setting


class Testing:
    """One project's tests. Imports torch only when one runs."""

    def __init__(self, project: Project, task: Task, shelf: ModelShelf, training: Training) -> None:
        self._project, self._task, self._shelf, self._training = project, task, shelf, training
        self._readers = readers_of(task)
        self._built: Methods | None = None

    def predict(
        self,
        inputs: Sequence[Mapping[str, bytes | str]],
        model: str,
        run: str | None = None,
        shots: int | None = None,
        seed: int | None = None,
        phrases: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
    ) -> list[PredictionTable]:
        """For each input (`{"image": file bytes}` or `{"text": …}`) one table.

        `phrases` (one a class) and `templates` replace the project's for zero-shot alone. `run` None means the newest
        finished run with this model; `shots` and `seed` None mean that run's, or all labels. Raises UnreadableItem,
        CannotRun.
        """
        modality = self._one_modality()
        if any(modality not in content for content in inputs):
            raise BadInput(f"This project takes {modality}s.", f"Give each input as {modality}.")
        payloads = [self._readers[modality](content[modality], f"input {n + 1}") for n, content in enumerate(inputs)]
        methods = self._methods.all(self._setting(model, run, shots, seed), phrases, templates)
        classes = tuple(c.name for c in self._project.store.classes())
        columns = answers(methods, modality, payloads, classes)
        self._remember_use(any(answer.probabilities for column in columns for answer in column))
        return [PredictionTable(classes, tuple(column[n] for column in columns)) for n in range(len(payloads))]

    def search(
        self, text: str, model: str, run: str | None = None, k: int = 12, progress: Progress | None = None
    ) -> tuple[Ranking, ...]:
        """Text → pictures of the project, before and after tuning."""
        return self._rank("text", self._readers["text"](text, "the query"), "image", model, run, k, progress)

    def rank(
        self, image: bytes, model: str, run: str | None = None, k: int = 12, progress: Progress | None = None
    ) -> tuple[Ranking, ...]:
        """Picture → the project's texts, before and after tuning."""
        return self._rank("image", self._readers["image"](image, "the picture"), "text", model, run, k, progress)

    def compare(
        self,
        model: str,
        run: str | None = None,
        shots: int | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
    ) -> Comparison:
        """All methods on the test split's labelled items, or the validation split's where there is no test split.

        None of these items takes part in learning. Raises CannotRun where there is none.
        """
        split, items = self._held_out()
        setting = self._setting(model, run, shots, seed)
        compare = self._compare_pairs if self._task.fixed_classes else self._compare_classes
        found = compare(split, items, setting, progress)
        self._project.store.set_meta("comparison", asdict(found))
        return found

    def was_used(self) -> bool:
        """Whether any method ever answered an input or a search in this project."""
        return bool(self._project.store.meta("answered"))

    def last_comparison(self) -> Comparison | None:
        """The newest comparison of this project, also after a restart."""
        values = self._project.store.meta("comparison")
        return comparison_from(values) if values else None

    def forget(self, model_id: str) -> None:
        """A model is unloaded: keep nothing that would keep its weights in memory."""
        if self._built is not None:
            self._built.forget()

    def _remember_use(self, answered: bool) -> None:
        """Once a project: live answers come several a second, and this is a write."""
        if answered and not self.was_used():
            self._project.store.set_meta("answered", True)

    @property
    def _methods(self) -> Methods:
        if self._built is None:
            from studio.workspace.methods import Methods

            self._built = Methods(self._project, self._task, self._readers)
        return self._built

    def _compare_classes(self, split: str, items: list[Item], setting: Setting, progress: Progress | None) -> Comparison:
        from studio.evaluation.comparison import Answers, compare_classes

        modality, found = self._one_modality(), []
        for method in self._methods.all(setting, progress=progress):
            if method.predictor is None:
                found.append(Answers(method.name, method.title, method.note, why_not=method.why_not))
                continue
            x, ms = self._features(method.predictor.model, modality, items, progress)
            said = method.predictor.predict(x)
            found.append(Answers(method.name, method.title, method.note, said, milliseconds=ms))
        classes = [c.name for c in self._project.store.classes()]
        return compare_classes(setting.model.info.id, split, items, classes, found)

    def _compare_pairs(self, split: str, items: list[Item], setting: Setting, progress: Progress | None) -> Comparison:
        from studio.evaluation.comparison import Answers, compare_pairs

        found = []
        for name, title, note, tuned, why_not in self._pair_models(setting):
            if tuned is None:
                found.append(Answers(name, title, note, why_not=why_not))
                continue
            images, ms = self._features(tuned, "image", items, progress)
            texts, _ = self._features(tuned, "text", items, progress)
            found.append(Answers(name, title, note, similarity=images @ texts.T, milliseconds=ms))
        return compare_pairs(setting.model.info.id, split, items, found)

    def _pair_models(self, setting: Setting) -> list[tuple[str, str, str, FoundationModel | None, str | None]]:
        """(method, title, note, model, why not) before and after tuning."""
        from studio.workspace.methods import NO_RUN

        before = ("zero_shot", "Before tuning", "no training", setting.model, None)
        run = setting.run
        if run is None:
            return [before, ("lora", "After tuning", "no run yet", None, NO_RUN)]
        note = f"LoRA r={run.spec.train.lora.rank}, {run.id}"
        try:
            return [before, ("lora", "After tuning", note, self._methods.tuned(setting.model, run), None)]
        except CannotRun as error:
            return [before, ("lora", "After tuning", note, None, str(error))]

    def _rank(
        self, modality: str, payload: Any, over: str, model: str, run: str | None, k: int, progress: Progress | None
    ) -> tuple[Ranking, ...]:
        """The project's distinct contents of modality `over`, nearest to one payload first."""
        if set(self._task.modalities) < {"image", "text"}:
            raise CannotRun("Search needs pictures with texts.", "Use an image–text project.")
        items = list({i.key(over): i for i in self._project.store.all_items() if self._task.trains_on(i)}.values())
        if not items:
            raise CannotRun("There is nothing to search yet.", "Import image–text pairs first.")
        setting = self._setting(model, run, None, None)
        rankings = []
        for name, title, _, tuned, why_not in self._pair_models(setting):
            if tuned is None:
                rankings.append(Ranking(name, title, (), 0.0, why_not))
                continue
            gallery, _ = self._features(tuned, over, items, progress)
            start = time.perf_counter()
            scores = gallery @ tuned.embed(modality, [payload])[0]
            best = scores.topk(min(k, len(items)))
            hits = tuple(Hit(items[i], float(s)) for s, i in zip(best.values, best.indices.tolist(), strict=True))
            rankings.append(Ranking(name, title, hits, (time.perf_counter() - start) * 1000))
        self._remember_use(any(ranking.hits for ranking in rankings))
        return tuple(rankings)

    def _features(
        self, model: FoundationModel, modality: str, items: Sequence[Item], progress: Progress | None
    ) -> tuple[Tensor, float | None]:
        """Cached features, and milliseconds an item where any had to be computed."""
        cache = self._methods.features
        missing = cache.missing(model, modality, items)
        start = time.perf_counter()
        found = cache.features(model, modality, items, self._read, progress)
        return found, (time.perf_counter() - start) * 1000 / missing if missing else None

    def _read(self, item: Item, modality: str) -> Any:
        source = item.key(modality)
        return self._readers[modality](self._project.media.read(source) if modality != "text" else source, item.name)

    def _held_out(self) -> tuple[Split, list[Item]]:
        for split in ("test", "val"):
            items = [i for i in self._project.store.all_items(split) if self._task.trains_on(i)]
            if items:
                return split, items
        counts = self._project.store.counts()
        waiting = counts.by_split["test"] or counts.by_split["val"]
        hint = f"Label some of the {waiting} items of the test split." if waiting else "Import items into the test split."
        raise CannotRun("There is no labelled held-out item to compare on.", hint)

    def _setting(self, model: str, run: str | None, shots: int | None, seed: int | None) -> Setting:
        """What to answer with. Left open, shots and seed are the run's, and few-shot learns from the run's own items.

        So zero-shot, few-shot and fine-tuned are compared on the same labels.
        """
        from studio.workspace.methods import Setting

        model = self._shelf.check(model)
        folder = self._training.folder(run) if run else self._newest(model, shots, seed)
        if folder is not None and folder.spec.model != model:
            raise BadInput(f"{folder.id} tuned {folder.spec.model}, not {model}.", "Choose its model, or another run.")
        base = self._shelf.get(model)
        if folder is None or (shots, seed) != (None, None):
            return Setting(base, folder, shots or 0, seed or 0)
        chosen = folder.spec.train
        return Setting(base, folder, chosen.shots, chosen.seed, self._training.snapshot(folder).train)

    def _newest(self, model: str, shots: int | None, seed: int | None) -> RunFolder | None:
        """The newest finished LoRA run with that model and, where they are said, those shots and that seed."""
        for found in self._training.runs():
            fits = shots in (None, found.config["shots"]) and seed in (None, found.config["seed"])
            if fits and found.model == model and found.method == "lora" and found.has_adapter and found.status == "done":
                return self._training.folder(found.id)
        return None

    def _one_modality(self) -> str:
        if len(self._task.modalities) > 1:
            raise CannotRun("Pairs have no classes to predict.", "Use search and ranking instead.")
        return self._task.modalities[0]
