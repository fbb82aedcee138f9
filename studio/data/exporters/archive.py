"""What an export is written into: a zip that grows member by member, or one file. Holds no more than a page in memory."""

from __future__ import annotations

import os
import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

_BEGINNINGS = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG", ".png"), (b"GIF8", ".gif"))
_LONGEST = 120
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
"""Names that Windows keeps for itself."""


class Archive:
    """`scratch` is an empty folder for what is not yet a member; `target` is where the result goes. Use it with `with`."""

    def __init__(self, target: Path, scratch: Path, alone: bool) -> None:
        self._target, self._scratch = target, scratch
        self._zip = None if alone else ZipFile(target, "w", ZIP_DEFLATED)
        self._parts: list[tuple[Path, str, int]] = []
        self._made = 0

    def put(self, name: str, data: bytes) -> None:
        """A member that is packed already, as pictures are; one that is there stays."""
        if self._zip is not None and name not in self._zip.NameToInfo:
            self._zip.writestr(name, data, ZIP_STORED)

    def write_text(self, name: str, text: str) -> None:
        self.part(name).write_text(text, "utf-8")

    def part(self, name: str) -> Path:
        """Where to write a file that becomes the member `name` once everything is written."""
        path = self.scratch()
        self.take(path, name)
        return path

    def scratch(self) -> Path:
        """Where to write a file whose name is not known yet: see `take`."""
        self._made += 1
        return self._scratch / str(self._made)

    def take(self, path: Path, name: str, packed: bool = False) -> None:
        """A file of `scratch` becomes the member `name` at the end; `packed`: it cannot shrink."""
        self._parts.append((path, name, ZIP_STORED if packed else ZIP_DEFLATED))

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            if self._zip is not None:
                self._zip.close()

    def _finish(self) -> None:
        if self._zip is None:
            ((path, _, _),) = self._parts
            os.replace(path, self._target)
            return
        for path, name, way in self._parts:
            self._zip.write(path, name, way)
            path.unlink()


def suffix_of(data: bytes, name: str) -> str:
    """What a file is called by, from its bytes where they are a picture's, else from what it was called."""
    known = next((suffix for beginning, suffix in _BEGINNINGS if data.startswith(beginning)), "")
    known = known or (".webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else "")
    found = re.search(r"\.[A-Za-z0-9]{1,8}$", name)
    return known or (found[0].lower() if found else "")


def plain_file_name(text: str) -> str:
    """A name that every system takes for a file or folder, as near to the text as can be."""
    clean = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", text)
    clean = clean.encode("utf-8")[:_LONGEST].decode("utf-8", "ignore").rstrip(". ")
    clean = re.sub(r"^[.\s]", "_", clean) or "_"
    return f"_{clean}" if _RESERVED.match(clean) or clean.lower() == "__macosx" else clean
