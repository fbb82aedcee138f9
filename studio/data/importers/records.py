"""From a table's records to rows: which column is the text, the label, the picture, the split; and what each cell means."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol

from studio.core.errors import ImportFailed
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.core.types import Split
from studio.data.importers import ImportRequest, Row, split_of
from studio.data.importers.formats import Record, read_table

KNOWN_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "sentence", "message", "question", "review", "content", "caption", "captions"),
    "label": ("label", "class", "category", "intent", "target", "labels"),
    "image": ("image", "file", "filename", "file_name", "path", "image_path", "img"),
    "split": ("split", "fold", "set", "subset"),
}

_AHEAD = 100


class Pictures(Protocol):
    """Where a table's paths lead: the folder or archive it lies in."""

    def read(self, path: tuple[str, ...]) -> bytes | Reject: ...


@dataclass(frozen=True, slots=True)
class Columns:
    """The column for each part of an item; None where there is none."""

    text: str | None
    label: str | None
    image: str | None
    split: str | None


def table_rows(
    data: bytes,
    name: str,
    folder: tuple[str, ...],
    pictures: Pictures,
    request: ImportRequest,
    split: Split | None = None,
    progress: Progress | None = None,
) -> Iterator[Row | Reject]:
    """Rows of the table `name` in `folder` of `pictures`; `split` is for rows that say none. Raises ImportFailed.

    A table without rows is one reject: it may lie beside others that have some.
    """
    columns, records = read_table(data, name)
    top = next(records, None)
    if top is None:
        yield Reject(name, None, "has no rows")
        return
    first, records = looked_ahead(chain((top,), records))
    chosen = choose_columns(columns, request, name, first)
    yield from record_rows(records, name, chosen, folder, pictures, request, split, progress)


def record_rows(
    records: Iterator[Record | Reject],
    name: str,
    columns: Columns,
    folder: tuple[str, ...],
    pictures: Pictures,
    request: ImportRequest,
    split: Split | None,
    progress: Progress | None,
) -> Iterator[Row | Reject]:
    """One row or reject for each record."""
    for count, record in enumerate(records, 1):
        if isinstance(record, Reject):
            yield record
        else:
            yield _row(record, name, columns, folder, pictures, request, split)
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
    named = {"text": options.text, "label": options.label, "image": options.image, "split": options.split_column}
    found: dict[str, str | None] = {}
    for part, wanted in named.items():
        if wanted is not None and wanted not in columns:
            raise ImportFailed(f"{name} has no column {wanted!r}.", f"Its columns: {', '.join(columns) or 'none'}.")
        known = [column for column in columns if part != "split" or _says_splits(column, first)]
        found[part] = wanted or _recognised(part, known, request)
    for modality in request.modalities:
        if found.get(modality) is None:
            raise ImportFailed(
                f"{name} has no column that is known to hold the {modality}.",
                f"Say which of its columns does: {', '.join(columns) or 'none'}.",
            )
    return Columns(**found)


def _says_splits(column: str, first: Sequence[Record]) -> bool:
    if column.strip().lower() == "split":
        return True  # a mistyped cell is then a reject, rather than a test item among those that are learned from
    said = [str(cells[column]) for _, cells in first if cells.get(column) not in (None, "")]
    return 2 * sum(split_of(cell) is not None for cell in said) > len(said)


def _recognised(part: str, columns: Sequence[str], request: ImportRequest) -> str | None:
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    known = KNOWN_NAMES[part]
    if part == "text" and len(request.modalities) > 1:
        known = ("caption", *known)  # beside a picture, a caption is surer than a `text` or `question`
    taken = {request.options.text, request.options.label, request.options.image, request.options.split_column}
    return next((by_name[name] for name in known if name in by_name and by_name[name] not in taken), None)


def _row(
    record: Record,
    file: str,
    columns: Columns,
    folder: tuple[str, ...],
    pictures: Pictures,
    request: ImportRequest,
    split: Split | None,
) -> Row | Reject:
    number, cells = record
    name, content = f"row {number}", dict[str, bytes | str]()
    try:
        if "image" in request.modalities and columns.image:
            picture = _picture(cells.get(columns.image), folder, pictures)
            if isinstance(picture, Reject):
                return Reject(file, number, f"{picture.file} {picture.reason}")
            name, content["image"] = picture[0] or name, picture[1]
        if "text" in request.modalities and columns.text:
            content["text"] = cell_text(cells.get(columns.text)) or ""
        label = cell_text(cells.get(columns.label)) if columns.label else None
        said = cell_text(cells.get(columns.split)) if columns.split else None
    except ValueError as error:
        return Reject(file, number, str(error))
    if said and request.options.split is None and split_of(said) is None:
        return Reject(file, number, f"{said!r} is not a split: use train, val or test")
    return Row(content, name, file, number, label, split_of(said) if said else split)


def _picture(value: Any, folder: tuple[str, ...], pictures: Pictures) -> tuple[str, bytes] | Reject:
    """(name, bytes): a path beside the table, or the picture itself as Parquet files hold it."""
    if isinstance(value, Mapping):
        path = cell_text(value.get("path"))
        if isinstance(value.get("bytes"), bytes):
            return (path or "").replace("\\", "/").rsplit("/", 1)[-1], value["bytes"]
        value = path
    if isinstance(value, bytes):
        return "", value
    path = cell_text(value)
    if path is None:
        return Reject("image", None, "is missing")
    parts = path.replace("\\", "/").split("/")
    if ".." in parts:
        return Reject(path, None, "leads out of the table's folder")
    # an absolute path replaces the folder when joined; whether it stays inside is for `pictures` to say
    where = ("/", *parts[1:]) if not parts[0] else (*folder, *(part for part in parts if part not in {"", "."}))
    data = pictures.read(where)
    return Reject(path, None, data.reason) if isinstance(data, Reject) else (parts[-1], data)


def cell_text(value: Any) -> str | None:
    """A cell as a text: 3.0 is `3`, NaN and nothing are None. Raises ValueError for a list, an object or bytes."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise ValueError(f"holds a {type(value).__name__} where a text should be")
    return str(value).strip() or None
