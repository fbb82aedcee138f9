"""What a Parquet file says that it unpacks to: its footer, which tells where the pages are, and the pages, each with a header.

A footer may lie of the pages; a page that lies of itself is no page. Both are in Thrift's compact protocol:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift,
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md. Unpacks nothing, and asks no library: Arrow's
ends the whole process where what it makes of a column's chunk is not sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(1, 14)
_FIXED = {_BYTE: 1, _DOUBLE: 8, _UUID: 16}
_MAGIC = b"PAR1"

_GROUPS, _COLUMNS, _COLUMN = (4, _LIST), (1, _LIST), (3, _STRUCT)
"""Fields of the footer, of a group of rows, and of a column's chunk in it: (number, kind)."""
_PATH = (3, _LIST)
_NUMBERS = {(5, _I64): "values", (7, _I64): "packed", (9, _I64): "pages_at", (11, _I64): "dictionary_at"}
"""Of a chunk."""
_UNPACKED, _PACKED = (2, _I32), (3, _I32)
"""Of a page's header."""

DEEPEST = 16
MOST_PARTS = 300_000
"""Structures in a footer: a library makes of one that takes three bytes up to a thousand."""


@dataclass(slots=True)
class Chunk:
    """The pages of one column in one group of rows."""

    path: bytes = b""
    """The column's name."""
    values: int = 0
    packed: int = 0
    """Bytes in the file, headers and all."""
    pages_at: int = 0
    dictionary_at: int = 0

    @property
    def bounds(self) -> tuple[int, int]:
        """Where its pages begin and end."""
        start = min(self.pages_at, self.dictionary_at or self.pages_at)
        return start, start + self.packed


class Page(NamedTuple):
    """Bytes of its content."""

    unpacked: int
    packed: int


def chunks(data: memoryview) -> list[Chunk]:
    """Of every column in every group of rows, as the footer says. Raises ValueError for what is no Parquet file."""
    end = len(data) - 8
    begin = end - int.from_bytes(data[end : end + 4], "little") if end > 0 else -1
    if begin < len(_MAGIC) or data[end + 4 :] != _MAGIC:
        raise ValueError("no Parquet file")
    reader, found = _Reader(data[:end], begin), list[Chunk]()
    for field in reader.fields():
        if field != _GROUPS:
            reader.skip(field[1])
            continue
        for _ in reader.entries():
            for part in reader.fields():
                if part == _COLUMNS:
                    found.extend(_chunk(reader) for _ in reader.entries())
                else:
                    reader.skip(part[1])
    return found


def pages(data: memoryview, start: int, end: int) -> Iterator[Page]:
    """Each page from `start` on. Raises ValueError for what is no page."""
    at = start
    while at < end:
        reader, unpacked, packed = _Reader(data, at), -1, -1
        for field in reader.fields():
            if field == _UNPACKED:
                unpacked = reader.number()
            elif field == _PACKED:
                packed = reader.number()
            else:
                reader.skip(field[1])
        if unpacked < 0 or packed < 0:
            raise ValueError("no page's header")
        yield Page(unpacked, packed)
        at = reader.at + packed


def _chunk(reader: _Reader) -> Chunk:
    found = Chunk()
    for field in reader.fields():
        if field != _COLUMN:
            reader.skip(field[1])
            continue
        for part in reader.fields():
            if part in _NUMBERS:
                setattr(found, _NUMBERS[part], reader.number())
            elif part == _PATH:
                found.path = b".".join(reader.binary() for _ in reader.entries())
            else:
                reader.skip(part[1])
    return found


class _Reader:
    """Goes through structures; `at` is where it stands. Raises ValueError for what is none."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self.at = data, at
        self._parts = 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """(number, kind) of each field of one structure; whoever asks reads or skips it before the next."""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise ValueError("more parts than any table has")
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self.number()
            yield number, head & 15

    def entries(self) -> Iterator[int]:
        """The kind of each entry of a list; read or skipped likewise."""
        head = self._byte()
        count = head >> 4
        if count == 15:
            count = self._varint()
        for _ in range(self._room(count)):
            yield head & 15

    def number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def binary(self) -> bytes:
        length = self._room(self._varint())
        self.at += length
        return bytes(self._data[self.at - length : self.at])

    def skip(self, kind: int, depth: int = 0, inside: bool = False) -> None:
        """`inside` a list or a map a truth value takes a byte; as a field it stands in the field's kind."""
        if depth > DEEPEST:
            raise ValueError("it is nested too deep")
        if kind in (_TRUE, _FALSE):
            self.at += inside
        elif kind in (_I16, _I32, _I64):
            self._varint()
        elif kind in _FIXED:
            self.at += _FIXED[kind]
        elif kind == _BINARY:
            length = self._room(self._varint())  # which moves `at` itself
            self.at += length
        elif kind in (_LIST, _SET):
            for each in self.entries():
                self.skip(each, depth + 1, inside=True)
        elif kind == _STRUCT:
            for _, each in self.fields():
                self.skip(each, depth + 1)
        elif kind == _MAP:
            count = self._room(self._varint())
            kinds = self._byte() if count else 0
            for _ in range(count):
                self.skip(kinds >> 4, depth + 1, inside=True)
                self.skip(kinds & 15, depth + 1, inside=True)
        else:
            raise ValueError("of no known kind")

    def _byte(self) -> int:
        if not 0 <= self.at < len(self._data):
            raise ValueError("it ends too early")
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number without end")
        return value | byte << shift

    def _room(self, count: int) -> int:
        """That many, each of which takes a byte at least."""
        if count > len(self._data) - self.at:
            raise ValueError("it ends too early")
        return count
