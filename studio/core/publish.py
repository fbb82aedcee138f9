"""Atomic publishing: whatever bears its final name is whole and on disk, also after a power cut.

Owns the order temporary → fsync → rename → fsync of the parent. What a kill leaves under a temporary name goes by
`clear_unfinished`. Refuses nothing and locks nothing: two publishers of one name are the caller's matter, and the last one wins.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_UNFINISHED = re.compile(r"\.(?P<name>.+?)\.(?P<pid>\d+)-[0-9a-f]{32}\.(?P<kind>tmp|old)")


def publish_text(path: Path, text: str, private: bool = False) -> None:
    """Write `text` (UTF-8) under `path`, replacing what was there. Raises OSError, and then the old file is as it was.

    `private`: nobody but its owner may read it, from its first byte on.
    """
    publish_bytes(path, text.encode("utf-8"), private)


def publish_bytes(path: Path, data: bytes, private: bool = False) -> None:
    """Write `data` under `path`, replacing what was there. Raises OSError, and then the old file is as it was."""
    temporary = unfinished(path)
    try:
        with open(temporary, "xb", opener=_private if private else None) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def publish_folder(folder: Path, final: Path) -> None:
    """Give the finished `folder` the name `final`, on the same file system, with everything in it on disk.

    A folder that already bears the name is put aside first and removed after, so a reader meets the old one, none, or the
    new one, never a mixture. Raises OSError.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(parent, name))
        sync_folder(Path(parent))
    aside = unfinished(final, "old")
    replaced = final.exists()
    if replaced:
        os.rename(final, aside)
    try:
        os.rename(folder, final)
    except OSError:
        if replaced:
            os.rename(aside, final)
        raise
    sync_folder(final.parent)
    if replaced:
        shutil.rmtree(aside, ignore_errors=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def unfinished(path: Path, kind: str = "tmp") -> Path:
    """A free name beside `path` that tells which process works under it; a `kind` of "old" is what was put aside."""
    return path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex}.{kind}")


def clear_unfinished(folder: Path, alive: Callable[[int], bool]) -> None:
    """Remove what killed processes left in `folder` under temporary names, and give a folder that one of them had put aside its
    name again where nothing else bears it. `alive` says whether there is a process of that number. Raises OSError where the
    folder cannot be read."""
    for left in sorted(folder.iterdir()):
        found = _UNFINISHED.fullmatch(left.name)
        if found is None or alive(int(found["pid"])):
            continue
        if found["kind"] == "old" and not (folder / found["name"]).exists():
            os.rename(left, folder / found["name"])
        elif left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """An empty folder to write into, which is published as `final` at the end, and not at all where that ends in an error."""
    make_folder(final.parent)
    folder = unfinished(final)
    folder.mkdir()
    try:
        yield folder
        publish_folder(folder, final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, with their names on disk; nothing where it is there. Raises OSError."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on disk."""
    if os.name == "nt":  # Windows opens no folders, and orders renames by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Put a file's content on disk."""
    # Windows refuses fsync on a descriptor opened for reading
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
