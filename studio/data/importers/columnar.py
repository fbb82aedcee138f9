"""Parquet and Arrow tables as records, with limits on what few bytes may unpack to.

Both say how much they hold before it is read, and may hold a billion rows in a hundred bytes. Columns that no import can use,
such as lists of lists, or of types whose values lie nowhere, are not read. Refuses nothing else of the content.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from studio.core.errors import ImportFailed
from studio.core.results.projects import Reject
from studio.data.importers import MOST_ROWS, too_many_rows
from studio.data.importers.pages import Chunk, chunks, pages

Record = tuple[int, Mapping[str, Any]]
Table = tuple[tuple[str, ...], Iterator[Record | Reject]]
"""(columns, records)."""

MOST_COLUMNS = 16_384
"""As a spreadsheet has at most."""
MOST_VALUES = 20_000_000
"""Of one column, whose rows may be lists, where they are more than twice the file's bytes: an embedding's are not."""
MOST_TIMES, FREE_BYTES = 100, 2**24
"""What a column may unpack to, and what it may whatever it is packed into."""
AT_ONCE = 16
"""Rows in memory at a time: those that share a long text take its length each once they are read."""

LONG = 1_000
"""Characters or bytes of a value beyond which it is counted."""

_BATCH, _DICTIONARY = 3, 2
"""Of Arrow's messages."""


def sound_columns(columns: Iterable[str], name: str) -> tuple[str, ...]:
    """Those. Raises ImportFailed for too many of them, or two of one name."""
    found: dict[str, None] = {}
    for column in columns:
        if column in found:
            raise ImportFailed(f"{name} has more than one column named {column[:80]!r}.", "Rename one of them.")
        found[column] = None
        if len(found) > MOST_COLUMNS:
            raise ImportFailed(f"{name} has more than {MOST_COLUMNS:,} columns.", "Leave out those that say nothing of an item.")
    return tuple(found)


def read_parquet(data: bytes, name: str) -> Table:
    """Raises ImportFailed where it is none, or would fill the memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = chunks(memoryview(data))  # first, as Arrow believes it
        file = pq.ParquetFile(pa.BufferReader(data))
        names, usable = class_names(file.schema_arrow.metadata), _usable(file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportFailed(f"{name} is not a Parquet file that can be read.", "Export it again.") from error
    columns, scale = sound_columns(usable, name), _Scale(len(data), name)
    if file.metadata.num_rows > MOST_ROWS:
        raise too_many_rows(name)
    _check_size(footer, memoryview(data), name)

    def records() -> Iterator[Record | Reject]:
        number = 0
        try:
            for batch in file.iter_batches(batch_size=AT_ONCE, columns=list(columns)):
                for record in map(scale.weighed, _rows(batch, name, number)):
                    number += 1
                    yield record if isinstance(record, Reject) else (number, named_classes(record, names))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ImportFailed(f"{name} is damaged after row {number} ({error}).", "Export it again.") from error

    return columns, records()


def _check_size(footer: Sequence[Chunk], data: memoryview, name: str) -> None:
    try:
        found = [page for chunk in footer for page in pages(data, *chunk.bounds)]
    except ValueError as error:
        raise ImportFailed(f"{name} is damaged ({error}).", "Export it again.") from None
    values: Counter[bytes] = Counter()
    for chunk in footer:
        values[chunk.path] += chunk.values
    if (
        any(page.unpacked > max(FREE_BYTES, MOST_TIMES * page.packed) for page in found)
        or sum(page.unpacked for page in found) > max(4 * FREE_BYTES, MOST_TIMES * len(data))
        or max(values.values(), default=0) > max(MOST_VALUES, 2 * len(data))
    ):
        raise _far_more(name)


def _far_more(name: str) -> ImportFailed:
    return ImportFailed(f"{name} unpacks to far more than it holds.", "Export it again, as CSV if that stays so.")


class _Scale:
    """Counts what long values of a file of so many bytes come to: a thousand rows may share one."""

    def __init__(self, size: int, name: str) -> None:
        self._left = max(4 * FREE_BYTES, MOST_TIMES * size)
        self._name = name

    def weighed(self, record: Any) -> Any:
        """That record. Raises ImportFailed beyond the limit."""
        if not isinstance(record, Reject):
            parts = (part for value in record.values() for part in (value.values() if isinstance(value, dict) else (value,)))
            self._left -= sum(len(part) for part in parts if isinstance(part, str | bytes) and len(part) > LONG)
            if self._left < 0:
                raise _far_more(self._name)
        return record


def read_arrow(data: bytes, name: str) -> Table:
    """Of an Arrow stream. Raises ImportFailed where it is none, or is packed, which `datasets` never does."""
    import pyarrow as pa

    try:
        if any(_is_packed(message) for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(data))):
            raise ImportFailed(f"{name} is a packed Arrow file.", "Save the data set with save_to_disk of datasets.")
        reader = pa.ipc.open_stream(pa.BufferReader(data))
        names, usable = class_names(reader.schema.metadata), _usable(reader.schema)
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise ImportFailed(f"{name} is not an Arrow file that can be read.", "Save the data set again.") from error
    columns, scale = sound_columns(usable, name), _Scale(len(data), name)

    def records() -> Iterator[Record | Reject]:
        number = 0
        try:
            for batch in reader:
                if number + batch.num_rows > MOST_ROWS:
                    raise too_many_rows(name)
                batch = batch.select(list(columns))
                batch.validate(full=True)  # offsets that lead outside would crash the process, not raise
                at_once = AT_ONCE if batch.get_total_buffer_size() <= FREE_BYTES else 1
                for start in range(0, batch.num_rows, at_once):
                    for record in map(scale.weighed, _rows(batch.slice(start, at_once), name, number)):
                        number += 1
                        yield record if isinstance(record, Reject) else (number, named_classes(record, names))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ImportFailed(f"{name} is damaged after row {number} ({error}).", "Save the data set again.") from error

    return columns, records()


def _is_packed(message: Any) -> bool:
    """Whether a message's buffers are compressed: how much they unpack to is known to Arrow alone, once it has done so. Its
    metadata is a flatbuffer: https://github.com/apache/arrow/blob/main/format/Message.fbs."""
    said = message.metadata.to_pybytes()
    root = struct.unpack_from("<I", said)[0]
    kind = _at(said, root, 1)
    if not kind or said[kind] not in (_BATCH, _DICTIONARY):
        return False
    batch = _table(said, root, 2)
    if said[kind] == _DICTIONARY:
        batch = _table(said, batch, 1)
    return _at(said, batch, 3) != 0


def _at(said: bytes, table: int, field: int) -> int:
    """Where a table's field lies; 0 for none."""
    known = table - struct.unpack_from("<i", said, table)[0]
    if 4 + 2 * field >= struct.unpack_from("<H", said, known)[0]:
        return 0
    offset = int(struct.unpack_from("<H", said, known + 4 + 2 * field)[0])
    return table + offset if offset else 0


def _table(said: bytes, table: int, field: int) -> int:
    at = _at(said, table, field)
    return at + int(struct.unpack_from("<I", said, at)[0])


def _usable(schema: Any) -> list[str]:
    """Columns whose values lie in the file, each by itself, in a list or in an object."""
    import pyarrow as pa

    kinds = pa.types

    def single(kind: Any) -> bool:
        if kinds.is_dictionary(kind):
            return single(kind.value_type)
        plain = (kinds.is_primitive, kinds.is_decimal, kinds.is_temporal, kinds.is_string, kinds.is_large_string)
        raw = (kinds.is_binary, kinds.is_large_binary, kinds.is_string_view, kinds.is_binary_view)
        return any(is_so(kind) for is_so in (*plain, *raw)) or (kinds.is_fixed_size_binary(kind) and kind.byte_width > 0)

    def usable(kind: Any) -> bool:
        if kinds.is_list(kind) or kinds.is_large_list(kind):
            return single(kind.value_type)
        if kinds.is_struct(kind):
            return kind.num_fields > 0 and all(single(kind.field(n).type) for n in range(kind.num_fields))
        return single(kind) or kinds.is_null(kind)

    return [field.name for field in schema if usable(field.type)]


def _rows(batch: Any, name: str, before: int) -> Iterator[Mapping[str, Any] | Reject]:
    """The rows of a batch, after so many others of that file; one with a value that Python has not (a date of the year 300000, a
    time of no known zone) is a reject. Raises what Arrow raises for a damaged one."""
    try:
        yield from batch.to_pylist()
    except (OverflowError, ValueError, KeyError) as error:
        if batch.num_rows == 1:
            yield Reject(name, before + 1, f"has a value that cannot be read ({error})")
            return
        for n in range(batch.num_rows):
            yield from _rows(batch.slice(n, 1), name, before + n)


def named_classes(record: Mapping[str, Any], names: Mapping[str, list[str]]) -> dict[str, Any]:
    """A record with class numbers, lists of them too, replaced by the names that its data set gives them (-1 means no label)."""
    out = dict(record)
    for column, known in names.items():
        value = out.get(column)
        named = [known[n] if 0 <= n < len(known) else None for n in _numbers(value)]
        if isinstance(value, int):
            (out[column],) = named
        elif named:
            out[column] = named
    return out


def _numbers(value: Any) -> list[int]:
    return [n for n in (value if isinstance(value, list) else [value]) if isinstance(n, int)]


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Names of the columns of `ClassLabel`, or of lists of it, in a file that `datasets` wrote."""
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        inner = {column: kind.get("feature", kind) if isinstance(kind, dict) else {} for column, kind in features.items()}
        kinds = {column: kind for column, kind in inner.items() if isinstance(kind, dict)}
        return {column: list(kind["names"]) for column, kind in kinds.items() if kind.get("_type") == "ClassLabel"}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}
