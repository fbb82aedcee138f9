"""A .zip of what a folder could hold. Members are streamed and counted as they are read; nothing is unpacked to a name.

Refuses links, archives in it, encrypted members, names that lead out, and archives that grow too much.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.core.errors import ImportFailed
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.data.importers import IMPORTERS, MAX_FILE_BYTES, ImportRequest, Offered, too_big
from studio.data.importers.folder import natural
from studio.data.importers.tree import LINK, Parts, tree_rows

MAX_MEMBERS = 500_000
MAX_BYTES = 64 * 2**30
MAX_RATIO = 100
"""Unpacked over packed, for the whole archive; pictures reach about 1, texts about 10."""
_FREE_BYTES = 64 * 2**20
"""Below this much unpacked, the ratio says nothing."""


class ArchiveTree:
    """Files in an open archive."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.title = path.name
        self._archive = archive
        self._allowed = min(MAX_BYTES, max(_FREE_BYTES, MAX_RATIO * path.stat().st_size))
        self._read = 0
        self._members: dict[Parts, zipfile.ZipInfo] = {}
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if len(infos) > MAX_MEMBERS:
            raise ImportFailed(
                f"{path.name} holds {len(infos):,} files; at most {MAX_MEMBERS:,} are taken.", "Unpack it and import the folder."
            )
        for info in infos:
            self._members[tuple(_name(info).replace("\\", "/").split("/"))] = info

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
        reason = _unsafe(path, info)
        if reason:
            return Reject(shown, None, reason)
        try:
            with self._archive.open(info) as member:
                data = member.read(min(most, self._allowed - self._read) + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
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
        try:
            with zipfile.ZipFile(path) as archive:
                yield from tree_rows(ArchiveTree(archive, path), options, progress)
        except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
            raise ImportFailed(f"{path.name} is not a whole .zip archive ({error}).", "Copy or download it again.") from error


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
    return None


IMPORTERS.register(ArchiveImporter.name, ArchiveImporter())
