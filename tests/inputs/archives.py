"""Bad archives: names that lead out, links, bombs of several kinds. None of them is larger than a few megabytes but one."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.inputs.entries import GOOD, PICTURES, Bad, encoded, file

BLUE = encoded(Image.new("RGB", (24, 16), "blue"))


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Callable[[Path], Path]:
    """A zip with a good picture and these members."""

    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "data.zip", "w", kind) as archive:
            archive.writestr("cat/good.png", GOOD)
            for name, data in members:
                archive.writestr(name, data)
        return folder / "data.zip"

    return make


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def changed(make: Callable[[Path], Path], change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    """The archive with other bytes."""

    def spoil(folder: Path) -> Path:
        path = make(folder)
        path.write_bytes(change(path.read_bytes()))
        return path

    return spoil


def locked(data: bytes) -> bytes:
    at = data.rindex(b"cat/bad.png") - 46
    return data[: at + 8] + b"\1" + data[at + 9 :]


def wrong_sum(data: bytes) -> bytes:
    at = data.rindex(b"cat/bad.png") - 46
    return data[: at + 16] + b"\0\0\0\0" + data[at + 20 :]


def growing(folder: Path) -> Path:
    """300 MB in 300 kB."""
    return packed(*((f"cat/{n}.png", bytes(100 * 2**20)) for n in range(3)))(folder)


@cache
def padded_bytes() -> bytes:
    with TemporaryDirectory() as folder:
        noise = ("cat/noise.png", os.urandom(6 * 2**20))
        return packed(noise, *((f"cat/{n}.png", bytes(190 * 2**20)) for n in range(3)))(Path(folder)).read_bytes()


def padded(folder: Path) -> Path:
    """Three members of 190 MB behind 6 MB that pay for them: the whole grows to no more than a hundred times its size."""
    return file("data.zip", padded_bytes)(folder)


@cache
def bzipped_bytes(size: int) -> bytes:
    with TemporaryDirectory() as folder:
        path = packed()(Path(folder))
        with (
            zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive,
            archive.open("cat/bad.png", "w", force_zip64=True) as member,
        ):
            for _ in range(size):
                member.write(bytes(2**20))
        return path.read_bytes()


def bzipped(size: int) -> Callable[[Path], Path]:
    """One member of so many MB that its packer's library can only unpack at one go, however little is asked for."""
    return file("data.zip", lambda: bzipped_bytes(size))


def local(name: bytes, data: bytes) -> bytes:
    return (
        struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0) + name + data
    )


def central(name: bytes, data: bytes, at: int) -> bytes:
    sizes = (zlib.crc32(data), len(data), len(data), len(name), 0, 0, 0, 0, 0, at)
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, *sizes) + name


def end(count: int, size: int, at: int) -> bytes:
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, min(count, 65_535), min(count, 65_535), size, at, 0)


def overlapping(folder: Path) -> Path:
    """300 members, each of which holds all the later ones: a third of a megabyte that is fifty when it is unpacked."""
    body, entries = local(b"cat/0.png", bytes(300_000)), [(b"cat/0.png", bytes(300_000), 0)]
    for n in range(1, 300):
        name, data = b"cat/%d.png" % n, body
        body = local(name, data)
        entries.append((name, data, len(body)))
    good = local(b"cat/good.png", GOOD)
    # each begins where the one around it ends its header
    directory, at = central(b"cat/good.png", GOOD, 0), len(good)
    for name, data, _ in reversed(entries):
        directory += central(name, data, at)
        at += len(local(name, b""))
    whole = good + body
    (folder / "data.zip").write_bytes(whole + directory + end(301, len(directory), len(whole)))
    return folder / "data.zip"


def million(folder: Path) -> Path:
    """A million empty members."""
    one = local(b"0000000.png", b"")
    directory = b"".join(central(b"%07d.png" % n, b"", 0) for n in range(10**6))
    where = len(one) + len(directory)
    zip64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, len(directory), len(one))
    ends = zip64 + struct.pack("<4sIQI", b"PK\6\7", 0, where, 1) + end(10**6, 2**32 - 1, 2**32 - 1)
    with (folder / "data.zip").open("wb") as out:
        out.writelines((one, directory, ends))
    return folder / "data.zip"


def denied(folder: Path) -> Path:
    """The same, whose end says that it holds one."""
    path = million(folder)
    data = path.read_bytes()
    at = data.rindex(b"PK\6\6") + 24
    path.write_bytes(data[:at] + struct.pack("<2Q", 1, 1) + data[at + 16 :])
    return path


def inner() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.png", BLUE)
    return out.getvalue()


def bad(name: str, file: str, make: Callable[[Path], Path], said: str, **more: object) -> Bad:
    return Bad(name, PICTURES, make, file, said, **more)  # type: ignore[arg-type]


BAD = (
    bad("a name that leads up", "../evil.png", packed(("../evil.png", BLUE)), "leads out"),
    bad("a name that leads up with backslashes", "../evil.png", packed(("cat\\..\\..\\evil.png", BLUE)), "leads out"),
    bad("an absolute name", "/evil.png", packed(("/evil.png", BLUE)), "leads out"),
    bad("a drive", "C:/evil.png", packed(("C:\\evil.png", BLUE)), "leads out"),
    bad("a link", "cat/bad.png", packed((link("cat/bad.png"), b"/etc/passwd")), "link"),
    bad("1000 to 1", "data.zip", growing, "unpacks to more", fails=True, bomb=True, longest_s=10),
    bad("large members behind noise", "cat/0.png", padded, "not a JPEG", bomb=True, longest_s=10),
    bad("bzip2", "cat/bad.png", bzipped(1), "pack it again"),
    bad("a bzip2 bomb", "cat/bad.png", bzipped(600), "pack it again", bomb=True),
    bad("overlapping members", "", overlapping, "unpacks to more|damaged in the archive|not a JPEG", fails=None, bomb=True),
    bad("a million members", "data.zip", million, "more files than", fails=True, bomb=True, longest_s=10),
    bad("a million members, denied", "data.zip", denied, "more files than", fails=True, bomb=True, longest_s=10),
    bad("an archive in it", "cat/bad.zip", packed(("cat/bad.zip", inner())), "archive inside"),
    bad("an archive called .png", "cat/bad.png", packed(("cat/bad.png", inner())), "archive"),
    bad("encrypted", "cat/bad.png", changed(packed(("cat/bad.png", BLUE)), locked), "encrypted"),
    bad("a wrong sum", "cat/bad.png", changed(packed(("cat/bad.png", BLUE)), wrong_sum), "damaged in the archive"),
    bad("a name twice", "cat/bad.png", packed(("cat/bad.png", BLUE), ("cat/bad.png", GOOD + b"x")), "twice"),
    bad("a name of 5,000 digits", "cat/999", packed(("cat/" + "9" * 5000 + ".png", b"")), "empty"),
    bad("a name of 60,000 letters", "cat/xxx", packed(("cat/" + "x" * 60_000 + ".png", b"")), "empty"),
    bad("cut off", "data.zip", changed(packed(), lambda data: data[:-30]), "not a whole .zip", fails=True),
    bad("a web page", "data.zip", changed(packed(), lambda data: b"<html>404</html>"), "not a whole .zip", fails=True),
    bad("0 bytes", "data.zip", changed(packed(), lambda data: b""), "not a whole .zip", fails=True),
)

SAME_NAMES = packed(("cat/GOOD.png", BLUE), ("caf\u00e9/1.png", encoded(Image.new("RGB", (9, 9), "green"))),
                    ("cafe\u0301/1.png", encoded(Image.new("RGB", (9, 9), "black"))))  # fmt: skip
"""Names that differ by case, and by how an accent is written: two classes, four pictures."""
