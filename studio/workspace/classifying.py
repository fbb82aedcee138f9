"""Classes for inputs, and how well each method finds them on held-out items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.core.errors import BadInput
from studio.core.interfaces import Progress
from studio.core.results import Comparison, PredictionTable
from studio.core.types import Item
from studio.workspace.answers import answers
from studio.workspace.question import Question, Questions


class Classifying:
    """For tasks whose items get one of the classes."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._modality = questions.task.modalities[0]

    def predict(
        self,
        inputs: Sequence[Mapping[str, bytes | str]],
        question: Question,
        phrases: Sequence[str] | None,
        templates: Sequence[str] | None,
    ) -> list[PredictionTable]:
        """For each input one table. Raises BadInput, UnreadableItem."""
        modality, readers = self._modality, self._questions.readers
        if any(modality not in content for content in inputs):
            raise BadInput(f"This project takes {modality}s.", f"Give each input as {modality}.")
        payloads = [readers[modality](content[modality], f"input {n + 1}") for n, content in enumerate(inputs)]
        methods = self._questions.methods.all(question, phrases, templates)
        classes = self._classes()
        columns = answers(methods, modality, payloads, classes)
        return [PredictionTable(classes, tuple(column[n] for column in columns)) for n in range(len(payloads))]

    def compare(self, split: str, items: Sequence[Item], question: Question, progress: Progress | None) -> Comparison:
        """Every method on the same labelled items."""
        from studio.evaluation.comparison import Answers, compare_classes

        found = []
        for method in self._questions.methods.all(question, progress=progress):
            if method.predictor is None:
                found.append(Answers(method.name, method.title, method.note, why_not=method.why_not))
                continue
            x, ms = self._questions.features(method.predictor.model, self._modality, items, progress)
            said = method.predictor.predict(x)
            found.append(Answers(method.name, method.title, method.note, said, milliseconds=ms))
        return compare_classes(question.model.info.id, split, items, self._classes(), found)

    def _classes(self) -> tuple[str, ...]:
        return tuple(c.name for c in self._questions.project.store.classes())
