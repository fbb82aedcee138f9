"""Where a run's inputs come from: read anew at every step, or computed once and kept.

Kept is what never changes: the frozen beginning of a tower over a fixed view of an item (a view is one crop of a picture, a
pure function of (seed, view, item), so that a resumed run repeats it), and inputs that are not augmented. Each view is
computed whole, in a fixed order, when its first step comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from studio.core.config import TrainConfig
from studio.core.interfaces import AdaptedModel, Inputs, Snapshot
from studio.core.types import Item
from studio.learning.batches import BatchReader, Place, ahead, batch_places, crop
from studio.learning.rows import Rows

CHUNK = 32
"""Items a forward pass while a view is computed."""
MESSAGE_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """What all sources of one run share."""

    model: AdaptedModel
    data: Snapshot
    pictures: Rows
    """Decoded pictures, scaled down."""
    states: Rows
    """What the frozen layers made of them."""
    autocast: Callable[[], AbstractContextManager[None]]
    dtype: torch.dtype
    """In which states are kept: bf16 costs half the room of fp32 and rounds each value by at most 0.4 %."""

    def close(self) -> None:
        self.pictures.close()
        self.states.close()


class Sources:
    """The inputs of one list of items, over all modalities. `views` 0: augmented pictures are cut anew at every step."""

    def __init__(self, shelf: Shelf, name: str, items: Sequence[Item], modalities: Sequence[str], config: TrainConfig) -> None:
        self._items, self._config, self._augment = items, config, config.augment and name == "train"
        self._kept = [_Kept(shelf, name, items, m, self._views(m), config) for m in modalities if self._keeps(shelf.model, m)]
        known = {kept.modality for kept in self._kept}
        self._reader = BatchReader(shelf.model, shelf.data, [m for m in modalities if m not in known], shelf.pictures)
        self.prefixes = tuple(kept.modality for kept in self._kept if kept.prefix)
        """Modalities whose frozen layers are computed once."""

    def steps(self, batch_size: int, first: int, last: int, together: int = 1) -> Iterator[tuple[list[Place], dict[str, Inputs]]]:
        """(places, inputs that are read anew) of steps `first` … `last - 1`, the next one read in the background;
        `together` items of a label stand together where that is more than one."""
        labels = [item.label for item in self._items]

        def read(step: int) -> tuple[list[Place], dict[str, Inputs]]:
            seed, min_crop = self._config.seed, self._config.min_crop
            places = batch_places(len(self._items), batch_size, seed, step, labels, together)
            crops = [crop(seed, step, n, min_crop) for n in range(len(places))] if self._augment else None
            return places, self._reader.inputs([self._items[i] for _, i in places], crops)

        return ahead(read, range(first, last))

    def compute(self, places: Sequence[Place]) -> Iterator[str]:
        """Compute what these places need and is not there yet; gives a message every few seconds."""
        for kept in self._kept:
            for view in sorted({kept.view(epoch) for epoch, _ in places}):
                yield from kept.compute(view)

    def kept(self, places: Sequence[Place]) -> dict[str, Inputs]:
        """Inputs of what is kept, by modality; `compute` comes first."""
        return {kept.modality: kept.inputs(places) for kept in self._kept}

    def all(self, size: int) -> Iterator[dict[str, Inputs]]:
        """Inputs of all items in order, `size` at a time, not augmented."""
        for start in range(0, len(self._items), size):
            places = [(0, i) for i in range(start, min(start + size, len(self._items)))]
            yield {**self.kept(places), **self._reader.inputs([self._items[i] for _, i in places])}

    def everything(self) -> Iterator[str]:
        """`compute` for the first view of all items."""
        return self.compute([(0, 0)])

    def _views(self, modality: str) -> int:
        return self._config.views if self._augmented(modality) else 1

    def _augmented(self, modality: str) -> bool:
        return self._augment and modality == "image"

    def _keeps(self, model: AdaptedModel, modality: str) -> bool:
        # pictures are kept even without a prefix: decoding costs more than reading
        return self._views(modality) > 0 and (model.has_prefix(modality) or (modality == "image" and not self._augment))


class _Kept:
    """One modality of one list of items, in `views` fixed views."""

    def __init__(self, shelf: Shelf, name: str, items: Sequence[Item], modality: str, views: int, config: TrainConfig) -> None:
        self.modality = modality
        self.prefix = shelf.model.has_prefix(modality)
        self._shelf, self._name, self._items, self._views, self._config = shelf, name, items, views, config
        self._augment = config.augment and name == "train" and modality == "image"
        self._reader = BatchReader(shelf.model, shelf.data, [modality], shelf.pictures)
        self._names: tuple[str, ...] = ()
        self._done: set[int] = set()

    def view(self, epoch: int) -> int:
        """Which view a pass over the items sees."""
        return epoch % self._views

    def compute(self, view: int) -> Iterator[str]:
        if view in self._done:
            return
        rows = self._order()
        chunks = [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]
        done, said = 0, 0.0
        for chunk, inputs in zip(chunks, ahead(lambda chunk: self._read(view, chunk), chunks), strict=True):
            self._put(view, chunk, inputs)
            done += len(chunk)
            if time.monotonic() - said > MESSAGE_EVERY_S:
                said = time.monotonic()
                what = f"view {view + 1} of {self._views}" if self._augment else self._name
                yield f"Computing once what never changes, {what}: {done} of {len(rows)} items"
        self._done.add(view)

    def inputs(self, places: Sequence[Place]) -> Inputs:
        keys = [(self.view(epoch), i) for epoch, i in places]
        return {name: _together([self._shelf.states.get(self._key(*key, name)) for key in keys]) for name in self._names}

    def _order(self) -> list[int]:
        """Texts of like length together, so that little is padded."""
        if self.modality != "text":
            return list(range(len(self._items)))
        return sorted(range(len(self._items)), key=lambda i: len(self._items[i].key("text")))

    def _read(self, view: int, chunk: Sequence[int]) -> Inputs:
        crops = [crop(self._config.seed, view, i, self._config.min_crop) for i in chunk] if self._augment else None
        return self._reader.inputs([self._items[i] for i in chunk], crops)[self.modality]

    def _put(self, view: int, chunk: Sequence[int], inputs: Inputs) -> None:
        if self.prefix:
            with self._shelf.autocast():
                inputs = self._shelf.model.prefix(self.modality, inputs)
        self._names = tuple(inputs)
        for name, tensor in inputs.items():
            kept = tensor.to("cpu", self._shelf.dtype if tensor.is_floating_point() else tensor.dtype)
            for i, row in zip(chunk, kept.unbind(), strict=True):
                self._shelf.states.put(self._key(view, i, name), row)

    def _key(self, view: int, index: int, name: str) -> tuple[str, str, int, int, str]:
        return (self._name, self.modality, view, index, name)


def _together(rows: Sequence[Tensor]) -> Tensor:
    """`[n, …]`; texts of different lengths are padded with zeros, which their masks hide."""
    if len({row.shape for row in rows}) == 1:
        return torch.stack(list(rows))
    return pad_sequence(list(rows), batch_first=True)
