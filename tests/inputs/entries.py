"""What an entry of the corpus is: a source on disk with one good item and one bad, and what has to be said of the bad one."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

PICTURES, TEXTS, PAIRS = "image-classification", "text-classification", "image-text"


@dataclass(frozen=True, slots=True)
class Bad:
    """A source of which something must not come in."""

    name: str
    task: str
    make: Callable[[Path], Path]
    """`make(folder)` writes the source into an empty folder and returns what to import."""
    file: str
    """What the report, or the error, has to name."""
    said: str
    """What it has to say of it, as a regular expression."""
    fails: bool | None = False
    """True where nothing of the source can come in, not even the good item; None where either is right."""
    good: int = 1
    """Good items in the source."""
    longest_s: float = 2.0
    bomb: bool = False
    """Made to fill the memory."""


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


GOOD = encoded(Image.new("RGB", (24, 16), (200, 40, 40)))
"""A red picture."""


def beside(name: str, data: Callable[[], bytes] | bytes) -> Callable[[Path], Path]:
    """A folder with a good picture of a cat, and `data` under `name`."""

    def make(folder: Path) -> Path:
        for path, content in (("cat/good.png", GOOD), (name, data if isinstance(data, bytes) else data())):
            file = folder / "source" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return folder / "source"

    return make


def file(name: str, data: Callable[[], bytes] | bytes | str, encoding: str = "utf-8") -> Callable[[Path], Path]:
    """One file by itself."""

    def make(folder: Path) -> Path:
        content = data() if callable(data) else data
        (folder / name).write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return folder / name

    return make
