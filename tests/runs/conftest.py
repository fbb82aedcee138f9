"""A workspace with two small real projects: coloured pictures, and messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220)}
MESSAGES = {
    "cat": ["the small cat", "a cat", "one cat sky", "cat house"],
    "car": ["the big car", "a red car", "two car", "car tree"],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    yield opened
    opened.close()


@pytest.fixture
def pictures(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Six training and three test pictures of each of two colours."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 3)):
        for name, colour in COLOURS.items():
            folder = tmp_path / "source" / split / name
            folder.mkdir(parents=True)
            for n in range(count):
                noise = draw.integers(-25, 25, (40, 48, 3))
                pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{name}-{n}.png")
    project = workspace.create_project("Colours", "image-classification")
    project.labelling.import_data(str(tmp_path / "source"), ImportOptions())
    return project


@pytest.fixture
def messages(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Four training messages and as many test messages of each of two classes."""
    rows = ["text,label,split"]
    for label, texts in MESSAGES.items():
        rows += [f"{text},{label},train" for text in texts]
        rows += [f"{text} three,{label},test" for text in texts]
    (tmp_path / "messages.csv").write_text("\n".join(rows))
    project = workspace.create_project("Messages", "text-classification")
    project.labelling.import_data(str(tmp_path / "messages.csv"), ImportOptions())
    return project


@pytest.fixture
def pairs(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Eight training and four test pictures of plain colours, each with a caption."""
    rows = ["image,caption,split"]
    for n in range(12):
        colour = (20 * n, 250 - 20 * n, (70 * n) % 255)
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"plain-{n}.png")
        rows.append(f"plain-{n}.png,the {'small' if n % 2 else 'big'} house {n},{'train' if n < 8 else 'test'}")
    (tmp_path / "captions.csv").write_text("\n".join(rows))
    project = workspace.create_project("Plain", "image-text")
    project.labelling.import_data(str(tmp_path / "captions.csv"), ImportOptions())
    return project
