"""Pictures for a text and texts for a picture, before and after tuning, and how often the right one is among the first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from studio.core.errors import CannotRun
from studio.core.interfaces import FoundationModel, Progress
from studio.core.results.answers import Hit, Ranking
from studio.core.results.comparison import Comparison
from studio.core.types import Item
from studio.workspace.question import Question, Questions


class Retrieval:
    """For tasks that match an item's parts with one another."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def search(self, text: str, question: Question, k: int, progress: Progress | None) -> tuple[Ranking, ...]:
        """The project's pictures, nearest to a text first."""
        return self._rank("text", self._questions.readers["text"](text, "the query"), "image", question, k, progress)

    def rank(self, image: bytes, question: Question, k: int, progress: Progress | None) -> tuple[Ranking, ...]:
        """The project's texts, nearest to a picture first."""
        return self._rank("image", self._questions.readers["image"](image, "the picture"), "text", question, k, progress)

    def compare(self, split: str, items: Sequence[Item], question: Question, progress: Progress | None) -> Comparison:
        """Recall@k both ways, before and after tuning, on the same pairs."""
        from studio.evaluation.comparison import Answers, compare_pairs

        found = []
        for name, title, note, model, why_not in self._models(question):
            if model is None:
                found.append(Answers(name, title, note, why_not=why_not))
                continue
            images, _, ms = self._questions.features(model, "image", items, progress)
            texts, *_ = self._questions.features(model, "text", items, progress)
            found.append(Answers(name, title, note, similarity=images @ texts.T, milliseconds=ms))
        return compare_pairs(question.model.info.id, split, items, found)

    def _models(self, question: Question) -> list[tuple[str, str, str, FoundationModel | None, str | None]]:
        """(method, title, note, model, why not) before and after tuning."""
        from studio.workspace.methods import NO_RUN

        before = ("zero_shot", "Before tuning", "no training", question.model, None)
        run = question.run
        if run is None:
            return [before, ("lora", "After tuning", "no run yet", None, NO_RUN)]
        note = f"LoRA r={run.spec.train.lora.rank}, {run.id}"
        try:
            return [before, ("lora", "After tuning", note, self._questions.methods.tuned(question.model, run), None)]
        except CannotRun as error:
            return [before, ("lora", "After tuning", note, None, str(error))]

    def _rank(
        self, modality: str, payload: Any, over: str, question: Question, k: int, progress: Progress | None
    ) -> tuple[Ranking, ...]:
        """The project's distinct contents of modality `over`, nearest to one payload first."""
        every = self._questions.project.store.all_items()
        items = list({i.key(over): i for i in every if self._questions.task.trains_on(i)}.values())
        if not items:
            raise CannotRun("There is nothing to search yet.", "Import image–text pairs first.")
        rankings = []
        for name, title, _, model, why_not in self._models(question):
            if model is None:
                rankings.append(Ranking(name, title, (), 0.0, why_not))
                continue
            gallery, *_ = self._questions.features(model, over, items, progress)
            start = time.perf_counter()
            scores = gallery @ model.embed(modality, [payload])[0]
            best = scores.topk(min(k, len(items)))
            hits = tuple(Hit(items[i], float(s)) for s, i in zip(best.values, best.indices.tolist(), strict=True))
            rankings.append(Ranking(name, title, hits, (time.perf_counter() - start) * 1000))
        return tuple(rankings)
