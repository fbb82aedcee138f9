"""A run's items are bound by a hash and come back as they were."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.errors import ProjectError
from studio.core.types import Item
from studio.data.media import Media
from studio.data.snapshot import Snapshot

READERS = {"text": lambda source, name: f"read {source}", "image": lambda source, name: (source, name)}
TRAIN = [Item(1, {"text": "ä"}, "train", "row 1", "cat"), Item(2, {"text": "b"}, "train", "row 2", "dog")]


def test_saved_snapshot_loads_with_items_classes_and_hash(tmp_path: Path) -> None:
    media = Media(tmp_path / "media", tmp_path / "thumbs")
    pair = Item(3, {"image": media.put(b"pixels"), "text": "c"}, "val", "p.jpg")
    saved = Snapshot(TRAIN, [pair], media, READERS, ["cat", "dog"], [["a cat"], ["a dog"]])
    saved.save(tmp_path)
    loaded = Snapshot.load(tmp_path, media, READERS)
    assert (loaded.train, loaded.held_out, loaded.hash) == (tuple(TRAIN), (pair,), saved.hash)
    assert (loaded.classes, loaded.prompts) == (("cat", "dog"), (("a cat",), ("a dog",)))
    assert loaded.payloads([pair, pair], "image") == [(b"pixels", "p.jpg")] * 2
    assert loaded.payload(TRAIN[0], "text") == "read ä"


def test_hash_covers_labels_content_and_parts_but_not_ids_or_names(tmp_path: Path) -> None:
    media = Media(tmp_path / "media", tmp_path / "thumbs")

    def hashed(train: list[Item], held_out: list[Item]) -> str:
        return Snapshot(train, held_out, media, READERS).hash

    first = hashed(TRAIN, [])
    assert first == hashed([replace(item, id=item.id + 7, name="x") for item in TRAIN], [])
    others = {
        hashed([replace(TRAIN[0], label="dog"), TRAIN[1]], []),
        hashed([replace(TRAIN[0], content={"text": "a"}), TRAIN[1]], []),
        hashed(TRAIN[:1], TRAIN[1:]),
        hashed(TRAIN[:1], []),
    }
    assert len(others | {first}) == 5


def test_a_snapshot_whose_offsets_lead_outside_is_refused(tmp_path: Path) -> None:
    """A library that believed them would read what lies beside it in memory, or crash."""
    media = Media(tmp_path / "media", tmp_path / "thumbs")
    Snapshot(TRAIN, [], media, READERS).save(tmp_path)
    path = tmp_path / "snapshot.arrow"
    data, offsets = path.read_bytes(), struct.pack("<iii", 0, 5, 10)  # of "row 1" and "row 2"
    assert offsets in data
    path.write_bytes(data.replace(offsets, struct.pack("<iii", 0, 2_000_000_000, 2_000_000_000)))
    with pytest.raises(ProjectError, match="cannot be read"):
        Snapshot.load(tmp_path, media, READERS)


def test_changed_snapshot_is_refused(tmp_path: Path) -> None:
    media = Media(tmp_path / "media", tmp_path / "thumbs")
    Snapshot(TRAIN, [], media, READERS).save(tmp_path)
    card = (tmp_path / "snapshot.json").read_text()
    (tmp_path / "snapshot.json").write_text(card.replace('"classes": []', '"classes": ["cow"]'))
    with pytest.raises(ProjectError, match="changed"):
        Snapshot.load(tmp_path, media, READERS)
    (tmp_path / "snapshot.arrow").write_bytes(b"ARROW1")
    with pytest.raises(ProjectError, match="cannot be read"):
        Snapshot.load(tmp_path, media, READERS)
