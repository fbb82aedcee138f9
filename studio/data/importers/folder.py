"""A folder on disk. Follows no link that leads out of it, and no linked folder at all: that is a reject."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.data.importers import IMPORTERS, MAX_FILE_BYTES, ImportRequest, Offered, too_big
from studio.data.importers.tree import Parts, tree_rows


class FolderTree:
    """Files below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self.title = self._root.name

    def paths(self) -> Sequence[Parts]:
        found: list[Parts] = []
        for folder, folders, names in os.walk(self._root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            above = Path(folder).relative_to(self._root).parts
            linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            found += [(*above, name) for name in (*names, *linked)]
        return sorted(found, key=natural)

    def is_unfollowed_link(self, path: Parts) -> bool:
        where = self._root.joinpath(*path)
        return where.is_symlink() and os.path.isdir(where)

    def read(self, path: Parts, most: int = MAX_FILE_BYTES) -> bytes | Reject:
        """A path with `..` or an absolute one is fine as long as it stays inside."""
        shown = "/".join(path)
        try:
            file = self._root.joinpath(*path).resolve()
            if not file.is_relative_to(self._root):
                return Reject(shown, None, "lies outside the folder that is imported")
            if not file.is_file():
                return Reject(shown, None, "does not exist" if not file.exists() else "is not a plain file")
            if file.stat().st_size > most:
                return Reject(shown, None, too_big(most))
            return file.read_bytes()
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            return Reject(shown, None, f"cannot be opened ({str(getattr(error, 'strerror', None) or error).lower()})")


class FolderImporter:
    """Class sub-folders, splits, tables: see `tree`."""

    name = "folder"

    def accepts(self, source: str) -> bool:
        return os.path.isdir(source)

    def columns(self, source: str) -> tuple[str, ...]:
        return ()

    def rows(self, source: str, options: ImportRequest, progress: Progress | None = None) -> Iterator[Offered]:
        """Raises ImportFailed for a folder without anything to import."""
        return tree_rows(FolderTree(Path(source)), options, progress)


def natural(path: Parts) -> list[list[tuple[int, str]]]:
    """Sorts `2.jpg` before `10.jpg`. Numbers may be of any length: they are told by it, and then by their digits."""
    return [[_place(piece) for piece in re.split(r"([0-9]+)", part) if piece] for part in path]


def _place(piece: str) -> tuple[int, str]:
    digits = piece.lstrip("0")
    return (len(digits), digits) if piece.isdecimal() else (-1, piece.casefold())


IMPORTERS.register(FolderImporter.name, FolderImporter())
