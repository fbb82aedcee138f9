"""Pictures: JPEG, PNG, WebP and GIF become RGB, upright and whole; everything else is refused with a reason for people.

Refuses more than 50 megapixels before decoding, and never trusts a suffix.
"""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import nullcontext
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from studio.core.errors import UnreadableItem
from studio.modalities import MODALITIES

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 65_535
"""As JPEG and GIF have it: Pillow keeps an address for each row, and fifty million rows of one pixel would take a gigabyte."""
LARGE_PIXELS = 25_000_000
"""Pictures beyond it are decoded one at a time, however many cores read: each takes up to 8 bytes a pixel meanwhile."""
_ONE_AT_A_TIME = Lock()
_SCAN, MOST_SCANS = b"\xff\xda", 64
"""Of a progressive JPEG, about ten in most: each goes over all of its pixels."""
STRIP = 256
"""Rows."""
TOO_LARGE = "has more than 50 megapixels: make it smaller first"
TOO_LONG = f"has a side of more than {MAX_SIDE:,} pixels: cut it first"

# what Pillow's decoders raise on damaged files
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, TypeError, OverflowError)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

GREY, SIDE = 96, 20
_CROP = 0.95
_STARTS = (0.0, (1 - _CROP) / 2, 1 - _CROP)
_PARTS = [(0.0, 0.0, float(GREY), float(GREY))] + [
    (GREY * x, GREY * y, GREY * (x + _CROP), GREY * (y + _CROP)) for x in _STARTS for y in _STARTS
]

_OTHER_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "is a PDF, not a picture: export its pages as PNG"),
    (0, b"8BPS", "is a Photoshop file: export it as PNG or JPEG"),
    (0, b"%!PS", "is a PostScript file: export it as PNG"),
    (0, b"\xc5\xd0\xd3\xc6", "is a PostScript file: export it as PNG"),
    (0, b"SIMPLE  =", "is a FITS file: export it as PNG"),
    (0, b"II*\0", "is a TIFF: save it as PNG or JPEG"),
    (0, b"MM\0*", "is a TIFF: save it as PNG or JPEG"),
    (0, b"BM", "is a BMP: save it as PNG or JPEG"),
    (0, b"PK\3\4", "is an archive, not a picture"),
    (4, b"ftypavif", "is AVIF: save it as JPEG, PNG or WebP"),
    (4, b"ftyphei", "is HEIC: save it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible)"),
    (4, b"ftypmif1", "is HEIC: save it as JPEG"),
    (4, b"ftyphevc", "is HEIC: save it as JPEG"),
    (4, b"ftyp", "is a video, not a picture"),
)


class ImageModality:
    """Encoded pictures in, RGB `PIL.Image.Image` out."""

    name = "image"
    suffixes = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif"})
    column_names = ("image", "file", "filename", "file_name", "path", "image_path", "img")
    inline = False
    same_from = 0.96
    """Found on training pictures: coarse enough that copies lie above, and all but a few other pairs below."""

    def read(self, source: bytes | str, name: str = "") -> Image.Image:
        """The first frame as RGB, upright, on white where it was transparent. A `str` is a path. Raises UnreadableItem."""
        data, name = _bytes(source, name)
        picture = _open(data, name)
        return _decode(picture, name)

    def thumbnail(self, source: bytes | str, size: int) -> bytes:
        """A JPEG of at most `size` pixels a side, re-encoded. Raises UnreadableItem."""
        data, name = _bytes(source, "")
        picture = _open(data, name)
        if picture.format == "JPEG" and picture.mode in {"RGB", "L"}:
            # decodes at an eighth to a half of the resolution; fine for a thumbnail, never for what a model sees
            picture.draft(picture.mode, (2 * size, 2 * size))
        rgb = _decode(picture, name)
        rgb.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
        out = io.BytesIO()
        rgb.save(out, "JPEG", quality=85)  # a tenth of what a WebP of that size takes, and the next picture is waited for
        return out.getvalue()

    def fingerprint(self, payload: Image.Image) -> NDArray[np.float32]:
        """Grey values less their mean, of the whole and of every crop that leaves out a twentieth of both sides."""
        grey = payload.convert("L").resize((GREY, GREY), Image.Resampling.BOX)
        rows = [np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX, box), np.float32).ravel() for box in _PARTS]
        rows = [row - row.mean() for row in rows]
        return np.stack([row / max(float(np.linalg.norm(row)), 1e-6) for row in rows])


def _bytes(source: bytes | str, name: str) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, name or "picture"
    path = Path(source)
    try:
        return path.read_bytes(), name or path.name
    except (OSError, ValueError) as error:
        raise UnreadableItem(
            name or path.name, f"cannot be opened: {str(getattr(error, 'strerror', None) or error).lower()}"
        ) from error


def _open(data: bytes, name: str) -> Image.Image:
    """Header read, pixels not yet decoded, size within the cap."""
    if not data:
        raise UnreadableItem(name, "is empty (0 bytes)")
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except _BOMB:
        raise UnreadableItem(name, TOO_LARGE) from None
    except _DAMAGE as error:
        raise UnreadableItem(name, _why_not_a_picture(data)) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise UnreadableItem(name, TOO_LARGE)
    if max(picture.size) > MAX_SIDE:
        raise UnreadableItem(name, TOO_LONG)
    if picture.format == "JPEG" and data.count(_SCAN) > MOST_SCANS:
        raise UnreadableItem(name, "is a JPEG of more scans than any program writes: save it again")
    return picture


def _decode(picture: Image.Image, name: str) -> Image.Image:
    try:
        with _ONE_AT_A_TIME if picture.width * picture.height > LARGE_PIXELS else nullcontext():
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            return _rgb(picture)
    except _BOMB:
        raise UnreadableItem(name, TOO_LARGE) from None
    except MemoryError:
        raise UnreadableItem(name, "needs more memory than there is") from None
    except _DAMAGE as error:
        truncated = "truncated" in str(error) or isinstance(error, EOFError)
        reason = "is truncated: its end is missing; copy it again" if truncated else "is damaged: it cannot be decoded whole"
        raise UnreadableItem(name, reason) from error


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.has_transparency_data:
        return _by_strips(picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _by_strips(picture: Image.Image) -> Image.Image:
    """16-bit grey, or on white where it is transparent: whole copies in between would take three times the picture's memory."""
    out = Image.new("RGB", picture.size, "white")
    for top in range(0, picture.height, STRIP):
        part = picture.crop((0, top, picture.width, min(top + STRIP, picture.height)))
        if part.mode.startswith("I"):
            # Pillow's own conversion of mode I clips at 255 instead of scaling
            out.paste(part.convert("I").point(lambda value: value * (1 / 257)).convert("L"), (0, top))
        else:
            part = part.convert("RGBA")
            out.paste(part, (0, top), part)
    return out


def _why_not_a_picture(data: bytes) -> str:
    for offset, magic, reason in _OTHER_KINDS:
        if data.startswith(magic, offset):
            return reason
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "is a web page (HTML), not a picture: download the picture itself"
    if start.startswith((b"<svg", b"<?xml")):
        return "is an SVG drawing: export it as PNG"
    if data.startswith((b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF")):
        return "is damaged: its header cannot be read"
    return "is not a JPEG, PNG, WebP or GIF picture"


MODALITIES.register(ImageModality.name, ImageModality())
