"""Kills in the middle of an import, of an export and of publishing: what is there after is old or new, never a part."""

from __future__ import annotations

import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from studio.core.publish import clear_unfinished, new_folder, publish_text
from studio.core.types import ImportOptions, ItemFilter
from studio.settings import Settings
from studio.workspace import Workspace
from tests.faults.lives import begin, end, kill

PICTURES = 120
LARGER = 40
"""So many more come in while an export is killed, so that an old file and a new one can be told apart."""


def kill_in_the_middle(target: Callable[..., None], *given: Any, after: float) -> bool:
    """Begin, wait until the work has begun and `after` more seconds, kill. Whether the kill came before the end."""
    started: Path = given[-1]
    started.unlink(missing_ok=True)
    life = begin(target, *given)
    while not started.exists():
        assert life.is_alive() or started.exists(), "it ended before it began"
        time.sleep(0.001)
    time.sleep(after)
    cut = life.is_alive()
    kill(life)
    return cut


def seconds_of(target: Callable[..., None], *given: Any) -> float:
    """What the same takes where nobody kills it."""
    started: Path = given[-1]
    life = begin(target, *given)
    while not started.exists():
        time.sleep(0.001)
    begun = time.monotonic()
    assert end(life) == 0
    return time.monotonic() - begun


def pictures(folder: Path, first: int, count: int, side: int = 40) -> Path:
    for n in range(first, first + count):
        path = folder / f"class {n % 3}" / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (side, side), (n % 256, 7 * n % 256, n // 256)).save(path)
    return folder


def _import(home: Path, project: str, source: Path, started: Path) -> None:
    workspace = Workspace(Settings(home=home, device="cpu", offline=True))
    opened = workspace.open_project(project)
    started.touch()
    opened.labelling.import_data(str(source), ImportOptions(test_share=0))
    workspace.close()


def kills_in_imports(root: Path, kills: int) -> dict[str, int | float]:
    """Imports of pictures, each into a project of its own that has some already."""
    old, new = pictures(root / "old", 0, 10), pictures(root / "new", 10, PICTURES)
    draw = random.Random(1)
    found: dict[str, int | float] = {"kills": kills, "cut_off": 0, "whole": 0, "nothing": 0, "partial": 0, "orphans": 0}
    workspace = Workspace(Settings(home=root / "home", device="cpu", offline=True))
    takes = 0.0
    for n in range(-1, kills):
        project = workspace.create_project(f"Import {n}", "image-classification")
        project.labelling.import_data(str(old), ImportOptions(test_share=0))
        path = Path(project.path)
        workspace.close()
        given = (workspace.settings.home, str(path), new, root / "started")
        if n < 0:
            takes = seconds_of(_import, *given)
        else:
            found["cut_off"] += kill_in_the_middle(_import, *given, after=draw.uniform(0, takes))
        workspace = Workspace(workspace.settings)
        kind, orphans = _imported(workspace, path)
        if n >= 0:
            found[kind] += 1
            found["orphans"] += orphans
    workspace.close()
    return found


def _imported(workspace: Workspace, path: Path) -> tuple[str, int]:
    """What an opened project has of a killed import: (nothing, whole or partial; files that no item names)."""
    project = workspace.open_project(str(path))
    until = time.monotonic() + 30  # what was left goes in the background
    while _unsettled(path) and time.monotonic() < until:
        time.sleep(0.01)
    items = project.labelling.page(ItemFilter(), limit=1000).items
    files = {file.name for file in (path / "media").rglob("*") if file.is_file() and file.name not in (".import.lock",)}
    named = {item.key("image") for item in items}
    labelled = sum(item.label is not None for item in items)
    counts = project.labelling.counts()
    same = counts.total == len(items) and counts.labelled == labelled == len(items) and named <= files
    kind = {10: "nothing", 10 + PICTURES: "whole"}.get(len(items), "partial") if same else "partial"
    return kind, len(files - named)


def _unsettled(path: Path) -> bool:
    return (path / "media" / ".written").exists()


def _export(home: Path, project: str, folder: Path, started: Path) -> None:
    workspace = Workspace(Settings(home=home, device="cpu", offline=True))
    opened = workspace.open_project(project)
    started.touch()
    opened.sharing.labels(folder)
    workspace.close()


def kills_in_exports(root: Path, kills: int) -> dict[str, int | float]:
    """Exports over an older file of the same name."""
    draw = random.Random(2)
    found: dict[str, int | float] = {"kills": kills, "cut_off": 0, "new": 0, "old": 0, "partial": 0, "orphans": 0}
    workspace = Workspace(Settings(home=root / "home", device="cpu", offline=True))
    project = workspace.create_project("Export", "image-classification")
    project.labelling.import_data(str(pictures(root / "old", 0, PICTURES)), ImportOptions(test_share=0))
    folder = root / "exported"
    folder.mkdir()
    old = project.sharing.labels(folder).read_bytes()
    project.labelling.import_data(str(pictures(root / "new", PICTURES, LARGER)), ImportOptions(test_share=0))
    given = (workspace.settings.home, project.path, folder, root / "started")
    takes = seconds_of(_export, *given)
    (target,) = folder.iterdir()
    for _ in range(kills):
        target.write_bytes(old)
        found["cut_off"] += kill_in_the_middle(_export, *given, after=draw.uniform(0, takes))
        found[_exported(target)] += 1
    project.sharing.labels(folder)  # the next one clears away what the killed ones left
    found["orphans"] = len(list(folder.iterdir())) - 1
    workspace.close()
    return found


def _exported(target: Path) -> str:
    try:
        with zipfile.ZipFile(target) as packed:
            whole = packed.testzip() is None
            held = sum(name.startswith("pictures/") for name in packed.namelist())
    except (OSError, zipfile.BadZipFile):
        return "partial"
    return {PICTURES: "old", PICTURES + LARGER: "new"}.get(held, "partial") if whole else "partial"


def _publish(root: Path, started: Path) -> None:
    """One after the other without end, each time all of it under one number."""
    started.touch()
    version = 0
    while True:
        version += 1
        publish_text(root / "card.json", f"{version} " * 400_000)
        with new_folder(root / "adapter") as folder:
            for name in ("weights", "config", "manifest"):
                (folder / name).write_text(f"{version} " * 5_000)


def kills_in_publishing(root: Path, kills: int) -> dict[str, int | float]:
    """A file and a folder of three files, replaced without a pause."""
    draw = random.Random(3)
    found: dict[str, int | float] = {"kills": kills, "cut_off": 0, "whole": 0, "partial": 0, "orphans": 0}
    place = root / "published"
    place.mkdir()
    publish_text(place / "card.json", "0 ")
    with new_folder(place / "adapter") as folder:
        for name in ("weights", "config", "manifest"):
            (folder / name).write_text("0 ")
    for _ in range(kills):
        found["cut_off"] += kill_in_the_middle(_publish, place, root / "started", after=draw.uniform(0, 0.1))
        clear_unfinished(place, psutil.pid_exists)
        files = [place / "adapter" / name for name in ("weights", "config", "manifest")]
        versions = [set(file.read_text().split()) if file.exists() else set() for file in files]
        lengths = {len(file.read_text()) if file.exists() else 0 for file in files}
        card = set((place / "card.json").read_text().split())
        whole = len(card) == 1 and all(v == versions[0] and len(v) == 1 for v in versions) and len(lengths) == 1
        found["whole" if whole else "partial"] += 1
        found["orphans"] += len(list(place.iterdir())) - 2
    return found
