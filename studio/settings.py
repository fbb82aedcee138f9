"""Paths, device, dtype, offline, limits: the only reader of the environment."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

NO_TELEMETRY = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""For the environment, before Gradio and the hub's client are imported: they read it then. With analytics Gradio would call out,
and the hub's client would tell which torch this machine has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One process's settings; `Settings.from_environment()` reads STUDIO_HOME, STUDIO_DEVICE and STUDIO_OFFLINE."""

    home: Path
    """Where the list of projects and the projects made without a path live."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""
    offline: bool = False
    """True: never ask the network, not even for a model named by a hub id."""
    max_upload_mb: int = 2048
    """Largest file that the browser may send."""
    login: bool = False
    """Whether people have to sign in to reach the pages."""
    author: str = "me"
    """Who labels, where nobody said a name."""
    samples: Path = Path(__file__).resolve().parents[1] / "assets" / "samples"
    """Where the sample projects lie that came with Studio."""
    extra_model_folders: tuple[Path, ...] = field(default=())
    """Folders whose sub-folders are offered as local models (STUDIO_MODELS, separated as PATH is)."""

    @property
    def projects(self) -> Path:
        return self.home / "projects"

    @property
    def accounts(self) -> Path:
        """Who may sign in."""
        return self.home / "accounts.json"

    @property
    def uploads(self) -> Path:
        return self.home / "uploads"

    @classmethod
    def from_environment(cls) -> Settings:
        folders = os.environ.get("STUDIO_MODELS", "")
        return cls(
            home=Path(os.environ.get("STUDIO_HOME") or Path.home() / ".studio").expanduser().resolve(),
            device=os.environ.get("STUDIO_DEVICE") or "auto",
            offline=_truth("STUDIO_OFFLINE") or _truth("HF_HUB_OFFLINE"),
            extra_model_folders=tuple(Path(f).expanduser() for f in folders.split(os.pathsep) if f),
        )


def _truth(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def analytics_off() -> bool:
    """Whether Gradio was told to call nobody."""
    name = "GRADIO_ANALYTICS_ENABLED"
    return os.environ.get(name) == NO_TELEMETRY[name]


def reaches_hub(timeout_s: float = 1.5) -> bool:
    """Whether the model hub's port answers now; asks nothing of it."""
    try:
        with socket.create_connection(("huggingface.co", 443), timeout=timeout_s):
            return True
    except OSError:
        return False
