"""From a table's records to rows: which columns are the content, the label, the split; and what each cell means.

A modality says by which names its column is known, and whether a cell is the content itself or the path of a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol

from studio.core.errors import ImportFailed
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.core.types import BETWEEN, NONE_OF_THESE, Split
from studio.data import exported
from studio.data.importers import MAX_FILE_BYTES, ImportRequest, Row, split_of
from studio.data.importers.columnar import Record
from studio.data.importers.formats import read_table
from studio.data.sets import SEPARATORS

KNOWN_NAMES: Mapping[str, tuple[str, ...]] = {
    "label": ("label", "class", "category", "intent", "target", "labels"),
    "split": ("split", "fold", "set", "subset"),
}

_AHEAD = 100


class Files(Protocol):
    """Where a table's paths lead: the folder or archive it lies in."""

    def read(self, path: tuple[str, ...], most: int = MAX_FILE_BYTES) -> bytes | Reject: ...


@dataclass(frozen=True, slots=True)
class Columns:
    """The column for each part of an item; None where there is none."""

    content: Mapping[str, str]
    """{modality: column}, all that a row must hold."""
    label: str | None
    split: str | None
    exported: bool = False
    """Whether the table is an export's, so that names, notes and what was skipped are read too."""


def table_rows(
    data: bytes,
    name: str,
    folder: tuple[str, ...],
    files: Files,
    request: ImportRequest,
    split: Split | None = None,
    progress: Progress | None = None,
) -> Iterator[Row | Reject]:
    """Rows of the table `name` in `folder` of `files`; `split` is for rows that say none. Raises ImportFailed.

    A table without rows is one reject: it may lie beside others that have some.
    """
    columns, records = read_table(data, name)
    del data  # read already, and as large as the file
    top = next(records, None)
    if top is None:
        yield Reject(name, None, "has no rows")
        return
    first, records = looked_ahead(chain((top,), records))
    chosen = choose_columns(columns, request, name, first)
    yield from record_rows(records, name, chosen, folder, files, request, split, progress)


def record_rows(
    records: Iterator[Record | Reject],
    name: str,
    columns: Columns,
    folder: tuple[str, ...],
    files: Files,
    request: ImportRequest,
    split: Split | None,
    progress: Progress | None,
) -> Iterator[Row | Reject]:
    """One row or reject for each record."""
    for count, record in enumerate(records, 1):
        if isinstance(record, Reject):
            yield record
        else:
            yield _row(record, name, columns, folder, files, request, split)
        if progress:
            progress(count, 0, f"{name} row {count}")


def looked_ahead(records: Iterator[Record | Reject]) -> tuple[list[Record], Iterator[Record | Reject]]:
    """(the first records, all of them still to come)."""
    first = list(islice(records, _AHEAD))
    return [record for record in first if not isinstance(record, Reject)], chain(first, records)


def choose_columns(columns: tuple[str, ...], request: ImportRequest, name: str, first: Sequence[Record]) -> Columns:
    """The columns that the options name, else those with a known name. Raises ImportFailed where one is missing.

    A `fold`, `set` or `subset` is the split only where its `first` values are mostly splits' names; a `split` always is.
    """
    options = request.options
    given = (*options.columns.values(), options.label, options.split_column)
    for wanted in given:
        if wanted is not None and wanted not in columns:
            raise ImportFailed(f"{name} has no column {wanted!r}.", f"Its columns: {_listed(columns)}.")
    free = [column for column in columns if column not in given]
    own = set(columns) >= exported.OWN
    content: dict[str, str] = {}
    for modality in request.modalities:
        found = options.columns.get(modality) or _recognised((modality,) if own else _names(modality, request), free)
        if found is None:
            raise ImportFailed(
                f"{name} has no column that is known to hold the {modality}.",
                f"Say which of its columns does: {_listed(columns)}.",
            )
        content[modality] = found
        free = [column for column in free if column != found]
    splits = [column for column in free if _says_splits(column, first)]
    label = options.label or _recognised(KNOWN_NAMES["label"], free)
    split = options.split_column or _recognised(KNOWN_NAMES["split"], splits)
    return Columns(content, label, split, own)


def _listed(columns: Sequence[str]) -> str:
    """The first of them: what is no table may have a thousand, each a page long."""
    named = [column if len(column) <= 60 else f"{column[:60]}…" for column in columns[:30]]
    return ", ".join([*named, *(["…"] if len(columns) > 30 else [])]) or "none"


def _says_splits(column: str, first: Sequence[Record]) -> bool:
    if column.strip().lower() == "split":
        return True  # a mistyped cell is then a reject, rather than a test item among those that are learned from
    said = [str(cells[column]) for _, cells in first if cells.get(column) not in (None, "")]
    return 2 * sum(split_of(cell) is not None for cell in said) > len(said)


def _names(modality: str, request: ImportRequest) -> tuple[str, ...]:
    known = request.modalities[modality].column_names
    if modality == "text" and len(request.modalities) > 1:
        return ("caption", *known)  # beside a picture, a caption is surer than a `text` or `question`
    return known


def _recognised(known: Sequence[str], columns: Sequence[str]) -> str | None:
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in known if name in by_name), None)


def _row(
    record: Record,
    file: str,
    columns: Columns,
    folder: tuple[str, ...],
    files: Files,
    request: ImportRequest,
    split: Split | None,
) -> Row | Reject:
    number, cells = record
    name, content = f"row {number}", dict[str, bytes | str]()
    cells = exported.without_apostrophes(cells) if columns.exported else cells
    try:
        for modality, column in columns.content.items():
            if request.modalities[modality].inline:
                content[modality] = cell_text(cells.get(column)) or ""
                continue
            found = _file(cells.get(column), modality, folder, files)
            if isinstance(found, Reject):
                return Reject(file, number, f"{found.file} {found.reason}")
            name, content[modality] = found[0] or name, found[1]
        label = _label(cells.get(columns.label), request.several) if columns.label else None
        said = cell_text(cells.get(columns.split)) if columns.split else None
    except ValueError as error:
        return Reject(file, number, str(error))
    if said and request.options.split is None and split_of(said) is None:
        return Reject(file, number, f"{said!r} is not a split: use train, val or test")
    row = Row(content, name, file, number, label, split_of(said) if said else split)
    return _as_exported(row, cells) if columns.exported else row


def _as_exported(row: Row, cells: Mapping[str, Any]) -> Row:
    name, state, note = (str(cells.get(column) or "") for column in (exported.NAME, exported.STATE, exported.NOTE))
    label = NONE_OF_THESE if state == exported.NONE_STATE else row.label
    return row._replace(name=name or row.name, label=label, note=note, skipped=state == exported.SKIPPED_STATE)


def _file(value: Any, modality: str, folder: tuple[str, ...], files: Files) -> tuple[str, bytes] | Reject:
    """(name, bytes): a path beside the table, or the file itself as Parquet files hold it."""
    if isinstance(value, Mapping):
        path = cell_text(value.get("path"))
        if isinstance(value.get("bytes"), bytes):
            return (path or "").replace("\\", "/").rsplit("/", 1)[-1], value["bytes"]
        value = path
    if isinstance(value, bytes):
        return "", value
    path = cell_text(value)
    if path is None:
        return Reject(modality, None, "is missing")
    parts = path.replace("\\", "/").split("/")
    if ".." in parts:
        return Reject(path, None, "leads out of the table's folder")
    # an absolute path replaces the folder when joined; whether it stays inside is for `files` to say
    where = ("/", *parts[1:]) if not parts[0] else (*folder, *(part for part in parts if part not in {"", "."}))
    data = files.read(where)
    return Reject(path, None, data.reason) if isinstance(data, Reject) else (parts[-1], data)


def _label(value: Any, several: bool) -> str | None:
    """Of a list its entries, where an item may be of several classes; an empty one says that it is of none. Raises ValueError as
    `cell_text`, and for an entry that would be taken for several."""
    if not (several and isinstance(value, list)):
        return cell_text(value)
    if not value:  # a list is what somebody has said, also where nothing is in it
        return NONE_OF_THESE
    names = list(filter(None, map(cell_text, value)))
    for name in names:
        if any(sign in name for sign in SEPARATORS):
            raise ValueError(f"lists the class {name[:40]!r}, and a '|' or ';' stands between classes")
    return BETWEEN.join(names) or None


def cell_text(value: Any) -> str | None:
    """A cell as a text: 3.0 is `3`, NaN and nothing are None. Raises ValueError for a list, an object or bytes."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise ValueError(f"holds a {type(value).__name__} where a text should be")
    return str(value).strip() or None
