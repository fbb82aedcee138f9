"""A folder that `save_to_disk` of `datasets` wrote, on disk or in an archive: its Arrow files are read, and nothing of it is run.

A split is a folder with a `state.json` that names its Arrow files beside it. Refuses files that lie elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from studio.core.errors import ImportFailed
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.data.importers import ImportRequest, Row, split_of
from studio.data.importers.columnar import read_arrow
from studio.data.importers.records import Files, choose_columns, looked_ahead, record_rows

Parts = tuple[str, ...]

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
MAX_SHARD_BYTES = 2**29


def stored_splits(paths: Sequence[Parts]) -> list[Parts]:
    """The folders of the splits, none where this is no such data set."""
    known = set(paths)
    return [path[:-1] for path in paths if path[-1] == STATE and (*path[:-1], INFO) in known]


def stored_rows(
    files: Files, folders: Sequence[Parts], paths: Sequence[Parts], request: ImportRequest, progress: Progress | None
) -> Iterator[Row | Reject]:
    """Rows of every split. Raises ImportFailed for a damaged one."""
    read = {(*folder, name) for folder in folders for name in (STATE, INFO)}
    for folder in folders:
        known = split_of(folder[-1]) if folder else None
        for name in _shards(files, folder):
            path = (*folder, name)
            read.add(path)
            data = files.read(path, MAX_SHARD_BYTES)
            if isinstance(data, Reject):
                yield data
                continue
            shown = "/".join(path)
            columns, records = read_arrow(data, shown)
            first, records = looked_ahead(records)
            chosen = choose_columns(columns, request, shown, [record for record in first if not isinstance(record, Reject)])
            yield from record_rows(records, shown, chosen, folder, files, request, known, progress)
    for path in paths:
        if path not in read and path[-1] != SPLITS:
            yield Reject("/".join(path), None, "is no part of the data set's Arrow files, and nothing else of it is read or run")


def _shards(files: Files, folder: Parts) -> list[str]:
    data = files.read((*folder, STATE))
    shown = "/".join((*folder, STATE))
    if isinstance(data, Reject):
        raise ImportFailed(f"{shown} {data.reason}.", "Save the data set again.")
    try:
        names = [str(entry["filename"]) for entry in json.loads(data)["_data_files"]]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ImportFailed(f"{shown} does not say which files hold the data.", "Save the data set again.") from error
    for name in names:
        if "/" in name or "\\" in name or name in {"", ".", ".."} or not name.endswith(".arrow"):
            raise ImportFailed(f"{shown} names {name!r}, which is no Arrow file beside it.", "Save the data set again.")
    return names
