"""What the pages of a Parquet file say that they unpack to. A file's footer may lie of it; a page that does is no page.

Each page begins with a header in Thrift's compact protocol:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift. Unpacks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_UNPACKED, _PACKED = 2, 3
"""Fields of a page's header."""
DEEPEST = 8


def page_sizes(data: memoryview, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(bytes unpacked, bytes in the file) of each page from `start` on. Raises ValueError for what is no page."""
    at = start
    while at < end:
        header = _Header(data, at)
        found = header.numbers()
        unpacked, packed = found.get(_UNPACKED, -1), found.get(_PACKED, -1)
        if unpacked < 0 or packed < 0:
            raise ValueError("no page's header")
        yield unpacked, packed
        at = header.at + packed


class _Header:
    """Reads one structure; `at` is then where it ends."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self.at = data, at

    def numbers(self) -> dict[int, int]:
        """{field: number} of its 32-bit numbers."""
        found: dict[int, int] = {}
        field = 0
        while kind := self._byte():
            field = field + (kind >> 4) if kind >> 4 else self._signed()
            if kind & 15 == _I32:
                found[field] = self._signed()
            else:
                self._skip(kind & 15)
        return found

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

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, kind: int, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise ValueError("it is nested too deep")
        if kind in (_TRUE, _FALSE):
            return
        if kind in (_I16, _I32, _I64):
            self._varint()
        elif kind in (_BYTE, _DOUBLE):
            self.at += 1 if kind == _BYTE else 8
        elif kind == _BINARY:
            length = self._varint()  # which moves `at` itself
            self.at += length
        elif kind == _STRUCT:
            while head := self._byte():
                if not head >> 4:
                    self._signed()
                self._skip(head & 15, depth + 1)
        else:  # no page's header has lists or maps
            raise ValueError("no page's header")
