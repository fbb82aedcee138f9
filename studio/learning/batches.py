"""Which items make up each step and how each picture is cut: pure functions of (seed, step, position).

So there is no loader state to save, and a resumed run sees the same batches as one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from studio.core.interfaces import AdaptedModel, Crop, Inputs, Snapshot
from studio.core.types import Item

T = TypeVar("T")


def batch_indices(count: int, batch_size: int, seed: int, step: int) -> list[int]:
    """Positions `[batch_size]` of step `step` (from 0) in the endless row of shuffled passes over `count` items.

    A batch larger than the set is the whole set once: repeating items in it would only cost time.
    """
    if batch_size >= count:
        return order(count, seed, step)
    found: list[int] = []
    position = step * batch_size
    while len(found) < batch_size:
        epoch, offset = divmod(position + len(found), count)
        found += order(count, seed, epoch)[offset : offset + batch_size - len(found)]
    return found


def order(count: int, seed: int, epoch: int) -> list[int]:
    """A permutation of `count` positions."""
    return [int(i) for i in np.random.default_rng((seed, 0, epoch)).permutation(count)]


def crop(seed: int, step: int, position: int, min_area: float) -> Crop:
    """A random part of a picture and whether it is mirrored: RandomResizedCrop's distribution in shares of the sides."""
    rng = np.random.default_rng((seed, 1, step, position))
    area = rng.uniform(min_area, 1.0)
    stretch = float(np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)) / 2))
    width, height = min(1.0, area**0.5 * stretch), min(1.0, area**0.5 / stretch)
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return (float(left), float(top), float(width), float(height), bool(rng.random() < 0.5))


class BatchReader:
    """Reads and prepares the next step's inputs in the background while the present step computes."""

    def __init__(self, model: AdaptedModel, data: Snapshot, modalities: Sequence[str], augment: bool, min_crop: float) -> None:
        self._model = model
        self._data = data
        self._modalities = modalities
        self._augment = augment
        self._min_crop = min_crop

    def steps(
        self, items: Sequence[Item], batch_size: int, seed: int, first: int, last: int
    ) -> Iterator[tuple[int, list[Item], dict[str, Inputs]]]:
        """(step, items, inputs by modality) for steps `first` … `last - 1`."""

        def read(step: int) -> tuple[int, list[Item], dict[str, Inputs]]:
            chosen = [items[i] for i in batch_indices(len(items), batch_size, seed, step)]
            crops = [crop(seed, step, n, self._min_crop) for n in range(len(chosen))] if self._augment else None
            return step, chosen, self.inputs(chosen, crops)

        with ThreadPoolExecutor(max_workers=1) as pool:
            ahead: Future[tuple[int, list[Item], dict[str, Inputs]]] | None = None
            for step in range(first, last):
                ready = ahead.result() if ahead else read(step)
                ahead = pool.submit(read, step + 1) if step + 1 < last else None
                yield ready

    def inputs(self, items: Sequence[Item], crops: Sequence[Crop] | None = None) -> dict[str, Inputs]:
        """Model inputs of some items, by modality."""
        return {
            m: self._model.prepare(m, self._data.payloads(items, m), crops if m == "image" else None) for m in self._modalities
        }
