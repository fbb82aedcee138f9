"""One table file by itself; its pictures must lie in its own folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from studio.core.errors import ImportFailed
from studio.core.interfaces import Progress
from studio.data.importers import IMPORTERS, ImportRequest, Offered, split_of
from studio.data.importers.folder import FolderTree
from studio.data.importers.formats import TABLE_SUFFIXES, read_table
from studio.data.importers.records import table_rows

MAX_TABLE_BYTES = 4 * 2**30


class TableImporter:
    """CSV, TSV, JSONL, a JSON list or Parquet."""

    name = "table"

    def accepts(self, source: str) -> bool:
        return Path(source).suffix.lower() in TABLE_SUFFIXES and os.path.isfile(source)

    def columns(self, source: str) -> tuple[str, ...]:
        """Raises ImportFailed where the file is no table."""
        return read_table(_bytes(Path(source)), Path(source).name)[0]

    def rows(self, source: str, options: ImportRequest, progress: Progress | None = None) -> Iterator[Offered]:
        """A file called `test` or `validation` goes into that split; one called `train` is still shared out."""
        path = Path(source)
        split = split_of(path.stem)
        held_out = None if split == "train" else split
        return table_rows(_bytes(path), path.name, (), FolderTree(path.parent), options, held_out, progress)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise ImportFailed(f"{path.name} is larger than {MAX_TABLE_BYTES // 2**30} GB.", "Split it.")
        return path.read_bytes()
    except OSError as error:
        raise ImportFailed(f"{path.name} cannot be opened ({error.strerror or error}).", "Check its permissions.") from error


IMPORTERS.register(TableImporter.name, TableImporter())
