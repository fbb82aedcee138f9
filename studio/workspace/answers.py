"""From methods to the columns of the test table, and from a stored comparison back to the value it was."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from studio.core.results.answers import MethodAnswer
from studio.core.results.comparison import Comparison
from studio.core.types import Prediction
from studio.data.importers import MOST_ROWS

if TYPE_CHECKING:
    from torch import Tensor

    from studio.workspace.methods import Method


def answers(
    methods: Sequence[Method], modality: str, payloads: Sequence[Any], classes: tuple[str, ...]
) -> list[list[MethodAnswer]]:
    """For each method, its answers to every payload; a model shared by two methods reads the inputs once."""
    from studio.learning.predictor import live_features

    raw = {id(m.predictor.model) for m in methods if m.predictor is not None and m.predictor.needs_raw}
    seen: dict[int, tuple[Tensor, Tensor | None, float]] = {}
    columns = []
    for method in methods:
        if method.predictor is None:
            columns.append([MethodAnswer(method.name, method.title, method.note, None, None, method.why_not)] * len(payloads))
            continue
        model = method.predictor.model
        if id(model) not in seen:
            start = time.perf_counter()
            found = live_features(model, modality, payloads, id(model) in raw)
            seen[id(model)] = (*found, (time.perf_counter() - start) * 1000)
        x, before, embed_ms = seen[id(model)]
        start = time.perf_counter()
        said = method.predictor.predict(x, before)
        ms = (embed_ms + (time.perf_counter() - start) * 1000) / len(payloads)
        columns.append([_answer(method, p, classes, ms) for p in said])
    return columns


def answers_to(methods: Sequence[Method], x: Tensor, raw: Tensor | None, classes: tuple[str, ...]) -> tuple[MethodAnswer, ...]:
    """Each method's answer to one item by its features `[1, dim]`; all methods share their model."""
    return tuple(
        MethodAnswer(method.name, method.title, method.note, None, None, method.why_not)
        if method.predictor is None
        else _answer(method, method.predictor.predict(x, raw)[0], classes)
        for method in methods
    )


def _answer(method: Method, said: Prediction, classes: tuple[str, ...], ms: float | None = None) -> MethodAnswer:
    sure = None if method.threshold is None else said.confidence >= method.threshold
    return MethodAnswer(method.name, method.title, method.note, _aligned(said, classes), ms, sure=sure)


def _aligned(prediction: Prediction, classes: tuple[str, ...]) -> tuple[float, ...]:
    """Probabilities in the table's order; a class that the predictor does not know has none."""
    known = dict(zip(prediction.classes, prediction.probabilities, strict=True))
    return tuple(known.get(name, 0.0) for name in classes)


def comparison_from(values: Mapping[str, Any]) -> Comparison:
    """A stored comparison as the frozen value it was. Raises ValueError where it was stored by another version, or counts more
    than a project holds."""
    found: Comparison = TypeAdapter(Comparison).validate_python(values)
    shares = [share for point in found.risk for share in (point.coverage, point.risk)]
    if not all(0 <= share <= 1 for share in shares) or (found.calibration and found.calibration.n > MOST_ROWS):
        raise ValueError("No project holds so many items.")
    return found
