"""Lost power, as a model: what a disk may hold where the power goes before any operation of a publish.

Modelled: a file's content is safe once that file was fsynced, a name once its folder was; what was not is lost, kept or, of a
content, kept by half, for all files and all names alike. Not modelled: disks that lie about fsync, single sectors, and kept
names beside lost ones in one folder, other than in the order in which they were made. SQLite's own log is left to SQLite.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

from studio.core.publish import clear_unfinished, new_folder, publish_text
from studio.data.media import Media
from studio.runs.folder import RunFolder
from tests.runs.test_folder import SPEC

Entries = dict[int, dict[str, int]]
"""{folder: {name: file or folder}}, all by inode."""
Contents = dict[int, bytes]
NAMES, CONTENTS = ("lost", "kept"), ("lost", "half", "kept")
WATCHED = ("fsync", "replace", "rename", "unlink", "rmdir", "mkdir")


@dataclass
class Disk:
    """What is under a folder now, and what of it is safe."""

    root: Path
    safe_names: Entries = field(default_factory=dict)
    safe: Contents = field(default_factory=dict)
    cuts: list[tuple[Entries, Contents, Entries, Contents]] = field(default_factory=list)
    """Before each operation: names and contents, and those that are safe."""

    def __post_init__(self) -> None:
        self.safe_names, self.safe = self._now()

    def cut(self) -> None:
        names, contents = self._now()
        self.cuts.append((names, contents, {k: dict(v) for k, v in self.safe_names.items()}, dict(self.safe)))

    def synced(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        names, contents = self._now()
        if stat.S_ISDIR(found.st_mode):
            self.safe_names[found.st_ino] = names.get(found.st_ino, {})
        else:
            self.safe[found.st_ino] = contents.get(found.st_ino, b"")

    def _now(self) -> tuple[Entries, Contents]:
        names: Entries = {}
        contents: Contents = {}
        for parent, folders, files in os.walk(self.root):
            at = Path(parent)
            names[at.stat().st_ino] = {name: (at / name).stat().st_ino for name in (*folders, *files)}
            contents |= {(at / name).stat().st_ino: (at / name).read_bytes() for name in files}
        return names, contents

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Whatever this process asks of the disk meanwhile is noted."""
        real = {name: getattr(os, name) for name in WATCHED}

        def noted(name: str) -> Callable[..., Any]:
            def call(*given: Any, **more: Any) -> Any:
                self.cut()
                result = real[name](*given, **more)
                if name == "fsync":
                    self.synced(given[0])
                return result

            return call

        for name in WATCHED:
            setattr(os, name, noted(name))
        try:
            yield
        finally:
            for name, work in real.items():
                setattr(os, name, work)
            self.cut()

    def after(self, number: int, names: Literal["lost", "kept"], contents: Literal["lost", "half", "kept"], into: Path) -> None:
        """Write what the disk may hold after that cut into the folder `into`."""
        there, whole, safe_names, safe = self.cuts[number]

        def content(inode: int) -> bytes:
            data, kept = whole.get(inode, safe.get(inode, b"")), safe.get(inode, b"")
            return {"kept": data, "half": kept if data == kept else data[: len(data) // 2], "lost": kept}[contents]

        def build(inode: int, folder: Path) -> None:
            folder.mkdir()
            for name, inside in (safe_names if names == "lost" else there).get(inode, {}).items():
                if inside in there or inside in safe_names:
                    build(inside, folder / name)
                else:
                    (folder / name).write_bytes(content(inside))

        build(self.root.stat().st_ino, into)


@dataclass(frozen=True, slots=True)
class Publish:
    """Something that is published twice under one name."""

    name: str
    work: Callable[[Path, str], None]
    """`work(folder, version)`."""
    found: Callable[[Path], str | None]
    """Which version is in the folder; "" for none, None for what is no whole one."""


def _file(folder: Path, version: str) -> None:
    publish_text(folder / "card.json", version * 100)


def _found_file(folder: Path) -> str | None:
    return _version([folder / "card.json"]) if (folder / "card.json").exists() else ""


def _folder(folder: Path, version: str) -> None:
    with new_folder(folder / "adapter") as place:
        (place / "heads").mkdir()
        for name in PARTS:
            (place / name).write_text(version * 100)


def _found_folder(folder: Path) -> str | None:
    return _version([folder / "adapter" / name for name in PARTS]) if (folder / "adapter").exists() else ""


def _checkpoint(folder: Path, version: str) -> None:
    RunFolder(folder).publish_checkpoint({name: (version * 100).encode() for name in SAVED}, ord(version))


def _media(folder: Path, version: str) -> None:
    Media(folder / "media", folder / "thumbs").put((version * 100).encode())


def _found_media(folder: Path) -> str | None:
    """How many there are; the second one joins the first."""
    files = [path for path in (folder / "media").rglob("*") if path.is_file() and not path.name.startswith(".")]
    versions = sorted(str(_version([path])) for path in files)
    return None if "None" in versions else versions[-1] if versions else ""


def _run(folder: Path, version: str) -> None:
    RunFolder.create(folder / "runs", replace(SPEC, command=version))


def _found_run(folder: Path) -> str | None:
    found = RunFolder.all(folder / "runs")
    return found[0].spec.command if found else ""


def _found_checkpoint(folder: Path) -> str | None:
    """Every one that bears a name has to be whole; the newest counts."""
    steps = sorted((folder / "checkpoints").glob("step-*"))
    versions = [_version([step / name for name in SAVED]) for step in steps]
    return None if None in versions else versions[-1] if versions else ""


PARTS = ("weights", "heads/head", "manifest")
SAVED = ("state.safetensors", "checkpoint.json")
PUBLISHES = (
    Publish("file", _file, _found_file),
    Publish("folder", _folder, _found_folder),
    Publish("checkpoint", _checkpoint, _found_checkpoint),
    Publish("media", _media, _found_media),
    Publish("run", _run, _found_run),
)


def _version(files: list[Path]) -> str | None:
    texts = {file.read_text() if file.is_file() else "" for file in files}
    (text,) = texts if len(texts) == 1 else ("",)
    return text[:1] if len(text) == 100 and text == text[:1] * 100 else None


def power_cuts(root: Path, _: int = 1) -> dict[str, int | float]:
    """The power goes before each operation of each publish, first and second time, and everything unsafe is lost or kept."""
    found: dict[str, int | float] = {"states": 0, "neither_old_nor_new": 0, "lost_after_its_end": 0}
    for publish in PUBLISHES:
        place = root / publish.name
        place.mkdir()
        for old, new in (("", "1"), ("1", "2")):
            disk = Disk(place)
            with disk.recording():
                publish.work(place, new)
            for number, names, contents in product(range(len(disk.cuts)), NAMES, CONTENTS):
                state = root / f"state-{found['states']}"
                disk.after(number, names, contents, state)  # type: ignore[arg-type]
                clear_unfinished(state, lambda pid: False)
                for folder in (path for path in state.iterdir() if path.is_dir()):
                    clear_unfinished(folder, lambda pid: False)
                is_there = publish.found(state)
                found["states"] += 1
                found["neither_old_nor_new"] += is_there not in (old, new)
                found["lost_after_its_end"] += number == len(disk.cuts) - 1 and is_there != new
    return found
