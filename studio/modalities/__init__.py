"""Modalities: one file each, which registers itself. `discover_modalities()` imports them, on demand.

A new one is imported from folders and tables, labelled, learnt from and predicted by commands. Pages show an item that is
neither picture nor text by its name, and the Test page takes pictures and texts alone.

`studio.core.interfaces.Modality` says what each has.
"""

from __future__ import annotations

from collections.abc import Iterable

from studio.core.interfaces import Modality
from studio.core.registry import Registry, discover

MODALITIES: Registry[Modality] = Registry("modality")


def discover_modalities() -> Registry[Modality]:
    """The registry with every modality of this package in it."""
    discover(__name__)
    return MODALITIES


def modalities_named(names: Iterable[str]) -> dict[str, Modality]:
    """{name: modality}, in that order. Raises NotFound."""
    known = discover_modalities()
    return {name: known.get(name) for name in names}
