"""Rendered pictures on disk, drawn ahead by processes of their own; what is there stays there over restarts.

Picture n of a pool is picture n of its seed, whoever draws it and when; once the world is drawn otherwise, it is another pool.
Draws nothing in the process that reads.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from assets.make import materials, shapes, surfaces, textures, wear, world
from assets.make import render as drawing_code
from assets.make.render import render
from assets.make.world import scene

CHUNK = 32
"""Pictures drawn between two marks of progress."""
AHEAD = 2048
"""Pictures drawn beyond those that were asked for: more would take the processor from the training."""

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class Pool:
    """`size` × `size` pictures of one seed, `capacity` of them at most."""

    def __init__(self, folder: Path, seed: int, size: int, capacity: int) -> None:
        self.seed, self.size = seed, size
        self.capacity = -(-capacity // CHUNK) * CHUNK
        name = f"pictures-{seed}-{size}-{self.capacity}-{_drawn_by()}"
        folder.mkdir(parents=True, exist_ok=True)
        self._pixels: Pixels = _mapped(folder / f"{name}.rgb", (self.capacity, size, size, 3))
        self._done: Pixels = _mapped(folder / f"{name}.done", (self.capacity // CHUNK,))
        self._wanted = _mapped(folder / f"{name}.wanted", (1,), np.int64)

    def draw(self, chunk: int) -> None:
        """Render one chunk, where it is not there yet."""
        if self._done[chunk]:
            return
        for n in range(chunk * CHUNK, (chunk + 1) * CHUNK):
            self._pixels[n] = np.asarray(render(scene(self.seed, n), self.size))
        self._done[chunk] = 1

    def wants(self, chunk: int) -> bool:
        """Whether it will be asked for soon."""
        return chunk * CHUNK <= int(self._wanted[0]) + AHEAD

    def ready(self) -> int:
        """How many pictures there are from the first on."""
        missing = np.flatnonzero(self._done == 0)
        return int(missing[0]) * CHUNK if len(missing) else self.capacity

    def take(self, numbers: np.ndarray) -> Pixels:
        """`[n, size, size, 3]`; waits for those that are still being drawn."""
        last = int(numbers.max()) // CHUNK
        self._wanted[0] = max(int(self._wanted[0]), int(numbers.max()))
        while not self._done[: last + 1].all():
            time.sleep(0.05)
        found: Pixels = self._pixels[numbers]
        return found


@contextmanager
def drawing(folder: Path, seed: int, size: int, capacity: int, workers: int) -> Iterator[Pool]:
    """The pool, with that many processes at work on it until the end of the block."""
    pool = Pool(folder, seed, size, capacity)
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=_draw_all, args=(folder, seed, size, capacity, i, workers), daemon=True) for i in range(workers)
    ]
    for process in started:
        process.start()
    try:
        yield pool
    finally:
        for process in started:
            process.terminate()
            process.join()


def _draw_all(folder: Path, seed: int, size: int, capacity: int, first: int, step: int) -> None:
    parent = os.getppid()
    pool = Pool(folder, seed, size, capacity)
    for chunk in range(first, pool.capacity // CHUNK, step):
        while not pool.wants(chunk) and os.getppid() == parent:
            time.sleep(0.2)
        if os.getppid() != parent:  # the training was killed
            return
        pool.draw(chunk)


def _drawn_by() -> str:
    """A mark of all that says what a picture shows and how: with other code, the same number is another picture."""
    made = hashlib.sha256()
    for module in (world, drawing_code, shapes, surfaces, materials, textures, wear):
        made.update(Path(str(module.__file__)).read_bytes())
    return made.hexdigest()[:12]


def _mapped(path: Path, shape: tuple[int, ...], kind: type[np.generic] = np.uint8) -> Any:
    """A file as an array, zeros where it is new."""
    with path.open("ab") as file:
        file.truncate(int(np.prod(shape)) * np.dtype(kind).itemsize)
    return np.memmap(path, kind, "r+", shape=shape)
