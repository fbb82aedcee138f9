"""Registries: a new model family, task, modality or importer is one file that registers itself.

`discover(package)` imports every module of a package once, so that adding a file is enough.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

from studio.core.errors import NotFound

T = TypeVar("T")


class Registry(Generic[T]):
    """Name → implementation, in the order of registration."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str, entry: T) -> T:
        """Add `entry`; a name that is taken is a programming error."""
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    def get(self, name: str) -> T:
        """The entry of that name. Raises NotFound with the names there are."""
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(self._entries) or "none"
            raise NotFound(f"There is no {self.kind} named {name!r}.", f"Known: {known}.") from None

    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self._entries


def discover(package: str) -> None:
    """Import every module of `package` (not its sub-packages' modules), so that each registers what it has."""
    root = importlib.import_module(package)
    for module in pkgutil.iter_modules(root.__path__, prefix=f"{package}."):
        importlib.import_module(module.name)
