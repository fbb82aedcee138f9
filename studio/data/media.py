"""Media by the sha256 of their bytes, never by a user's name; and their thumbnails, made once.

Knows nothing of pictures: whoever asks for a thumbnail brings the function that makes one.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from studio.core.errors import BadInput, NotFound
from studio.core.publish import make_folder, publish_bytes
from studio.data.content import SHA256

SIZES = (96, 240, 768)


class Media:
    """`folder` holds `ab/abcd…`, `thumbnails` holds `240/ab/abcd….jpg`; both are made on demand."""

    def __init__(self, folder: Path, thumbnails: Path) -> None:
        self.folder = folder
        self._thumbnails = thumbnails

    def put(self, data: bytes, note: Callable[[str], None] = lambda sha: None) -> str:
        """Store and return the sha256; on disk when it returns. The same bytes are stored once, after `note(sha)`."""
        sha = hashlib.sha256(data).hexdigest()
        path = self._path(sha)
        if not path.exists():
            note(sha)
            make_folder(path.parent)
            publish_bytes(path, data)
        return sha

    def discard(self, shas: Iterable[str]) -> None:
        """Remove these files, and what was cut off in the writing of them."""
        gone = {self._path(sha) for sha in shas}
        for path in gone:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in gone}:
            for left in folder.glob(".*.tmp"):
                if folder / left.name.split(".")[1] in gone:
                    left.unlink(missing_ok=True)

    def path(self, sha: str) -> Path:
        """Raises NotFound, also for what is no sha256."""
        path = self._path(sha)
        if not path.is_file():
            raise NotFound(f"There is no file {sha[:12]}… in this project.", "It may belong to another project.")
        return path

    def read(self, sha: str) -> bytes:
        """Raises NotFound."""
        return self.path(sha).read_bytes()

    def thumbnail(self, sha: str, size: int, make: Callable[[bytes, int], bytes]) -> bytes:
        """JPEG of at most `size` pixels a side, one of `SIZES`, from `make(data, size)` the first time.

        Raises NotFound, BadInput for another size, and what `make` raises.
        """
        if size not in SIZES:
            raise BadInput(f"There are no pictures of {size} pixels.", f"Ask for one of {', '.join(map(str, SIZES))}.")
        source = self.path(sha)
        cached = self._thumbnails / str(size) / sha[:2] / f"{sha}.jpg"
        try:
            return cached.read_bytes()
        except FileNotFoundError:
            picture = make(source.read_bytes(), size)
        self._cache(cached, picture)
        return picture

    def _path(self, sha: str) -> Path:
        if not SHA256.fullmatch(sha):
            raise NotFound(f"{sha[:80]!r} names no file of a project.", "Files are named by their sha256.")
        return self.folder / sha[:2] / sha

    def _cache(self, path: Path, data: bytes) -> None:
        """Whole or not at all, but not forced to disk: it can be made again."""
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except OSError:  # a full disk or a read-only one: the picture is shown all the same
            temporary.unlink(missing_ok=True)
