"""A folder as `DatasetDict.save_to_disk` writes it: Arrow files, a folder a split, with Image and ClassLabel features.

Where an item may be of several classes, its label is a list of them. Written in shards as the items come, where the library would
need all of them first. `datasets.load_from_disk` opens it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.core.interfaces import Modality
from studio.core.types import SPLITS, Split
from studio.data.exported import AT, AUTHOR, LABEL, NAME, NOTE, SIDECAR, SPLIT, STATE, write_sidecar
from studio.data.exporters import EXPORTERS, PAGE, Source
from studio.data.exporters.archive import Archive, suffix_of
from studio.data.outgoing import Outgoing

MAX_SHARD_BYTES = 64 * 2**20
MAX_BATCH_BYTES = 16 * 2**20
SPLIT_FOLDERS: Mapping[Split, str] = {"train": "train", "val": "validation", "test": "test"}
NO_LABEL = -1
"""What ClassLabel takes for a label that is missing."""
FEATURES = {"image": "Image"}
"""{modality: the feature that decodes it}; files of another modality are their bytes."""


class ArrowExporter:
    """For the `datasets` library."""

    name, title = "datasets", "datasets, for Hugging Face"

    def why_not(self, modalities: Mapping[str, Modality]) -> str | None:
        return None

    def alone(self, modalities: Mapping[str, Modality]) -> bool:
        return False

    def write(self, source: Source, archive: Archive) -> None:
        classes = [c.name for c in source.classes()]
        features = _features(source, classes)
        number, lists = {name: place for place, name in enumerate(classes)}, source.several()
        splits = {split: _Split(features, bool(source.files())) for split in SPLITS}
        for out in source.items():
            splits[out.item.split].add(_record(source, out, number, lists), archive)
        written = [split for split in SPLITS if splits[split].close(SPLIT_FOLDERS[split], archive)]
        archive.write_text("dataset_dict.json", json.dumps({"splits": [SPLIT_FOLDERS[split] for split in written]}))
        archive.write_text(SIDECAR, write_sidecar(source.classes(), {}))


class _Split:
    """The shards of one split; a shard is named once it is known how many there are."""

    def __init__(self, features: Any, packed: bool) -> None:
        self._features, self._packed = features, packed
        self._shards: list[Path] = []
        self._sink: Any = None
        self._batch: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, record: dict[str, Any], archive: Archive) -> None:
        self._batch.append(record)
        self._bytes += sum(len(cell["bytes"]) for cell in record.values() if isinstance(cell, dict))
        if len(self._batch) >= PAGE or self._bytes >= MAX_BATCH_BYTES:
            self._flush(archive)

    def close(self, folder: str, archive: Archive) -> bool:
        """Whether it holds any item; then its folder is whole."""
        self._flush(archive)
        if not self._shards:
            return False
        self._end()
        names = [f"data-{n:05}-of-{len(self._shards):05}.arrow" for n in range(len(self._shards))]
        for path, name in zip(self._shards, names, strict=True):
            archive.take(path, f"{folder}/{name}", self._packed)
        state: dict[str, Any] = {
            "_data_files": [{"filename": name} for name in names],
            "_fingerprint": uuid.uuid4().hex[:16],
            **dict.fromkeys(("_format_columns", "_format_type")),
            "_format_kwargs": {},
            "_output_all_columns": False,
            "_split": folder,
        }
        archive.write_text(f"{folder}/state.json", json.dumps(state))
        archive.write_text(f"{folder}/dataset_info.json", json.dumps({"features": self._features.to_dict()}))
        return True

    def _flush(self, archive: Archive) -> None:
        import pyarrow as pa

        if not self._batch:
            return
        schema = self._features.arrow_schema
        if self._sink is None:
            self._shards.append(archive.scratch())
            self._sink = pa.OSFile(str(self._shards[-1]), "wb")
            self._writer = pa.ipc.new_stream(self._sink, schema)
        self._writer.write_batch(pa.RecordBatch.from_pylist(self._batch, schema=schema))
        self._batch, self._bytes = [], 0
        if self._sink.tell() >= MAX_SHARD_BYTES:
            self._end()

    def _end(self) -> None:
        if self._sink is not None:
            self._writer.close()
            self._sink.close()
            self._sink = None


def _features(source: Source, classes: list[str]) -> Any:
    import datasets

    files, text = source.files(), datasets.Value("string")
    content = {part: _file_feature(part) if part in files else text for part in source.modalities}
    label = datasets.ClassLabel(names=classes) if classes else text
    label = datasets.Sequence(label) if source.several() else label
    return datasets.Features({NAME: text, **content, LABEL: label, **dict.fromkeys((SPLIT, STATE, NOTE, AUTHOR, AT), text)})


def _file_feature(part: str) -> Any:
    import datasets

    if part in FEATURES:
        return getattr(datasets, FEATURES[part])()
    return {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}


def _record(source: Source, out: Outgoing, number: Mapping[str, int], lists: bool) -> dict[str, Any]:
    files = source.files()
    record: dict[str, Any] = dict(source.described(out))
    if lists:
        record[LABEL] = None if out.item.label is None else [number[name] for name in out.item.labels]
    elif number:
        record[LABEL] = number.get(out.item.label or "", NO_LABEL)
    for part in source.modalities:
        if part in files:
            data = source.media.read(out.item.content[part])
            record[part] = {"bytes": data, "path": out.item.content[part] + suffix_of(data, out.item.name)}
        else:
            record[part] = source.said(out, part)
    return record


EXPORTERS.register(ArrowExporter.name, ArrowExporter())
