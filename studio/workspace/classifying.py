"""Classes for inputs, and how well each method finds them on held-out items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.core.errors import BadInput, CannotRun
from studio.core.interfaces import Progress
from studio.core.results.answers import PredictionTable
from studio.core.results.comparison import Best, Comparison
from studio.core.results.evidence import Ladder, RungRow
from studio.core.types import Item
from studio.workspace.answers import answers, answers_to
from studio.workspace.question import Question, Questions

if TYPE_CHECKING:
    from studio.runs.folder import RunFolder
    from studio.workspace.methods import Climbed


LEANS = 0.25
"""Difference of a class's share among the labels and among the held-out items that a person is told of."""


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
        names = [str(content.get("name", f"input {n}")) for n, content in enumerate(inputs, 1)]
        payloads = [readers[modality](content[modality], name) for content, name in zip(inputs, names, strict=True)]
        methods = self._questions.methods.live(question, phrases, templates)
        classes = self._classes()
        columns = answers(methods, modality, payloads, classes)
        several = self._questions.task.several
        return [PredictionTable(classes, tuple(column[n] for column in columns), several) for n in range(len(payloads))]

    def suggest(self, item: Item, question: Question) -> PredictionTable:
        """Zero-shot and few-shot on an item of the project; few-shot's first rung alone, as each label asks anew."""
        methods = [self._questions.methods.zero_shot(question), self._questions.methods.few_shot(question, most=0)]
        x, raw, _ = self._questions.features(question.model, self._modality, [item], None)
        classes = self._classes()
        return PredictionTable(classes, answers_to(methods, x, raw, classes), self._questions.task.several)

    def compare(self, split: str, items: Sequence[Item], question: Question, progress: Progress | None) -> Comparison:
        """Every method on the same labelled items, and which is best by the labels alone."""
        from studio.evaluation.comparison import Answers, compare_classes
        from studio.workspace.methods import Method

        found, task = [], self._questions.task
        for method in self._questions.methods.every(question, progress):
            if method.predictor is None:
                found.append(Answers(method.name, method.title, method.note, why_not=method.why_not))
                continue
            x, raw, ms = self._questions.features(method.predictor.model, self._modality, items, progress)
            said = method.predictor.predict(x, raw)
            found.append(Answers(method.name, method.title, method.note, said, milliseconds=ms))
        climbed = self._questions.methods.climbed(question, progress)
        if isinstance(climbed, Method):
            return compare_classes(
                question.model.info.id, split, items, self._classes(), found, several=self._questions.task.several
            )
        few_shot = climbed.few_shot.rung
        compared = compare_classes(
            question.model.info.id, split, items, self._classes(), found, few_shot, self._questions.task.several
        )
        compared = replace(compared, caution=_leaning(climbed.items, items, task.said_of))
        return self._with_evidence(compared, question, climbed, progress)

    def best(self, question: Question) -> Best:
        """The method to use. Raises CannotRun where nothing can be learnt from."""
        from studio.workspace.choosing import choose
        from studio.workspace.methods import Method

        climbed = self._questions.methods.climbed(question)
        if isinstance(climbed, Method):
            raise CannotRun(climbed.why_not or "There is nothing to learn from.")
        return choose(self._questions, question, climbed).best

    def _with_evidence(self, compared: Comparison, question: Question, climbed: Climbed, progress: Progress | None) -> Comparison:
        from studio.workspace.choosing import choose, curve

        choice = choose(self._questions, question, climbed)
        calibration, risk = choice.calibration()
        return replace(
            compared,
            best=choice.best,
            ladder=_ladder(compared, choice.best, climbed, question.run),
            calibration=calibration,
            risk=risk,
            curve=curve(climbed, choice.tuning, progress),
        )

    def _classes(self) -> tuple[str, ...]:
        return tuple(c.name for c in self._questions.project.store.classes())


def _leaning(learnt: Sequence[Item], judged: Sequence[Item], said_of: Callable[[Item], tuple[str, ...]]) -> str:
    """A caution where a class is much more, or much less, of the labels than of the held-out items; else empty."""
    of_labels, of_items = (Counter(name for item in items for name in said_of(item)) for items in (learnt, judged))
    shares = {name: (of_labels[name] / len(learnt), of_items[name] / len(judged)) for name in {*of_labels, *of_items}}
    if not shares:
        return ""
    name, (first, second) = max(shares.items(), key=lambda pair: abs(pair[1][0] - pair[1][1]))
    if abs(first - second) < LEANS:
        return ""
    more = "more" if first > second else "less"
    return (
        f"{name!r} is {100 * first:.0f} % of the labels learnt from and {100 * second:.0f} % of these items: "
        f"what learns expects it {more} often than it comes."
    )


def _ladder(compared: Comparison, best: Best, climbed: Climbed, run: RunFolder | None) -> Ladder:
    """One row a method: accuracy on the held-out items; loss out of fold, of fine-tuning on its run's validation items."""
    from studio.workspace.choosing import losses_of

    losses = {e.name: e.log_likelihoods.neg() for e in climbed.ladder.evidence}
    seconds = dict(climbed.ladder.seconds)
    measure = "share wholly right" if compared.several else "accuracy"
    judged_on = f"{measure} on the held-out items, loss out of fold on {len(climbed.items)} labels"
    tuned = compared.score("lora")
    if run is not None and tuned is not None and tuned.accuracy is not None:
        if (spent := run.seconds()) is not None:
            seconds["lora"] = spent
        if (found := losses_of(run)) is not None:
            losses["lora"] = found
            judged_on += f", that of {tuned.title} on {len(found)} validation items"
    rows = tuple(
        RungRow(
            score.method,
            score.title,
            score.note,
            score.accuracy,
            score.ci95,
            float(losses[score.method].mean()) if score.method in losses else None,
            float(losses[score.method].std()) / len(losses[score.method]) ** 0.5 if score.method in losses else None,
            seconds.get(score.method),
            score.why_not,
        )
        for score in compared.scores
    )
    return Ladder(rows, best.rung, best.reason, judged_on, measure.capitalize())
