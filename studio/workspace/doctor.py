"""What a person or a bug report needs to know of this installation: versions, device, SQLite, what is offline, who is called."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3

from studio import __version__
from studio.settings import Settings, analytics_off, reaches_hub
from studio.workspace.libraries import libraries
from studio.workspace.shelf import ModelShelf

PACKAGES = (
    "gradio",
    "torch",
    "torchvision",
    "transformers",
    "open_clip_torch",
    "peft",
    "accelerate",
    "datasets",
    "pillow",
    "pyarrow",
)


def examine(settings: Settings, shelf: ModelShelf) -> dict[str, object]:
    """JSON-able facts; imports torch to ask for the device."""
    libraries()
    from huggingface_hub.constants import HF_HUB_DISABLE_TELEMETRY

    from studio.models.device import native_bf16, resolve

    device = resolve(settings.device)
    online = not settings.offline and reaches_hub()
    catalogue = shelf.catalog()
    return {
        "studio": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": str(device),
        "bf16": native_bf16(device),
        "sqlite": {"version": sqlite3.sqlite_version, "wal_reset_fixed": sqlite3.sqlite_version_info > (3, 51, 2)},
        "home": str(settings.home),
        "network": "off by choice" if settings.offline else "reaches the hub" if online else "the hub does not answer",
        "calls_out_to": "nobody: offline by choice" if settings.offline else "the hub alone, for what you name there",
        "telemetry": "off" if HF_HUB_DISABLE_TELEMETRY and analytics_off() else "as Gradio and the hub's client have it",
        "models_here": [entry.id for entry in catalogue if entry.local],
        "offline": {
            "works": "projects, import from files, labelling, training, testing, models on this machine",
            "needs_the_network": [] if online else ["hub data sets", *(e.id for e in catalogue if not e.local)],
        },
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
