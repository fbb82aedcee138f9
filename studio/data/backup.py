"""A whole project as one file, and a project from it: a zip whose manifest, written last, has the size and sha256 of every file.

What can be made again (thumbnails, features) is left out, and so is what is unfinished. A restore checks every byte before
anything bears the project's name; it refuses names that are no project's, files that nobody listed, and sizes that lie.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from studio.core.errors import ProjectError
from studio.core.interfaces import Progress
from studio.core.publish import new_folder, unfinished
from studio.data.content import plain_name
from studio.data.project import Project

FORMAT, VERSION = "studio-backup", 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST, MOST_TIMES = 512 * 1024 * 1024, 20
"""Bytes of the list of files, and of those how many for one that is packed: half of a list are hashes, which hardly pack."""
MOST_LISTS = 1_000
"""A manifest has an object for each file, and no list; a project's name may have brackets."""
PIECE = 1024 * 1024

_STREAMED = (ZIP_STORED, ZIP_DEFLATED)
_DAMAGE = (BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, ValueError, RuntimeError)
"""What the library raises on a zip that is not what it says."""
_OURS = re.compile(r"project\.json|studio\.db|media/[0-9a-f]{2}/[0-9a-f]{64}|runs(/[\w][\w.+=-]{0,120}){1,8}", re.ASCII)


def back_up(project: Project, path: Path, progress: Progress | None = None) -> None:
    """Write the project as it stands now to `path`, which its caller publishes; who labels or trains meanwhile goes on. Raises
    OSError, ProjectError."""
    scratch = unfinished(path)
    try:
        project.store.back_up(scratch)
        listed: dict[str, dict[str, Any]] = {}
        found = [("studio.db", scratch), *_files(project.root)]
        with ZipFile(path, "w", ZIP_DEFLATED) as packed:
            for n, (name, file) in enumerate(found):
                with suppress(FileNotFoundError):  # a run's checkpoint made room meanwhile
                    listed[name] = _pack(packed, name, file)
                if progress:
                    progress(n, len(found), "writing")
            card = {"id": project.id, "name": project.name, "task": project.task}
            manifest = {"format": FORMAT, "version": VERSION, "made": time.time(), "project": card, "files": listed}
            packed.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False))
    finally:
        scratch.unlink(missing_ok=True)


def name_in(file: Path) -> str:
    """The name of the project that was backed up. Raises ProjectError for what is no backup."""
    with _opened(file) as packed:
        return str(_manifest(packed, file)["project"]["name"])


def restore(file: Path, root: Path, progress: Progress | None = None) -> None:
    """Make the project's folder `root`, which is missing or empty, from a backup. Raises ProjectError; then there is none."""
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ProjectError(f"{root} is not empty.", "Choose a new or empty folder.")
    try:
        with _opened(file) as packed:
            files = _manifest(packed, file)["files"]
            _check_room(root, sum(one["bytes"] for one in files.values()))
            with new_folder(root) as folder:
                for n, (name, wanted) in enumerate(files.items()):
                    _unpack(packed, name, wanted, folder / name, file)
                    if progress:
                        progress(n, len(files), "reading")
                if root.exists():
                    root.rmdir()
    except (OSError, *_DAMAGE) as error:
        raise ProjectError(f"{file.name} cannot be restored to {root} ({error}).", "Check the disk, and the file.") from error


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """(name, file) of what belongs to the project beside its database; what is unfinished has another name."""
    yield "project.json", root / "project.json"
    for folder in ("media", "runs"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and not path.is_symlink() and _OURS.fullmatch(name):
                yield name, path


def _pack(packed: ZipFile, name: str, file: Path) -> dict[str, Any]:
    told, count = hashlib.sha256(), 0
    info = ZipInfo(name, time.localtime()[:6])
    info.compress_type = ZIP_STORED if name.startswith("media/") else ZIP_DEFLATED
    with file.open("rb") as source, packed.open(info, "w", force_zip64=True) as inside:
        while piece := source.read(PIECE):
            told.update(piece)
            count += len(piece)
            inside.write(piece)
    return {"bytes": count, "sha256": told.hexdigest()}


def _opened(file: Path) -> ZipFile:
    try:
        return ZipFile(file)
    except (OSError, BadZipFile, ValueError) as error:
        raise ProjectError(f"{file} is no backup of a project ({error}).", "Choose a file that Studio's backup wrote.") from error


def _manifest(packed: ZipFile, file: Path) -> dict[str, Any]:
    """Checked: the listed files are those that there are, and their names a project's own."""
    no_backup = ProjectError(
        f"{file.name} is no backup of a project, or is damaged.", "Choose a file that Studio's backup wrote."
    )
    try:
        info = packed.getinfo(MANIFEST)
        # what is packed otherwise is unpacked at one go, however little is asked for
        if info.file_size > min(LARGEST_MANIFEST, MOST_TIMES * max(info.compress_size, PIECE)) or any(
            one.compress_type not in _STREAMED for one in packed.infolist()
        ):
            raise no_backup
        with packed.open(info) as inside:
            said = inside.read(LARGEST_MANIFEST)
        if said.count(b"[") > MOST_LISTS or said.count(b"{") > len(packed.namelist()) + MOST_LISTS:
            raise no_backup
        found = json.loads(said)
        if (
            found["format"] != FORMAT
            or plain_name(found["project"]["name"]) != found["project"]["name"]
            or type(found["version"]) is not int
        ):
            raise no_backup
        if found["version"] > VERSION:
            raise ProjectError(f"{file.name} was written by a newer Studio.", "Update Studio, then restore it again.")
        for wanted in found["files"].values():
            if type(wanted["bytes"]) is not int or wanted["bytes"] < 0 or not isinstance(wanted["sha256"], str):
                raise no_backup
        there = sorted(set(packed.namelist()) - {MANIFEST}), len(packed.namelist())
    except (KeyError, TypeError, AttributeError, RecursionError, OSError, *_DAMAGE) as error:
        raise no_backup from error
    files = found["files"]
    strange = next((name for name in files if not _OURS.fullmatch(name)), None)
    if strange is not None:
        raise ProjectError(f"{file.name} holds {strange[:80]!r}, which is no file of a project.", "It was not written by Studio.")
    if there != (sorted(files), len(files) + 1) or not {"project.json", "studio.db"} <= files.keys():
        raise no_backup
    if any(packed.getinfo(name).file_size != wanted["bytes"] for name, wanted in files.items()):
        raise no_backup
    return dict(found)


def _unpack(packed: ZipFile, name: str, wanted: dict[str, Any], target: Path, file: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    told, count = hashlib.sha256(), 0
    with packed.open(name) as inside, target.open("xb") as out:
        while piece := inside.read(PIECE):
            count += len(piece)
            if count > wanted["bytes"]:
                break
            told.update(piece)
            out.write(piece)
    named = name.rpartition("/")[2] if name.startswith("media/") else wanted["sha256"]
    if count != wanted["bytes"] or not told.hexdigest() == wanted["sha256"] == named:
        raise ProjectError(f"{file.name}: {name} is not as it was backed up.", "Take another backup; this one is damaged.")


def _check_room(root: Path, wanted: int) -> None:
    parent = next(p for p in (root, *root.parents) if p.exists())
    if wanted > shutil.disk_usage(parent).free:
        raise ProjectError(f"It needs {wanted / 1e6:,.0f} MB, more than is free at {parent}.", "Choose another folder.")
    root.parent.mkdir(parents=True, exist_ok=True)
