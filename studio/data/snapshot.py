"""The immutable items of one run, bound by a hash over exactly the content, labels and parts that it learns from.

Saved as `snapshot.json` (hash, counts, classes, prompts) and `snapshot.arrow` (the items). Reads media through functions that
whoever builds it brings; knows no modality.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from studio.core.errors import ProjectError
from studio.core.publish import publish_bytes, publish_text
from studio.core.types import Item, Split
from studio.data.content import canonical
from studio.data.media import Media

Reader = Callable[[bytes | str, str], Any]


class Snapshot:
    """`core.interfaces.Snapshot`: training and validation items; where a run is bound to them, the classes and their prompts.

    `readers` is {modality: read(source, name)}.
    """

    def __init__(
        self,
        train: Sequence[Item],
        held_out: Sequence[Item],
        media: Media,
        readers: Mapping[str, Reader],
        classes: Sequence[str] = (),
        prompts: Sequence[Sequence[str]] = (),
    ) -> None:
        self.train: tuple[Item, ...] = tuple(train)
        self.held_out: tuple[Item, ...] = tuple(held_out)
        self.classes: tuple[str, ...] = tuple(classes)
        self.prompts: tuple[tuple[str, ...], ...] = tuple(map(tuple, prompts))
        self.hash = _hash(self)
        self._media = media
        self._readers = readers

    def payload(self, item: Item, modality: str) -> Any:
        """An RGB picture, a text. Raises NotFound for media that is gone, UnreadableItem for media that was damaged."""
        source = item.key(modality)
        return self._readers[modality](source if modality == "text" else self._media.read(source), item.name)

    def payloads(self, items: Iterable[Item], modality: str) -> list[Any]:
        """In order; files are read and decoded on every core."""
        wanted = list(items)
        if modality == "text" or len(wanted) < 2:
            return [self.payload(item, modality) for item in wanted]
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="studio-read") as pool:
            return list(pool.map(lambda item: self.payload(item, modality), wanted))

    def save(self, folder: Path) -> None:
        """Write both files, `snapshot.json` last."""
        card = {
            "hash": self.hash,
            "train": len(self.train),
            "held_out": len(self.held_out),
            "classes": self.classes,
            "prompts": self.prompts,
        }
        publish_bytes(folder / "snapshot.arrow", _arrow(self))
        publish_text(folder / "snapshot.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Path, media: Media, readers: Mapping[str, Reader]) -> Snapshot:
        """Raises ProjectError where a file is missing or is not what the hash says."""
        import pyarrow as pa

        try:
            card = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
            with pa.ipc.open_file(pa.BufferReader((folder / "snapshot.arrow").read_bytes())) as reader:
                table = reader.read_all()
            table.validate(full=True)  # offsets that lead outside would crash the process, not raise
            records = table.to_pylist()
            parts: dict[str, list[Item]] = {"train": [], "held_out": []}
            for record in records:
                content = json.loads(record["content"])
                parts[record["part"]].append(
                    Item(record["id"], content, cast(Split, record["split"]), record["name"], record["label"])
                )
            snapshot = cls(parts["train"], parts["held_out"], media, readers, card["classes"], card["prompts"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, pa.ArrowException) as error:
            raise ProjectError(f"The snapshot in {folder} cannot be read ({error}).", "Start a new run.") from error
        if snapshot.hash != card.get("hash"):
            raise ProjectError(f"The snapshot in {folder} was changed after its run began.", "Start a new run.")
        return snapshot


def _hash(snapshot: Snapshot) -> str:
    """sha256 over canonical JSON lines: classes and prompts, then each item. Ids and names are not content."""
    digest = hashlib.sha256()
    for line in _lines(snapshot):
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()


def _lines(snapshot: Snapshot) -> Iterator[str]:
    yield json.dumps([snapshot.classes, snapshot.prompts], ensure_ascii=False, separators=(",", ":"))
    for part, item in _parts(snapshot):
        yield json.dumps([part, item.label, canonical(item.content)], ensure_ascii=False, separators=(",", ":"))


def _parts(snapshot: Snapshot) -> Iterator[tuple[str, Item]]:
    for part, items in (("train", snapshot.train), ("held_out", snapshot.held_out)):
        for item in items:
            yield part, item


def _arrow(snapshot: Snapshot) -> bytes:
    import pyarrow as pa

    schema = pa.schema([("part", pa.string()), ("id", pa.int64()), ("content", pa.string()), ("split", pa.string()),
                        ("name", pa.string()), ("label", pa.string())])  # fmt: skip
    records = [
        {"part": part, "id": i.id, "content": canonical(i.content), "split": i.split, "name": i.name, "label": i.label}
        for part, i in _parts(snapshot)
    ]
    table, out = pa.Table.from_pylist(records, schema=schema), io.BytesIO()
    with pa.ipc.new_file(out, schema) as writer:
        writer.write_table(table)
    return out.getvalue()
