"""Modalities: one file each, which registers itself. `discover_modalities()` imports them, on demand.

`studio.core.interfaces.Modality` says what each has.
"""

from __future__ import annotations

from studio.core.interfaces import Modality
from studio.core.registry import Registry, discover

MODALITIES: Registry[Modality] = Registry("modality")


def discover_modalities() -> Registry[Modality]:
    """The registry with every modality of this package in it."""
    discover(__name__)
    return MODALITIES
