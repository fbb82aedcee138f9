"""A data set of the Hugging Face hub, through `datasets`: `ORG/NAME` or `hf-dataset:ORG/NAME[:CONFIG]`.

Refuses everything that is not such an id (no URL, no script), and an id for which a path exists.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from studio.core.errors import ImportFailed, Offline
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.data.importers import IMPORTERS, ImportRequest, Offered, Row, split_of
from studio.data.importers.columnar import Record, named_classes
from studio.data.importers.formats import TABLE_SUFFIXES
from studio.data.importers.records import choose_columns, looked_ahead, record_rows

PREFIX = "hf-dataset:"
_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_CONFIG = re.compile(r"[\w.-]+", re.ASCII)


class HubImporter:
    """Every split of one configuration."""

    name = "hub"

    def accepts(self, source: str) -> bool:
        if source.startswith(PREFIX):
            return True
        # `../photos` and `data/rows.csv` that are not there are mistyped paths, not data sets
        looks_like_a_path = source.startswith(".") or source.lower().endswith((".zip", *TABLE_SUFFIXES))
        return bool(_ID.fullmatch(source)) and not looks_like_a_path and not os.path.exists(source)

    def columns(self, source: str) -> tuple[str, ...]:
        return ()

    def rows(self, source: str, options: ImportRequest, progress: Progress | None = None) -> Iterator[Offered]:
        """Raises ImportFailed for a bad id or an unknown data set, Offline where the hub cannot be reached."""
        for split, table in load(source, options.offline, progress).items():
            yield from split_rows(split, table, source, options, progress)


def split_rows(
    split: str, table: Any, source: str, request: ImportRequest, progress: Progress | None = None
) -> Iterator[Row | Reject]:
    """Rows of one split, a `datasets.Dataset`. Raises ImportFailed where it lacks a column."""
    names = _class_names(table)
    table = _without_decoding(table)
    first, records = looked_ahead(_records(table, names))
    columns = choose_columns(tuple(table.column_names), request, source, first)
    known = split_of(split)
    for row in record_rows(records, split, columns, (), _NoFiles(), request, known, progress):
        unknown = known is None and request.options.split is None and isinstance(row, Row)
        yield Reject(split, row.row, f"{split!r} is not a split: use --split to put it somewhere") if unknown else row


def load(source: str, offline: bool, progress: Progress | None = None) -> Mapping[str, Any]:
    """{split: data set}. Raises ImportFailed, Offline."""
    name, _, config = source.removeprefix(PREFIX).partition(":")
    is_path = os.path.exists(name) or name.startswith(".") or ".." in name
    if not _ID.fullmatch(name) or is_path or (config and not _CONFIG.fullmatch(config)):
        raise ImportFailed(f"{source!r} is not the id of a hub data set.", "Write ORG/NAME, or hf-dataset:ORG/NAME:CONFIG.")
    import datasets
    from huggingface_hub.constants import is_offline_mode

    unreachable = Offline(
        f"{name} is not on this machine, and the hub cannot be reached.",
        "Connect to the network, or import a file or folder that you have.",
    )
    # under HF_HUB_OFFLINE `datasets` looks into its cache alone; else it would ask the network for half a minute
    if offline and not is_offline_mode():
        raise unreachable
    if progress:
        progress(0, 0, f"downloading {name}")
    try:
        found = datasets.load_dataset(name, config or None)
    except (ConnectionError, TimeoutError) as error:
        raise unreachable from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().split("\n")[0][:300]
        raise ImportFailed(f"The data set {name!r} cannot be loaded: {reason}", "Check its id and configuration.") from error
    return {str(split): table for split, table in found.items()}


class _NoFiles:
    """A hub data set holds its pictures itself; a path in it leads nowhere."""

    def read(self, path: tuple[str, ...], most: int = 0) -> bytes | Reject:
        return Reject("/".join(path), None, "is a path, and the data set holds no such file")


def _class_names(table: Any) -> dict[str, list[str]]:
    import datasets

    # of a list the feature of its entries
    kinds = {column: getattr(kind, "feature", kind) for column, kind in table.features.items()}
    return {column: list(kind.names) for column, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)}


def _without_decoding(table: Any) -> Any:
    """Pictures, sounds and the like as {bytes, path}: decoding is the modality's, with its own limits."""
    for column, kind in table.features.items():
        if hasattr(kind, "decode"):
            table = table.cast_column(column, replace(kind, decode=False))
    return table


def _records(table: Any, names: Mapping[str, list[str]]) -> Iterator[Record]:
    for number, record in enumerate(table, 1):
        yield number, named_classes(record, names)


IMPORTERS.register(HubImporter.name, HubImporter())
