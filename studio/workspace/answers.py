"""From methods to the columns of the test table, and from a stored comparison back to the value it was."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studio.core.results import ClassScore, Comparison, MethodAnswer, Score
from studio.core.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor

    from studio.workspace.methods import Method


def answers(
    methods: Sequence[Method], modality: str, payloads: Sequence[Any], classes: tuple[str, ...]
) -> list[list[MethodAnswer]]:
    """For each method, its answers to every payload; a model shared by two methods reads the inputs once."""
    features: dict[int, tuple[Tensor, float]] = {}
    columns = []
    for method in methods:
        if method.predictor is None:
            columns.append([MethodAnswer(method.name, method.title, method.note, None, None, method.why_not)] * len(payloads))
            continue
        model = method.predictor.model
        if id(model) not in features:
            start = time.perf_counter()
            features[id(model)] = (model.embed(modality, payloads), (time.perf_counter() - start) * 1000)
        x, embed_ms = features[id(model)]
        start = time.perf_counter()
        said = method.predictor.predict(x)
        ms = (embed_ms + (time.perf_counter() - start) * 1000) / len(payloads)
        columns.append([MethodAnswer(method.name, method.title, method.note, _aligned(p, classes), ms) for p in said])
    return columns


def _aligned(prediction: Prediction, classes: tuple[str, ...]) -> tuple[float, ...]:
    """Probabilities in the table's order; a class that the predictor does not know has none."""
    known = dict(zip(prediction.classes, prediction.probabilities, strict=True))
    return tuple(known.get(name, 0.0) for name in classes)


def comparison_from(values: Mapping[str, Any]) -> Comparison:
    """A stored comparison as the frozen value it was."""
    found = json.loads(json.dumps(values))
    scores = []
    for score in found.pop("scores"):
        score["per_class"] = tuple(ClassScore(**c) for c in score["per_class"])
        score["confusion"] = tuple(tuple(row) for row in score["confusion"])
        for name in ("ci95", "macro_f1_ci95"):
            score[name] = tuple(score[name]) if score[name] else None
        if score["recall_ci95"]:
            score["recall_ci95"] = {name: tuple(interval) for name, interval in score["recall_ci95"].items()}
        scores.append(Score(**score))
    return Comparison(scores=tuple(scores), **{**found, "classes": tuple(found["classes"])})
