"""Tensors that a run computes once and reads at every step: in memory up to a budget, in a file without a name beyond it.

The file is read with plain reads: pages of a memory map would count as this process's memory, which the budget is there to
bound. It is gone with the process, however that ends; a resumed run computes its rows again.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Hashable
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from studio.core.errors import CannotRun

BUDGET = 2**29
"""Bytes kept in memory by one set of rows."""


class Rows:
    """`key → tensor`, each put once. Safe for several threads."""

    def __init__(self, folder: Path | None = None, budget: int = BUDGET) -> None:
        self._folder = folder
        self._left = budget
        self._held: dict[Hashable, Tensor] = {}
        self._placed: dict[Hashable, tuple[int, torch.Size, torch.dtype]] = {}
        self._file: IO[bytes] | None = None
        self._end = 0
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._held or key in self._placed

    def put(self, key: Hashable, tensor: Tensor) -> None:
        """Keep a CPU tensor, whose content must not change after. Raises CannotRun where the disk is full."""
        with self._lock:
            if tensor.nbytes <= self._left:
                self._left -= tensor.nbytes
                self._held[key] = tensor
            else:
                self._write(key, tensor)

    def get(self, key: Hashable) -> Tensor:
        """Raises KeyError for what was never put."""
        held = self._held.get(key)
        if held is not None:
            return held
        start, shape, dtype = self._placed[key]
        content = bytearray(shape.numel() * dtype.itemsize)
        with self._lock:
            if self._file is None:
                raise KeyError(key)
            self._file.seek(start)
            self._file.readinto(content)  # type: ignore[attr-defined]
        return torch.frombuffer(content, dtype=dtype).view(shape)

    def close(self) -> None:
        """Let go of memory and file."""
        with self._lock:
            self._held, self._placed = {}, {}
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, key: Hashable, tensor: Tensor) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)
            self._file.seek(self._end)
            self._file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        except OSError as error:
            raise CannotRun(
                f"There is no room on disk for what this run computes once ({error}).", "Free some space, or set views=0."
            ) from error
        self._placed[key] = (self._end, tensor.shape, tensor.dtype)
        self._end += tensor.nbytes
