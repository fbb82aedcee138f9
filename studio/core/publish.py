"""Atomic publishing: whatever bears its final name is whole and on disk, also after a power cut.

Owns the order temporary → fsync → rename → fsync of the parent. Refuses nothing and locks nothing: two publishers of one
name are the caller's matter, and the last one wins.
"""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path


def publish_text(path: Path, text: str, private: bool = False) -> None:
    """Write `text` (UTF-8) under `path`, replacing what was there. Raises OSError, and then the old file is as it was.

    `private`: nobody but its owner may read it, from its first byte on.
    """
    publish_bytes(path, text.encode("utf-8"), private)


def publish_bytes(path: Path, data: bytes, private: bool = False) -> None:
    """Write `data` under `path`, replacing what was there. Raises OSError, and then the old file is as it was."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
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
            _sync_file(Path(parent, name))
        sync_folder(Path(parent))
    aside = final.with_name(f".{final.name}.{uuid.uuid4().hex}.old")
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


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on disk."""
    if os.name == "nt":  # Windows opens no folders, and orders renames by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: Path) -> None:
    # Windows refuses fsync on a descriptor opened for reading
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
