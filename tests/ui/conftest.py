"""A real workspace in a temporary home, and pictures to import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

COLOURS = ("red", "green", "blue")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(Settings(home=tmp_path / "home", offline=True))
    yield made
    made.close()


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """Two classes with three pictures each."""
    for name in ("cat", "dog"):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for k, colour in enumerate(COLOURS):
            size = (40 + k, 30 if name == "cat" else 50)
            Image.new("RGB", size, colour).save(folder / f"{name}{k}.png")
    return tmp_path / "pictures"


@pytest.fixture
def project(workspace: Workspace, picture_folder: Path) -> OpenProject:
    """An open project of six pictures whose classes are known and whose items have no label."""
    made = workspace.create_project("Pets", "image-classification")
    made.labelling.import_data(str(picture_folder), ImportOptions(keep_labels=False))
    return made
