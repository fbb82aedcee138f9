"""Which items make up each step and how each picture is cut: pure functions of (seed, step, position).

So there is no loader state to save, and a resumed run sees the same batches as one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch

from studio.core.interfaces import AdaptedModel, Crop, Inputs, Snapshot
from studio.core.types import Item
from studio.learning.rows import Rows

T = TypeVar("T")
R = TypeVar("R")

Place = tuple[int, int]
"""(pass over the items, position of the item)."""


def batch_places(
    count: int, batch_size: int, seed: int, step: int, labels: Sequence[str | None] = (), together: int = 1
) -> list[Place]:
    """The `batch_size` places of step `step` (from 0) in the endless row of shuffled passes over `count` items.

    A batch larger than the set is the whole set once: repeating items in it would only cost time. With `together` > 1,
    passes are those of `grouped_order`.
    """

    def row(epoch: int) -> list[int]:
        return order(count, seed, epoch) if together == 1 else grouped_order(labels, together, seed, epoch)

    if batch_size >= count:
        return [(step, i) for i in row(step)]
    found: list[Place] = []
    position = step * batch_size
    while len(found) < batch_size:
        epoch, offset = divmod(position + len(found), count)
        found += [(epoch, i) for i in row(epoch)[offset : offset + batch_size - len(found)]]
    return found


def order(count: int, seed: int, epoch: int) -> list[int]:
    """A permutation of `count` positions."""
    return [int(i) for i in np.random.default_rng((seed, 0, epoch)).permutation(count)]


def grouped_order(labels: Sequence[str | None], together: int, seed: int, epoch: int) -> list[int]:
    """A permutation in which items of one label stand in groups of `together`, a label's groups spread over the whole pass:
    so a batch holds pairs within classes however many classes there are, and classes in their proportions."""
    of_label: dict[str | None, list[int]] = {}
    for i in order(len(labels), seed, epoch):
        of_label.setdefault(labels[i], []).append(i)
    rng = np.random.default_rng((seed, 2, epoch))
    groups: list[tuple[float, list[int]]] = []
    for _, members in sorted(of_label.items(), key=lambda entry: str(entry[0])):
        parts = [members[i : i + together] for i in range(0, len(members), together)]
        groups += [((n + float(rng.random())) / len(parts), part) for n, part in enumerate(parts)]
    return [i for _, part in sorted(groups) for i in part]


def crop(seed: int, step: int, position: int, min_area: float) -> Crop:
    """A random part of a picture and whether it is mirrored: RandomResizedCrop's distribution in shares of the sides."""
    rng = np.random.default_rng((seed, 1, step, position))
    area = rng.uniform(min_area, 1.0)
    stretch = float(np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)) / 2))
    width, height = min(1.0, area**0.5 * stretch), min(1.0, area**0.5 / stretch)
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return (float(left), float(top), float(width), float(height), bool(rng.random() < 0.5))


def ahead(read: Callable[[T], R], asked: Iterable[T]) -> Iterator[R]:
    """`read` of each, in order, the next one in the background while the caller works with the present one."""
    todo = iter(asked)
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = [pool.submit(read, one) for one in _first(todo)]
        while coming:
            ready = coming.pop().result()
            coming = [pool.submit(read, one) for one in _first(todo)]
            yield ready


class BatchReader:
    """Reads and prepares model inputs. A picture that is cut anew at every step is decoded once and kept in `pictures`,
    scaled down to what its crops need."""

    def __init__(self, model: AdaptedModel, data: Snapshot, modalities: Sequence[str], pictures: Rows) -> None:
        self._model = model
        self._data = data
        self._modalities = modalities
        self._pictures = pictures

    def inputs(self, items: Sequence[Item], crops: Sequence[Crop] | None = None) -> dict[str, Inputs]:
        """Model inputs of some items, by modality."""
        return {m: self._prepared(m, items, crops if m == "image" else None) for m in self._modalities}

    def _prepared(self, modality: str, items: Sequence[Item], crops: Sequence[Crop] | None) -> Inputs:
        if crops is None:
            return self._model.prepare(modality, self._data.payloads(items, modality))
        return self._model.prepare(modality, self._reduced(modality, items), crops)

    def _reduced(self, modality: str, items: Sequence[Item]) -> list[Any]:
        missing = {item.key(modality): item for item in items if item.key(modality) not in self._pictures}
        for key, payload in zip(missing, self._data.payloads(missing.values(), modality), strict=True):
            self._pictures.put(key, torch.from_numpy(self._model.reduced(modality, payload)))
        return [self._pictures.get(item.key(modality)).numpy() for item in items]


def _first(todo: Iterator[T]) -> list[T]:
    return [one for one in (next(todo, None),) if one is not None]
