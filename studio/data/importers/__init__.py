"""Importers: one file a kind of source, which registers itself. They offer rows; they store nothing and decode no picture.

Text values of a row are content as it stands; bytes are a file's, for the modality to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from studio.core.errors import ImportFailed
from studio.core.interfaces import Modality, Progress
from studio.core.registry import Registry, discover
from studio.core.results.projects import Reject
from studio.core.types import ImportOptions, Split
from studio.data.exported import DescribedClass

MAX_FILE_BYTES = 200 * 2**20
MOST_ROWS = 2_000_000
"""Of one source: more are more than a page of them can serve."""

SPLIT_NAMES: Mapping[str, Split] = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "heldout": "test", "held-out": "test", "held_out": "test",
}  # fmt: skip


class Row(NamedTuple):
    """One offered item; `file` and `row` say where it stood, for the report. A tuple, as a million of them are made."""

    content: Mapping[str, bytes | str]
    name: str
    file: str
    row: int | None = None
    label: str | None = None
    """A class, or `NONE_OF_THESE`; where an item may be of several, with `|` or `;` between them."""
    split: Split | None = None
    note: str = ""
    skipped: bool = False


Offered = Row | Reject | DescribedClass
"""What an importer gives: rows, what it cannot take, and the classes of an exported project."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What an importer is asked for, beside the source."""

    options: ImportOptions = field(default_factory=ImportOptions)
    modalities: Mapping[str, Modality] = field(default_factory=dict)
    """{name: modality} of what each row must hold."""
    offline: bool = False
    several: bool = False
    """Whether an item may be of several classes, so that a label may be a list."""

    def suffixes(self) -> dict[str, str]:
        """{file suffix: name of the modality that reads such files}."""
        return {suffix: name for name, modality in self.modalities.items() for suffix in modality.suffixes}


class SourceImporter(Protocol):
    """What a file of this package registers: one kind of source."""

    name: str

    def accepts(self, source: str) -> bool:
        """Whether this importer reads that path or hub id; looks at the disk, never at the network."""
        ...

    def columns(self, source: str) -> tuple[str, ...]:
        """Column names of a table; empty for everything else."""
        ...

    def rows(self, source: str, options: ImportRequest, progress: Progress | None = None) -> Iterator[Offered]:
        """Rows as they come, rejects among them. Raises ImportFailed where the source as a whole cannot be read."""
        ...


IMPORTERS: Registry[SourceImporter] = Registry("importer")


def importer_for(source: str) -> SourceImporter:
    """The importer that reads `source`. Raises ImportFailed with the forms there are."""
    discover(__name__)
    for importer in IMPORTERS:
        if importer.accepts(source):
            return importer
    raise ImportFailed(
        f"Nothing here can be imported from {source!r}.",
        "Give a folder, a .zip, a .csv, .tsv, .jsonl, .json or .parquet file that exists, or a hub data set as ORG/NAME.",
    )


def too_many_rows(name: str) -> ImportFailed:
    """What to raise there."""
    return ImportFailed(f"{name} has more than {MOST_ROWS:,} rows.", "Import a part of it: nobody labels more.")


def too_big(most: int = MAX_FILE_BYTES) -> str:
    """Why a file is not taken."""
    return f"is larger than {most // 2**20} MB"


def split_of(name: str) -> Split | None:
    """The split that a folder's, file's or cell's name says, if it says one."""
    return SPLIT_NAMES.get(name.strip().lower())
