"""Pictures become RGB, upright and whole, or are refused with a reason."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from studio.core.errors import UnreadableItem
from studio.modalities import discover_modalities

IMAGE = discover_modalities().get("image")


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png_that_says(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


JPEG = encoded(Image.effect_noise((64, 48), 80).convert("RGB"), "JPEG", quality=90)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (JPEG[: len(JPEG) // 2], "truncated"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"<?xml version='1.0'?><svg onload='alert(1)'/>", "SVG"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"8BPS\0\1" + b"\0" * 60, "Photoshop"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"II*\0" + b"\0" * 60, "TIFF"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "damaged"),
        (b"just words", "is not a JPEG"),
        (png_that_says(12_000, 12_000), "50 megapixels"),
        (png_that_says(30_000, 30_000), "50 megapixels"),
        (png_that_says(400, 400), "truncated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_whole_picture_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableItem) as refused:
        IMAGE.read(data, "cat.jpg")
    assert refused.value.file == "cat.jpg"
    assert reason in refused.value.reason


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = Image.new("RGB", (60, 40), "red")
    assert IMAGE.read(encoded(sideways, "JPEG", exif=exif)).size == (40, 60)


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    grey = Image.new("I;16", (4, 4))
    grey.putdata([32768] * 16)
    assert IMAGE.read(encoded(grey, "PNG")).getpixel((0, 0)) in {(127, 127, 127), (128, 128, 128)}


def test_transparent_palette_lies_on_white() -> None:
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30] + [0] * 765)
    picture = IMAGE.read(encoded(palette, "PNG", transparency=0))
    assert (picture.mode, picture.getpixel((0, 0))) == ("RGB", (255, 255, 255))


def test_cmyk_becomes_rgb() -> None:
    picture = IMAGE.read(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = picture.getpixel((4, 4))
    assert red > 200 and green < 80 and blue < 80


def test_gif_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert IMAGE.read(data).getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_thumbnail_is_jpeg_within_its_size(kind: str) -> None:
    data = IMAGE.thumbnail(encoded(Image.new("RGB", (1000, 500), "teal"), kind), 240)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (240, 120))
