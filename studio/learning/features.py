"""The features' cache: computed once per (weights, preprocessing, content), kept on disk, read through a memory map.

A space is two append-only files: `vectors.f32` (rows of `dim` float32) and `keys.bin` (32-byte sha256 a row). Vectors
are on disk before their keys, so a row counts only when both are there and a kill at any point leaves a valid cache.
Beside them, `pace.json` says how long how many items took.
Owns the folder given to it; refuses to know where items come from.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.interfaces import FoundationModel, Progress
from studio.core.publish import publish_text
from studio.core.types import Item

BATCH = 64
KEY_BYTES = 32

Read = Callable[[Item, str], Any]
"""`read(item, modality)` → payload."""


class FeatureCache:
    """Features of one project."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spaces: dict[str, _Space] = {}
        self._lock = threading.Lock()

    def features(
        self,
        model: FoundationModel,
        modality: str,
        items: Sequence[Item],
        read: Read,
        progress: Progress | None = None,
    ) -> Tensor:
        """Unit features `[len(items), dim]`, float32, computing only what is not there yet."""
        return self.both(model, modality, items, read, progress)[0]

    def both(
        self,
        model: FoundationModel,
        modality: str,
        items: Sequence[Item],
        read: Read,
        progress: Progress | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """(unit features `[n, dim]`, features before the model's projection `[n, w]`, None where it has none).

        Where there is a projection, what is kept is what comes before it: one forward pass gives both.
        """
        space = self._space(model, modality)
        keys = [content_key(item, modality) for item in items]
        missing = space.missing(keys)
        todo = [item for item, key in zip(items, keys, strict=True) if missing.pop(key, None) is not None]
        self._fill(space, model, modality, todo, read, progress)
        kept, matrix = torch.from_numpy(space.rows(keys)), model.projection(modality)
        return (kept, None) if matrix is None else (normalize(kept @ matrix, dim=-1), kept)

    def unread(self, model: FoundationModel, modality: str, items: Sequence[Item]) -> int:
        """How many contents of these items would have to be computed."""
        return len(self._space(model, modality).missing([content_key(item, modality) for item in items]))

    def milliseconds(self, model: FoundationModel, modality: str) -> float | None:
        """What an item took, on average over all that were ever computed, reading included; None before the first."""
        items, seconds = self._space(model, modality).pace()
        return 1000 * seconds / items if items else None

    def _fill(
        self,
        space: _Space,
        model: FoundationModel,
        modality: str,
        todo: Sequence[Item],
        read: Read,
        progress: Progress | None,
    ) -> None:
        if not todo:
            return
        started = time.perf_counter()
        embed = model.embed if model.projection(modality) is None else model.embed_before
        batches = [todo[i : i + BATCH] for i in range(0, len(todo), BATCH)]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            # the next batch is decoded while this one goes through the model
            ahead = [pool.submit(read, item, modality) for item in batches[0]]
            for n, batch in enumerate(batches):
                reading = ahead
                ahead = [pool.submit(read, item, modality) for item in (batches[n + 1] if n + 1 < len(batches) else ())]
                vectors = embed(modality, [f.result() for f in reading]).numpy()
                space.append([content_key(item, modality) for item in batch], vectors)
                if progress:
                    progress(min((n + 1) * BATCH, len(todo)), len(todo), f"Reading {modality}s with the model")
        space.took(len(todo), time.perf_counter() - started)

    def _space(self, model: FoundationModel, modality: str) -> _Space:
        info = model.info
        matrix = model.projection(modality)
        kept = "" if matrix is None else "|before projection"
        name = hashlib.sha256(f"{info.weights_hash}|{info.preprocessing}|{modality}{kept}".encode()).hexdigest()[:24]
        with self._lock:
            if name not in self._spaces:
                self._spaces[name] = _Space(self._folder / name, info.dim if matrix is None else len(matrix))
            return self._spaces[name]


def content_key(item: Item, modality: str) -> bytes:
    """32 bytes that identify one content: a picture's sha256 as it is, a text's computed."""
    key = item.key(modality)
    return bytes.fromhex(key) if modality != "text" else hashlib.sha256(key.encode()).digest()


class _Space:
    """One space's two files; thread-safe, and safe beside other processes through a lock file."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim
        self._index: dict[bytes, int] = {}
        self._lock = threading.RLock()

    def missing(self, keys: Sequence[bytes]) -> dict[bytes, bool]:
        """Keys without a row, in order, each once."""
        with self._lock:
            self._refresh()
            return {k: True for k in keys if k not in self._index}

    def rows(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        with self._lock:
            if not keys:
                return np.zeros((0, self._dim), np.float32)
            rows = np.fromiter((self._index[k] for k in keys), np.int64, len(keys))
            vectors = np.memmap(self._folder / "vectors.f32", np.float32, "r", shape=(len(self._index), self._dim))
            return np.asarray(vectors[rows])

    def append(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Add rows; keys that another process wrote meanwhile are left out."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock, FileLock(self._folder / "lock"):
            self._refresh()
            new = [i for i, k in enumerate(keys) if k not in self._index]
            new = [i for i in new if keys.index(keys[i]) == i]
            known = len(self._index)
            _write_at(self._folder / "vectors.f32", known * self._dim * 4, np.ascontiguousarray(vectors[new]).tobytes())
            _write_at(self._folder / "keys.bin", known * KEY_BYTES, b"".join(keys[i] for i in new))
            for i in new:
                self._index[keys[i]] = len(self._index)

    def pace(self) -> tuple[int, float]:
        """(items, seconds) of all that was computed so far."""
        try:
            found = json.loads((self._folder / "pace.json").read_text("utf-8"))
            return int(found["items"]), float(found["seconds"])
        except (OSError, ValueError, KeyError, TypeError):  # not written yet, or spoilt: it only tells of speed
            return 0, 0.0

    def took(self, items: int, seconds: float) -> None:
        """Add to the pace."""
        with self._lock, FileLock(self._folder / "lock"):
            before, earlier = self.pace()
            publish_text(self._folder / "pace.json", json.dumps({"items": before + items, "seconds": earlier + seconds}))

    def _refresh(self) -> None:
        """Take in rows that are on disk and not in the index yet."""
        path = self._folder / "keys.bin"
        known = len(self._index)
        if not path.exists() or path.stat().st_size // KEY_BYTES <= known:
            return
        with path.open("rb") as file:
            file.seek(known * KEY_BYTES)
            data = file.read()
        for i in range(len(data) // KEY_BYTES):
            self._index[data[i * KEY_BYTES : (i + 1) * KEY_BYTES]] = known + i


def _write_at(path: Path, offset: int, data: bytes) -> None:
    """Write at an offset, so that a torn tail of an earlier kill is overwritten, and flush to disk."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
        file.seek(offset)
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
