"""Tables as records: CSV, TSV, JSONL and JSON lists become (row number, {column: value}), rejects among them.

Row numbers are what a person sees: a spreadsheet's row for CSV (the header is row 1), the line for JSONL, counted from 1 else.
Refuses what few bytes would make of the memory; of the content nothing: that is `records`' matter.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from studio.core.errors import ImportFailed
from studio.core.results.projects import Reject
from studio.data.importers import MOST_ROWS, too_many_rows
from studio.data.importers.columnar import MOST_COLUMNS, Record, Table, read_parquet, sound_columns

_MAX_FIELD = 2**30  # a text that is too long is a reject with a reason, not an error of the csv module
LONGEST_RECORD = 2**24
"""Characters of one JSON object: as Python's it takes up to thirty times that."""
TOO_LONG = "is longer than 16 MB"
_DELIMITERS = (",", "\t", ";", "|")
_JSON_ERRORS = (ValueError, RecursionError)
_SIGNS = re.compile(r'[][{},]|"[^"\\]*+(?:\\.[^"\\]*+)*+"|"', re.DOTALL)
"""What says where in a JSON text one is: brackets, commas, and strings as a whole, or one that does not end."""
_NO_OBJECT = "is not a JSON object"


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
    sound_columns(filter(None, header), name)
    if text.count("\n") > MOST_ROWS:  # a cell may have lines of its own
        all_rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if next(islice(all_rows, MOST_ROWS + 1, None), None) is not None:
            raise too_many_rows(name)

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

    def records() -> Iterator[Record | Reject]:
        for number, line in enumerate(_lines(text), 1):
            if len(line) > LONGEST_RECORD:
                yield Reject(name, number, TOO_LONG)
            elif line.strip():
                yield _record(line, name, number)

    return _columns(records(), name), records()


def _record(text: str, name: str, number: int) -> Record | Reject:
    try:
        value = json.loads(text)
    except _JSON_ERRORS as error:
        return Reject(name, number, _why_not_json(error))
    return (number, value) if isinstance(value, dict) else Reject(name, number, _NO_OBJECT)


def _columns(records: Iterable[Record | Reject], name: str) -> tuple[str, ...]:
    """Of all records, as one may come late. Raises ImportFailed for too many of either."""
    found: dict[str, None] = {}
    for count, record in enumerate(records):
        if count == MOST_ROWS:
            raise too_many_rows(name)
        if not isinstance(record, Reject) and not found.keys() >= record[1].keys():
            found.update(dict.fromkeys(record[1]))
            if len(found) > MOST_COLUMNS:
                break
    return sound_columns(found, name)


def _lines(text: str) -> Iterator[str]:
    """One by one: a list of a million lines is larger than the text itself."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _json(data: bytes, name: str) -> Table:
    text = _text(data).strip()
    if not text.startswith("["):
        first = text.partition("\n")[0]
        if "\n" in text and len(first) <= LONGEST_RECORD and not isinstance(_record(first, name, 1), Reject):
            return _jsonl(data, name)
        raise ImportFailed(
            f"{name} holds no list.", 'Give a list of objects, as in [{"text": …, "label": …}], or one object a line.'
        )

    bounds = _entries(text, name)

    def records() -> Iterator[Record | Reject]:
        for n in range(0, len(bounds), 2):
            yield _record(text[bounds[n] : bounds[n + 1]], name, n // 2 + 1)

    return _columns(_whole(records(), name), name), records()


def _entries(text: str, name: str) -> array[int]:
    """Where each entry of a list begins and ends, one after the other: its text alone is then made Python's, so that a list may
    be long. Raises ImportFailed where it does not end, or has too many or too large ones."""
    bounds, depth, start = array("q"), 0, 1
    for sign in _SIGNS.finditer(text):
        at = sign.start()
        if depth and at - start > LONGEST_RECORD:
            raise ImportFailed(f"{name} {TOO_LONG} in entry {len(bounds) // 2 + 1}.", "Leave out what says nothing of an item.")
        match sign[0]:
            case "[" | "{":
                depth += 1
            case "," if depth == 1:
                bounds.extend((start, at))
                start = at + 1
                if len(bounds) > 2 * MOST_ROWS:
                    raise too_many_rows(name)
            case "]" | "}":
                depth -= 1
                if not depth:
                    if text[start:at].strip():
                        bounds.extend((start, at))
                    if text[at + 1 :].strip():
                        break
                    return bounds
            case '"':
                break
    raise ImportFailed(f"{name} is not JSON.", "Give a list of objects, or one object a line.")


def _whole(records: Iterable[Record | Reject], name: str) -> Iterator[Record | Reject]:
    """Those. Raises ImportFailed at one that is not even JSON."""
    for record in records:
        if isinstance(record, Reject) and record.reason != _NO_OBJECT:
            raise ImportFailed(f"{name} {record.reason} (entry {record.row}).", "Give a list of objects, or one object a line.")
        yield record


def _why_not_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deep"
    # the one ValueError that is no JSONDecodeError: Python refuses numbers of more than 4,300 digits
    return "is not JSON" if isinstance(error, json.JSONDecodeError) else "holds a number with too many digits"


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
    ".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".parquet": read_parquet,
}  # fmt: skip
