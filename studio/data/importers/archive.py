"""A .zip of what a folder could hold. Members are streamed and counted as they are read; nothing is unpacked to a name.

Refuses links, archives in it, encrypted members, names that lead out or stand there twice, packing that can only be unpacked
at one go, and archives that grow too much or hold very many files: those are counted before any is looked at.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from studio.core.errors import ImportFailed
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.data.importers import IMPORTERS, MAX_FILE_BYTES, ImportRequest, Offered, too_big
from studio.data.importers.folder import natural
from studio.data.importers.tree import LINK, Parts, tree_rows

MAX_MEMBERS = 200_000
MAX_DIRECTORY = 2**28
"""Bytes of the list of members at the archive's end; the names of so many take a tenth of it."""
MAX_BYTES = 64 * 2**30
MAX_RATIO = 100
"""Unpacked over packed, for the whole archive; pictures reach about 1, texts about 10."""
_FREE_BYTES = 64 * 2**20
"""Below this much unpacked, the ratio says nothing."""
_STREAMED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others are unpacked at one go, however little is asked for: a kilobyte can hold gigabytes."""
_ENTRY = struct.Struct("<4s24x3H12x")
"""Of a member in that list: its signature, and the lengths of three texts after it."""


TWICE = "stands in the archive twice: keep the one that is meant"
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
    OverflowError, IndexError, KeyError,
)  # fmt: skip
"""What the library raises on archives that are not what they say."""


class ArchiveTree:
    """Files in an open archive."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.title = path.name
        self._archive = archive
        self._allowed = min(MAX_BYTES, max(_FREE_BYTES, MAX_RATIO * path.stat().st_size))
        self._read = 0
        self._members: dict[Parts, zipfile.ZipInfo] = {}
        self._twice: set[Parts] = set()
        for info in archive.infolist():
            if not info.is_dir():
                parts = tuple(_name(info).replace("\\", "/").split("/"))
                if parts in self._members:
                    self._twice.add(parts)
                self._members[parts] = info

    def paths(self) -> Sequence[Parts]:
        return sorted(self._members, key=natural)

    def is_unfollowed_link(self, path: Parts) -> bool:
        return _is_link(self._members[path])

    def read(self, path: Parts, most: int = MAX_FILE_BYTES) -> bytes | Reject:
        """Raises ImportFailed once the archive has grown more than an honest one does."""
        shown = "/".join(path)
        info = self._members.get(tuple(part for part in path if part != "."))
        if info is None:
            return Reject(shown, None, "is not in the archive")
        reason = TWICE if path in self._twice else _unsafe(path, info)
        if reason:
            return Reject(shown, None, reason)
        try:
            with self._archive.open(info) as member:
                data = member.read(min(most, self._allowed - self._read) + 1)
        except _DAMAGE as error:
            return Reject(shown, None, f"is damaged in the archive ({error})")
        self._read += len(data)
        if self._read > self._allowed:
            raise ImportFailed(
                f"{self.title} unpacks to more than {self._allowed // 2**20:,} MB, far more than it should.",
                "It may be made to fill the disk. If it is honest, unpack it and import the folder.",
            )
        return Reject(shown, None, too_big(most)) if len(data) > most else data


class ArchiveImporter:
    """The same layouts as a folder: see `tree`."""

    name = "archive"

    def accepts(self, source: str) -> bool:
        return source.lower().endswith(".zip") and os.path.isfile(source)

    def columns(self, source: str) -> tuple[str, ...]:
        return ()

    def rows(self, source: str, options: ImportRequest, progress: Progress | None = None) -> Iterator[Offered]:
        """Raises ImportFailed for a damaged archive or one that grows too much."""
        path = Path(source)
        with ExitStack() as opened:
            try:
                _refuse_many(path)
                archive = opened.enter_context(zipfile.ZipFile(path))
                tree = ArchiveTree(archive, path)
            except _DAMAGE as error:
                raise ImportFailed(f"{path.name} is not a whole .zip archive ({error}).", "Copy or download it again.") from error
            yield from tree_rows(tree, options, progress)


def _refuse_many(path: Path) -> None:
    """Raise ImportFailed where the list of members is very long. It is counted, whatever the archive says of its length: a
    million members as objects take more than a gigabyte."""
    with path.open("rb") as file:
        end: Any = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # where ZipFile itself begins to read
        size, place = (int(end[5]), int(end[9])) if end else (0, 0)
        if end and end[0] == zipfile.stringEndArchive64:  # type: ignore[attr-defined]
            place -= zipfile.sizeEndCentDir64 + zipfile.sizeEndCentDir64Locator  # type: ignore[attr-defined]
        if not 0 < size <= place:
            return  # ZipFile says what is wrong with it
        file.seek(place - size)
        directory = file.read(min(size, MAX_DIRECTORY + 1))
    count = at = 0
    while at + _ENTRY.size <= len(directory) and count <= MAX_MEMBERS:
        signature, name, extra, comment = _ENTRY.unpack_from(directory, at)
        if signature != zipfile.stringCentralDir:  # type: ignore[attr-defined]
            return
        at += _ENTRY.size + name + extra + comment
        count += 1
    if count > MAX_MEMBERS or len(directory) > MAX_DIRECTORY:
        raise ImportFailed(
            f"{path.name} holds more files than are taken from a .zip; at most {MAX_MEMBERS:,} are.",
            "Unpack it and import the folder.",
        )


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name. Many zip programs write UTF-8 without the flag that says so, and Python then reads it as code page 437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _unsafe(path: Parts, info: zipfile.ZipInfo) -> str | None:
    if ".." in path or not path[0] or ":" in path[0]:
        return "has a name that leads out of the archive"
    if _is_link(info):
        return LINK
    if info.flag_bits & 1:
        return "is encrypted: unpack it with its password first"
    if info.compress_type not in _STREAMED:
        return "is not packed as most .zip files are (deflate): pack it again"
    return None


IMPORTERS.register(ArchiveImporter.name, ArchiveImporter())
