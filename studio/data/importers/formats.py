"""Tables as records: CSV, TSV, JSONL, JSON list and Parquet become (row number, {column: value}), rejects among them.

Row numbers are what a person sees: a spreadsheet's row for CSV (the header is row 1), the line for JSONL, counted from 1 else.
Refuses nothing of the content: that is `records`' matter.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from studio.core.errors import ImportFailed
from studio.core.results.projects import Reject

Record = tuple[int, Mapping[str, Any]]
Table = tuple[tuple[str, ...], Iterator[Record | Reject]]
"""(columns, records)."""

_MAX_FIELD = 2**30  # a text that is too long is a reject with a reason, not an error of the csv module
_AT_ONCE = 16
"""Rows of a Parquet file in memory at a time: rows that share a long text take its length each once they are read."""
_DELIMITERS = (",", "\t", ";", "|")
_JSON_ERRORS = (ValueError, RecursionError)


def read_table(data: bytes, name: str) -> Table:
    """The table in a file's bytes, by its name's suffix. Raises ImportFailed where it is none."""
    reader = TABLE_SUFFIXES[name[name.rindex(".") :].lower()]
    if not data:
        raise ImportFailed(f"{name} is empty (0 bytes).", "Export it again.")
    return reader(data, name)


def _csv(data: bytes, name: str) -> Table:
    csv.field_size_limit(_MAX_FIELD)
    text = _text(data)
    delimiter = _delimiter(text, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = tuple(cell.strip() for cell in next(reader, []))
    if why := _why_no_table(text, header):
        raise ImportFailed(f"{name} {why}.", "Export the table as CSV, and import that.")
    double = sorted({cell for cell in header if cell and header.count(cell) > 1})
    if double:
        raise ImportFailed(f"{name} has more than one column named {double[0][:80]!r}.", "Rename one of them.")

    def records() -> Iterator[Record | Reject]:
        number = 1
        try:
            for number, cells in enumerate(reader, 2):
                if len(cells) > len(header):
                    yield Reject(name, number, f"has {len(cells)} cells, the header has {len(header)}")
                elif cells:
                    yield number, dict(zip(header, cells, strict=False))
        except csv.Error as error:
            yield Reject(name, number + 1, f"cannot be read from here on ({error})")

    return header, records()


def _why_no_table(text: str, header: tuple[str, ...]) -> str | None:
    """Why a text is no CSV, though it is called one; None where it may be."""
    if text.startswith("PK\3\4"):
        return "is an archive or a workbook (.xlsx), not a CSV"
    if any(ord(sign) < 32 and sign not in "\t\r\n" for cell in header for sign in cell):
        return "is a binary file, not a CSV"
    if text[:200].lstrip().lower().startswith(("<!doctype", "<html")):
        return "is a web page (HTML), not a CSV"
    return None


def _delimiter(text: str, name: str) -> str:
    """The one that cuts the header into the most columns, and most of the first rows into as many."""
    head = text[:100_000]
    tabs = name.lower().endswith(".tsv")

    def fit(delimiter: str) -> tuple[int, float, bool]:
        try:
            rows = islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), 20)
            widths = [len(row) for row in rows if row]
        except csv.Error:
            return 0, 0.0, False
        alike = sum(width == widths[0] for width in widths) / len(widths) if widths else 0.0
        # a ragged row is that row's fault, and the last one of a cut text may be short
        return widths[0] if alike >= 0.5 else 0, alike, tabs and delimiter == "\t"

    return max(_DELIMITERS, key=fit)


def _jsonl(data: bytes, name: str) -> Table:
    text = _text(data)
    columns: dict[str, None] = {}
    for line in filter(str.strip, _lines(text)):  # all of them: a column may come late
        try:
            first = json.loads(line)
        except _JSON_ERRORS:
            continue
        columns.update(dict.fromkeys(first) if isinstance(first, dict) else {})

    def records() -> Iterator[Record | Reject]:
        for number, line in enumerate(_lines(text), 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except _JSON_ERRORS as error:
                yield Reject(name, number, _why_not_json(error))
                continue
            yield (number, value) if isinstance(value, dict) else Reject(name, number, "is not a JSON object")

    return tuple(columns), records()


def _lines(text: str) -> Iterator[str]:
    """One by one: a list of a million lines is larger than the text itself."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _json(data: bytes, name: str) -> Table:
    text = _text(data)
    try:
        value = json.loads(text)
    except _JSON_ERRORS as error:
        if "\n{" in text.strip():
            return _jsonl(data, name)
        hint = "Give a list of objects, or one object a line."
        raise ImportFailed(f"{name} {_why_not_json(error)}.", hint) from error
    if not isinstance(value, list):
        raise ImportFailed(f"{name} holds no list.", 'Give a list of objects, as in [{"text": …, "label": …}].')
    columns: dict[str, None] = {}
    for entry in value:
        columns.update(dict.fromkeys(entry) if isinstance(entry, dict) else {})

    def records() -> Iterator[Record | Reject]:
        for number, entry in enumerate(value, 1):
            yield (number, entry) if isinstance(entry, dict) else Reject(name, number, "is not a JSON object")

    return tuple(columns), records()


def _why_not_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deep"
    # the one ValueError that is no JSONDecodeError: Python refuses numbers of more than 4,300 digits
    return "is not JSON" if isinstance(error, json.JSONDecodeError) else "holds a number with too many digits"


def _parquet(data: bytes, name: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        columns = tuple(file.schema_arrow.names)
        names = class_names(file.schema_arrow.metadata)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportFailed(f"{name} is not a Parquet file that can be read.", "Export it again.") from error

    def records() -> Iterator[Record | Reject]:
        number = 0
        try:
            for batch in file.iter_batches(batch_size=_AT_ONCE):
                for record in rows_of(batch, name, number):
                    number += 1
                    yield record if isinstance(record, Reject) else (number, named_classes(record, names))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ImportFailed(f"{name} is damaged after row {number} ({error}).", "Export it again.") from error

    return columns, records()


def rows_of(batch: Any, name: str, before: int) -> Iterator[Mapping[str, Any] | Reject]:
    """The rows of an Arrow batch, after so many others of that file; one with a value that Python has not (a date of the year
    300000, a time of no known zone) is a reject. Raises what Arrow raises for a damaged one."""
    try:
        yield from batch.to_pylist()
    except (OverflowError, ValueError, KeyError) as error:
        if batch.num_rows == 1:
            yield Reject(name, before + 1, f"has a value that cannot be read ({error})")
            return
        for n in range(batch.num_rows):
            yield from rows_of(batch.slice(n, 1), name, before + n)


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
    except (*_JSON_ERRORS, KeyError, TypeError, AttributeError):
        return {}


def _text(data: bytes) -> str:
    """UTF-8, else UTF-16 by its mark or its NULs, else Windows' Latin-1."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    head = data[:4096]
    if head.count(0) > len(head) // 4:
        return data.decode("utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


TABLE_SUFFIXES: Mapping[str, Callable[[bytes, str], Table]] = {
    ".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".parquet": _parquet,
}  # fmt: skip
