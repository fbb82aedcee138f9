"""Bad pictures, and files that are none. Those that are large once they are decoded are small here."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tests.inputs.entries import PICTURES, Bad, beside, encoded

JPEG = encoded(Image.effect_noise((64, 48), 80).convert("RGB"), "JPEG", quality=90)
PNG = encoded(Image.effect_noise((64, 48), 80).convert("RGB"), "PNG")


def many_scans() -> bytes:
    """A progressive JPEG whose last scan stands there a thousand times: each goes over all of its pixels."""
    data = encoded(Image.new("L", (6_000, 6_000), 90), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 1_000 + data[-2:]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zeros(size: int) -> bytes:
    """So many zeros, compressed."""
    squeeze, part = zlib.compressobj(9), bytes(2**20)
    return b"".join(_squeezed(squeeze, size, part))


def _squeezed(squeeze: zlib._Compress, size: int, part: bytes) -> Iterator[bytes]:
    for start in range(0, size, len(part)):
        yield squeeze.compress(part[: size - start])
    yield squeeze.flush()


def blank_png(side: int, extra: bytes = b"", after: bytes = b"", rows: int = 0) -> bytes:
    """A whole PNG of black and white pixels, square unless it is given another number of rows."""
    rows = rows or side
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, rows, 1, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zeros(rows * (1 + (side + 7) // 8)))
    return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + after + chunk(b"IEND", b"")


def text_bomb(after: bool = False) -> bytes:
    text = chunk(b"zTXt", b"Comment\0\0" + zeros(100 * 2**20))
    return blank_png(16, after=text) if after else blank_png(16, text)


def frames(count: int, frame: tuple[int, int] = (1, 1)) -> bytes:
    """A GIF of one pixel with so many frames, each said to be of that size."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\xff\0\0\0\0\xff"
    one = b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00"
    return head + one * count + b"\x3b"


def lying_webp(side: int = 16_384) -> bytes:
    """An animation whose canvas is said to be much larger than its frames."""
    data = encoded(Image.new("RGB", (16, 16), "red"), "WEBP", save_all=True, append_images=[Image.new("RGB", (16, 16), "blue")])
    at = data.index(b"VP8X") + 12
    size = struct.pack("<I", side - 1)[:3]
    return data[:at] + size + size + data[at + 6 :]


def lying_jpeg(side: int = 65_500) -> bytes:
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + struct.pack(">HH", side, side) + JPEG[at + 4 :]


def with_pipe(folder: Path) -> Path:
    source = beside("cat/other.txt", b"x")(folder)
    (source / "cat/other.txt").unlink()
    os.mkfifo(source / "cat/bad.png")
    return source


def named_in_bytes(folder: Path) -> Path:
    """A name that is no UTF-8, as an old disk has it."""
    source = beside("cat/bad.png", b"")(folder)
    os.rename(source / "cat/bad.png", os.fsencode(source / "cat") + b"/bad\xff.png")
    return source


def bad(name: str, file: str, data: object, said: str, **more: object) -> Bad:
    return Bad(name, PICTURES, beside(f"cat/{file}", data), f"cat/{file}", said, **more)  # type: ignore[arg-type]


SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"

BAD = (
    bad("truncated JPEG", "bad.jpg", JPEG[: len(JPEG) // 2], "truncated"),
    bad("truncated PNG", "bad.png", PNG[: len(PNG) // 2], "truncated"),
    bad("0 bytes", "bad.png", b"", "empty"),
    bad("PNG of 30,000 by 30,000", "bad.png", lambda: blank_png(30_000), "50 megapixels", bomb=True),
    bad("PNG of 12,000 by 12,000", "bad.png", lambda: blank_png(12_000), "50 megapixels", bomb=True),
    bad("PNG of 49 million rows", "bad.png", lambda: blank_png(1, rows=49_000_000), "65,535", bomb=True),
    bad("PNG of 49 million columns", "bad.png", lambda: blank_png(49_000_000, rows=1), "65,535", bomb=True),
    bad("JPEG that says 65,500 by 65,500", "bad.jpg", lying_jpeg, "50 megapixels", bomb=True),
    bad("WebP with a canvas of 16,384", "bad.webp", lying_webp, "50 megapixels|damaged", bomb=True),
    bad("GIF with a frame of 65,535", "bad.gif", lambda: frames(1, (65_535, 65_535)), "50 megapixels", bomb=True),
    bad("HEIC", "bad.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400), "HEIC"),
    bad("SVG with a script", "bad.png", SVG, "SVG"),
    bad("HTML", "bad.jpg", b"<!DOCTYPE html><html><script>alert(1)</script></html>", "web page"),
    bad("EPS", "bad.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
    bad("EPS for DOS", "bad.png", b"\xc5\xd0\xd3\xc6" + bytes(60) + b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
    bad("Photoshop", "bad.png", b"8BPS\0\1" + bytes(60), "Photoshop"),
    bad("FITS", "bad.png", b"SIMPLE  =                    T" + b" " * 2850, "FITS"),
    bad("zTXt of 100 MB", "bad.png", text_bomb, "damaged", bomb=True),
    bad("zTXt of 100 MB at the end", "bad.png", lambda: text_bomb(after=True), "damaged", bomb=True),
    bad("one that only says it is a PNG", "bad.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "damaged"),
    bad("a name with markup", "<img src=x onerror=alert(1)>.png", b"", "empty"),
    bad("a name that turns round", "bad\u202egnp.png", b"", "empty"),
    bad("another kind of file", "bad.heic", b"x", "not a file that this project takes"),
    bad("JPEG of a thousand scans", "bad.jpg", many_scans, "scans", bomb=True),
    Bad("a pipe", PICTURES, with_pipe, "cat/bad.png", "not a plain file"),
    Bad("a name in no encoding", PICTURES, named_in_bytes, "cat/bad", "empty"),
)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.new("RGB", (60, 40), "red"), "JPEG", exif=exif)


def grey16() -> bytes:
    grey = Image.new("I;16", (60, 40))
    grey.putdata([32_768] * 2400)
    return encoded(grey)


def see_through() -> bytes:
    palette = Image.new("P", (60, 40), 0)
    palette.putpalette([10, 20, 30] + [0] * 765)
    return encoded(palette, transparency=0)


GREY, RED, WHITE = (128, 128, 128), (255, 0, 0), (255, 255, 255)

FINE: dict[str, tuple[str, bytes, tuple[int, int], tuple[int, int, int]]] = {
    "CMYK": ("a.jpg", encoded(Image.new("CMYK", (60, 40), (0, 255, 255, 0)), "JPEG"), (60, 40), RED),
    "16-bit grey": ("a.png", grey16(), (60, 40), GREY),
    "palette and alpha": ("a.png", see_through(), (60, 40), WHITE),
    "turned by EXIF": ("a.jpg", turned(), (40, 60), RED),
    "WebP": ("a.webp", encoded(Image.new("RGB", (60, 40), "red"), "WEBP", lossless=True), (60, 40), RED),
    "one pixel": ("a.png", encoded(Image.new("RGB", (1, 1), "red")), (1, 1), RED),
    "GIF of 10,000 frames": ("a.gif", frames(10_000), (1, 1), RED),
    "EXIF that is none": (
        "a.jpg",
        encoded(Image.new("RGB", (60, 40), "red"), "JPEG", exif=b"Exif\0\0" + b"x" * 40),
        (60, 40),
        RED,
    ),
    "PNG called .jpg": ("a.jpg", encoded(Image.new("RGB", (60, 40), "red")), (60, 40), RED),
}
"""{what is fine: (file, data, size, colour of a pixel)} once it is in a project."""
