"""Scores of several methods on the same held-out items, from what each answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from studio.core.results.comparison import Changes, Comparison, Score
from studio.core.types import Item, Prediction
from studio.evaluation.changes import changes
from studio.evaluation.metrics import confusion, macro_f1, per_class, wilson
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
) -> Comparison:
    """Accuracy, macro-F1, per-class scores and confusion of each method on the same labelled `items`.

    What is said is of zero-shot, the rung `few_shot` and fine-tuned: testing every rung would find one by chance. It is no
    choice: that is the gate's, who never sees these items.
    """
    number = {name: i for i, name in enumerate(classes)}
    truth = [number[str(item.label)] for item in items]
    scores, right = [], {}
    for answer in answers:
        if answer.why_not is not None:
            scores.append(Score(answer.method, answer.title, answer.note, len(items), why_not=answer.why_not))
            continue
        said = [number[p.label] for p in answer.predictions]
        right[answer.method] = [a == b for a, b in zip(said, truth, strict=True)]
        scores.append(_class_score(answer, truth, said, classes))
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


def _class_score(answer: Answers, truth: Sequence[int], said: Sequence[int], classes: Sequence[str]) -> Score:
    table = confusion(truth, said, len(classes))
    right = int(table.trace())
    f1, f1_ci = macro_f1(truth, said, len(classes))
    return Score(
        answer.method,
        answer.title,
        answer.note,
        len(truth),
        accuracy=right / len(truth),
        ci95=wilson(right, len(truth)),
        macro_f1=f1,
        macro_f1_ci95=f1_ci,
        per_class=per_class(table, classes),
        confusion=tuple(tuple(int(v) for v in row) for row in table),
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
