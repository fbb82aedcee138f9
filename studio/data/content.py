"""What identifies an item: the canonical form and sha256 of its content. Reads no files.

A content is a mapping `{"image": sha256, "text": text}`: media by hash, texts as they are.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from json.encoder import encode_basestring as quoted

from studio.core.types import Item

SHA256 = re.compile(r"[0-9a-f]{64}")
"""What names a file of media."""


def canonical(content: Mapping[str, str]) -> str:
    """One JSON text for one content, whatever the order of its entries."""
    # as json.dumps with sort_keys gives it; an encoder that takes any value costs a million rows some seconds
    return "{" + ",".join(f"{quoted(kind)}:{quoted(content[kind])}" for kind in sorted(content)) + "}"


def content_key(content: Mapping[str, str]) -> str:
    """sha256 of the canonical form: equal content, equal key."""
    return key_of(canonical(content))


def key_of(written: str) -> str:
    """`content_key` of a content in its canonical form."""
    return hashlib.sha256(written.encode("utf-8")).hexdigest()


def media_of(content: Mapping[str, str]) -> tuple[str, ...]:
    """The sha256s that it names."""
    return tuple(value for kind, value in sorted(content.items()) if kind != "text")


def group_key(content: Mapping[str, str]) -> str:
    """What must not straddle two splits: a picture with all its captions, or a text by itself."""
    media = media_of(content)
    return media[0] if media else content_key(content)


def item_key(item: Item) -> str:
    return content_key(item.content)


def item_group(item: Item) -> str:
    return group_key(item.content)


def mix(key: str) -> int:
    """A place in an order that has nothing to do with where an item came from; 48 bits of its content's key."""
    return int(key[:12], 16)


def plain_name(text: str) -> str:
    """A name or label as it is stored: composed characters (NFC), no white space around it, no half surrogates."""
    return unicodedata.normalize("NFC", shown(text)).strip()


def shown(text: str) -> str:
    """The text as a page can show it: a file's name may hold bytes that are no characters, which are half surrogates then."""
    return text.encode("utf-8", "replace").decode("utf-8")
