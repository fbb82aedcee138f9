"""CSV, JSONL and Parquet: one row an item. Pictures and other files lie in `pictures/` beside the table, by their sha256.

CSV is for spreadsheets: a cell that one would run as a formula gets an apostrophe. JSONL and Parquet hold everything as it is:
where an item may be of several classes, its label is a list of them, and in CSV a text with `|` between.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from studio.core.interfaces import Modality
from studio.data.exported import APOSTROPHES, LABEL, SIDECAR, with_apostrophes, write_sidecar
from studio.data.exporters import EXPORTERS, PAGE, Source
from studio.data.exporters.archive import Archive, suffix_of

Cell = str | list[str] | None
Rows = Iterator[dict[str, Cell]]
FOLDER = "pictures"


@dataclass(frozen=True, slots=True)
class TableExporter:
    """`write_part(rows, path, most, lists)` writes rows until the file has `most` bytes, or to the end; `lists`: of labels."""

    name: str
    title: str
    write_part: Callable[[Rows, Path, float, bool], None]
    most: float = 64 * 2**20
    """Bytes from which a table in a zip goes on in another file, so that whoever imports it has one in memory at a time."""
    single: bool = False
    """Whether a table that names no files comes by itself, and without `classes.json`."""
    lists: bool = True
    """Whether a cell can be a list."""

    def why_not(self, modalities: Mapping[str, Modality]) -> str | None:
        return None

    def alone(self, modalities: Mapping[str, Modality]) -> bool:
        return self.single and all(modality.inline for modality in modalities.values())

    def write(self, source: Source, archive: Archive) -> None:
        lists = self.lists and source.several()
        rows = _rows(source, archive, lists)
        if self.alone(source.modalities):
            self.write_part(rows, archive.part(f"labels.{self.name}"), float("inf"), lists)
            return
        archive.write_text(SIDECAR, write_sidecar(source.classes(), {}))
        number = 1
        first = next(rows, None)
        while first is not None:
            name = "labels" if number == 1 else f"labels_{number}"  # a hyphen would come before the first one's dot
            # not `yield from`: a generator that is left early closes the one it takes from
            self.write_part(chain((first,), rows), archive.part(f"{name}.{self.name}"), self.most, lists)
            first, number = next(rows, None), number + 1


def _rows(source: Source, archive: Archive, lists: bool) -> Rows:
    files = source.files()
    for out in source.items():
        content: dict[str, Cell] = {}
        for part in source.modalities:
            if part in files:
                data = source.media.read(out.item.content[part])
                content[part] = f"{FOLDER}/{out.item.content[part]}{suffix_of(data, out.item.name)}"
                archive.put(str(content[part]), data)
            else:
                content[part] = source.said(out, part)
        described: dict[str, Cell] = {**source.described(out)}
        if lists and out.item.label is not None:
            described[LABEL] = list(out.item.labels)
        yield {"name": described.pop("name"), **content, **described}


def _csv(rows: Rows, path: Path, most: float, lists: bool) -> None:
    # with a mark of UTF-8 at its beginning, without which Excel guesses another encoding
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        for number, row in enumerate(rows):
            if not number:
                table.writerow([*row, APOSTROPHES])
            table.writerow(with_apostrophes({column: str(cell or "") for column, cell in row.items()}).values())
            if not number % PAGE and file.tell() >= most:
                return


def _jsonl(rows: Rows, path: Path, most: float, lists: bool) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for number, row in enumerate(rows):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if not number % PAGE and file.tell() >= most:
                return


def _parquet(rows: Rows, path: Path, most: float, lists: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    batch = list(islice(rows, PAGE))
    of_several = {LABEL: pa.list_(pa.string())} if lists else {}
    schema = pa.schema([(column, of_several.get(column, pa.string())) for column in batch[0]])
    written = 0
    with pq.ParquetWriter(path, schema) as file:
        while batch:
            table = pa.Table.from_pylist(batch, schema=schema)
            file.write_table(table)
            written += table.nbytes
            batch = list(islice(rows, PAGE)) if written < most else []


CSV = TableExporter("csv", "CSV, for spreadsheets", _csv, single=True, lists=False)
JSONL = TableExporter("jsonl", "JSONL, for scripts", _jsonl)
PARQUET = TableExporter("parquet", "Parquet, for large tables", _parquet)
for exporter in (CSV, JSONL, PARQUET):
    EXPORTERS.register(exporter.name, exporter)
