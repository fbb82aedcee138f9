"""Scores of several methods on the same held-out items, from what each answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from studio.core.results.comparison import Changes, Comparison, Score
from studio.core.types import Item, Prediction
from studio.evaluation.changes import changes
from studio.evaluation.metrics import (
    confusion,
    macro_f1,
    macro_f1_of_sets,
    mean_average_precision,
    per_class,
    scores_of_sets,
    wilson,
)
from studio.evaluation.verdict import verdict
from studio.tasks.objectives.pairs import hits


@dataclass(frozen=True, slots=True)
class Answers:
    """What one method said about the held-out items, or why it cannot."""

    method: str
    title: str
    note: str
    predictions: Sequence[Prediction] = ()
    similarity: Tensor | None = None
    """For pairs: `[n, n]`, pictures by texts."""
    milliseconds: float | None = None
    """Per item."""
    why_not: str | None = None


def compare_classes(
    model: str,
    split: str,
    items: Sequence[Item],
    classes: Sequence[str],
    answers: Sequence[Answers],
    few_shot: str | None = None,
    several: bool = False,
) -> Comparison:
    """Accuracy, macro-F1, per-class scores and confusion of each method on the same labelled `items`; where one may be of
    `several` classes, the share of items that are wholly right, macro-F1, per-class scores and mean average precision.

    What is said is of zero-shot, the rung `few_shot` and fine-tuned: testing every rung would find one by chance. It is no
    choice: that is the gate's, who never sees these items.
    """
    judge = _Sets(items, classes) if several else _Classes(items, classes)
    scores, right = [], {}
    for answer in answers:
        if answer.why_not is not None:
            scores.append(Score(answer.method, answer.title, answer.note, len(items), why_not=answer.why_not))
            continue
        right[answer.method], score = judge.score(answer)
        scores.append(score)
    titles = {a.method: "Few-shot" if a.method == few_shot else a.title for a in answers}
    shown = {method: hits for method, hits in right.items() if method in ("zero_shot", few_shot, "lora")}
    return Comparison(
        model,
        split,
        tuple(classes),
        tuple(scores),
        verdict(shown, titles),
        few_shot,
        changes=_changes(items, answers, titles, few_shot),
        several=several,
    )


def _changes(
    items: Sequence[Item], answers: Sequence[Answers], titles: Mapping[str, str], few_shot: str | None
) -> Changes | None:
    """From zero-shot to the last of few-shot and fine-tuned that answered."""
    said = {a.method: a.predictions for a in answers if a.why_not is None}
    after = next((method for method in ("lora", few_shot) if method in said), None)
    if after is None or after == "zero_shot" or "zero_shot" not in said:
        return None
    return changes((titles["zero_shot"], titles[after]), items, said["zero_shot"], said[after])


class _Classes:
    """Items of one class each."""

    def __init__(self, items: Sequence[Item], classes: Sequence[str]) -> None:
        self._classes, self._number = classes, {name: i for i, name in enumerate(classes)}
        self._truth = [self._number[str(item.label)] for item in items]

    def score(self, answer: Answers) -> tuple[list[bool], Score]:
        """(whether each item is right, the figures)."""
        truth, said, count = self._truth, [self._number[p.label] for p in answer.predictions], len(self._classes)
        table = confusion(truth, said, count)
        right = int(table.trace())
        f1, f1_ci = macro_f1(truth, said, count)
        return [a == b for a, b in zip(said, truth, strict=True)], Score(
            answer.method,
            answer.title,
            answer.note,
            len(truth),
            accuracy=right / len(truth),
            ci95=wilson(right, len(truth)),
            macro_f1=f1,
            macro_f1_ci95=f1_ci,
            per_class=per_class(table, self._classes),
            confusion=tuple(tuple(int(v) for v in row) for row in table),
            milliseconds=answer.milliseconds,
        )


class _Sets:
    """Items that may be of several classes."""

    def __init__(self, items: Sequence[Item], classes: Sequence[str]) -> None:
        self._classes = classes
        self._truth = np.array([[name in item.labels for name in classes] for item in items])

    def score(self, answer: Answers) -> tuple[list[bool], Score]:
        """(whether each item is wholly right, the figures)."""
        known = [dict(zip(p.classes, p.probabilities, strict=True)) for p in answer.predictions]
        probabilities = np.array([[of.get(name, 0.0) for name in self._classes] for of in known])
        said, n = probabilities > 0.5, len(self._truth)
        right = (said == self._truth).all(1)
        f1, f1_ci = macro_f1_of_sets(self._truth, said)
        return right.tolist(), Score(
            answer.method,
            answer.title,
            answer.note,
            n,
            accuracy=float(right.mean()),
            ci95=wilson(int(right.sum()), n),
            macro_f1=f1,
            macro_f1_ci95=f1_ci,
            mean_average_precision=mean_average_precision(self._truth, probabilities),
            per_class=scores_of_sets(self._truth, said, self._classes),
            milliseconds=answer.milliseconds,
        )


def compare_pairs(model: str, split: str, items: Sequence[Item], answers: Sequence[Answers]) -> Comparison:
    """Recall@1/5/10 both ways of each method on the same pairs; see `hits` for what counts as right."""
    images, texts = [i.key("image") for i in items], [i.key("text") for i in items]
    scores, right = [], {}
    for answer in answers:
        if answer.why_not is not None or answer.similarity is None:
            scores.append(Score(answer.method, answer.title, answer.note, len(set(images)), why_not=answer.why_not))
            continue
        found = hits(answer.similarity, images, texts)
        right[answer.method] = [bool(hit) for hit in found["image_to_text@1"]]
        intervals = {name: wilson(int(hit.sum()), len(hit)) for name, hit in found.items()}
        scores.append(
            Score(
                answer.method,
                answer.title,
                answer.note,
                len(set(images)),
                ci95=intervals["image_to_text@1"],
                recall={name: float(hit.float().mean()) for name, hit in found.items()},
                recall_ci95=intervals,
                milliseconds=answer.milliseconds,
            )
        )
    titles = {a.method: a.title for a in answers}
    return Comparison(model, split, (), tuple(scores), verdict(right, titles, "first hit"))
