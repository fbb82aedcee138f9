"""Texts: bytes in UTF-8, UTF-16 or Latin-1 become a clean `str` of 1 to 100,000 characters.

Refuses empty texts, binary files and texts that are too long; never cuts one silently.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import textwrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from studio.core.errors import UnreadableItem
from studio.modalities import MODALITIES

MAX_CHARACTERS = 100_000


class TextModality:
    """Texts in, `str` out, without white space around it."""

    name = "text"
    suffixes = frozenset({".txt"})
    column_names = ("text", "sentence", "message", "question", "review", "content", "caption", "captions")
    inline = True
    same_from = 0.99

    def read(self, source: bytes | str, name: str = "") -> str:
        """The text; a `str` is the text itself, never a path. Raises UnreadableItem."""
        name = name or "text"
        text = (source if isinstance(source, str) else _decode(source, name)).strip()
        if not text:
            raise UnreadableItem(name, "is empty")
        if len(text) > MAX_CHARACTERS:
            raise UnreadableItem(name, f"has {len(text):,} characters; at most {MAX_CHARACTERS:,} are taken")
        if "\0" in text:
            raise UnreadableItem(name, "holds NUL characters: it is binary, or in an encoding that is not known here")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise UnreadableItem(name, "holds broken characters (half a surrogate pair)") from None
        return text

    def thumbnail(self, source: bytes | str, size: int) -> bytes:
        """A JPEG with the text's beginning in it, `size` pixels a side. Raises UnreadableItem."""
        text = self.read(source)
        letter = max(8, size // 12)
        font = ImageFont.load_default(letter)
        picture = Image.new("RGB", (size, size), "white")
        lines = textwrap.wrap(text[:400], width=max(8, size * 2 // letter))
        ImageDraw.Draw(picture).multiline_text((letter // 2, letter // 2), "\n".join(lines), fill="#1e293b", font=font)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=85)
        return out.getvalue()

    def fingerprint(self, payload: str) -> NDArray[np.float32]:
        """The hash of the words in their order, as signs: alike only where no word is another, whatever case, spaces and
        punctuation. One number or one "not" makes another text."""
        words = " ".join(re.findall(r"\w+", payload.casefold())) or payload
        bits = np.unpackbits(np.frombuffer(hashlib.sha512(words.encode()).digest(), np.uint8))
        signs: NDArray[np.float32] = np.where(bits, 1.0, -1.0).astype(np.float32)
        return signs[None] / np.float32(len(bits) ** 0.5)


def _decode(data: bytes, name: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise UnreadableItem(name, "begins as UTF-16 but is not") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # every byte is a character there, so this is the last resort


MODALITIES.register(TextModality.name, TextModality())
