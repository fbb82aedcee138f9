"""Hub ids are told from paths and URLs; without a network the message says what to do."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Never

import datasets
import pytest
from PIL import Image

from studio.core.errors import ImportFailed, Offline
from studio.core.results.projects import Reject
from studio.core.types import ImportOptions
from studio.data.importers import ImportRequest, Row, importer_for
from studio.data.importers.hub import split_rows
from studio.modalities import modalities_named

IMAGES = ImportRequest(modalities=modalities_named(["image"]))


def dataset() -> datasets.Dataset:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "PNG")
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    picture = {"bytes": out.getvalue(), "path": None}
    return datasets.Dataset.from_dict({"img": [picture, picture], "label": [1, -1]}, features=features)


def test_class_numbers_become_names_and_pictures_stay_encoded() -> None:
    rows = [row for row in split_rows("validation", dataset(), "org/name", IMAGES) if isinstance(row, Row)]
    assert [(row.label, row.split) for row in rows] == [("dog", "val"), (None, "val")]
    assert all(bytes(row.content["image"]).startswith(b"\x89PNG") for row in rows)


class Sound:
    """As much of a modality as an importer looks at."""

    name, suffixes, column_names, inline = "audio", frozenset({".wav"}), ("audio",), False

    def read(self, source: bytes | str, name: str = "") -> bytes | str:
        return source

    same_from: float = 2.0

    def thumbnail(self, source: bytes | str, size: int) -> bytes:
        return b""

    def fingerprint(self, payload: object) -> Never:
        raise NotImplementedError


def test_other_media_stay_encoded_too() -> None:
    sounds = datasets.Dataset.from_dict({"audio": [{"bytes": b"RIFF", "path": "a.wav"}]}).cast_column("audio", datasets.Audio())
    listening = ImportRequest(modalities={"audio": Sound()})
    (row,) = split_rows("train", sounds, "org/name", listening)
    assert isinstance(row, Row) and (row.name, row.content) == ("a.wav", {"audio": b"RIFF"})


def test_split_of_an_unknown_name_is_rejected_unless_it_is_put_somewhere() -> None:
    said = list(split_rows("unsupervised", dataset(), "org/name", IMAGES))
    assert [type(row) for row in said] == [Reject, Reject]
    chosen = replace(IMAGES, options=ImportOptions(split="train"))
    assert [type(row) for row in split_rows("unsupervised", dataset(), "org/name", chosen)] == [Row, Row]


@pytest.mark.parametrize("source", ["stanfordnlp/sst2", "hf-dataset:PolyAI/banking77", "hf-dataset:nyu-mll/glue:sst2"])
def test_ids_are_taken(source: str) -> None:
    assert importer_for(source).name == "hub"


@pytest.mark.parametrize("source", ["https://example.org/a.zip", "sst2", "a/b/c", "../x", "a/rows.csv", "a/b.zip", ""])
def test_other_strings_are_not(source: str) -> None:
    with pytest.raises(ImportFailed):
        importer_for(source)


def test_id_for_which_a_path_exists_is_that_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert importer_for("org/name").name == "folder"


def test_bad_id_is_refused_before_the_network() -> None:
    with pytest.raises(ImportFailed, match="not the id"):
        list(importer_for("hf-dataset:a/b/../c").rows("hf-dataset:a/b/../c", ImportRequest(offline=True)))


@pytest.mark.parametrize("name", ["../evil", "./evil", "evil/data", ".evil/data"])
def test_a_folder_of_this_machine_is_no_data_set_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Else a library would read it, past every limit of an import."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    Path(name).mkdir(parents=True)
    (Path(name) / "data.csv").write_text("text\nall is well\n")
    with pytest.raises(ImportFailed, match="not the id"):
        list(importer_for(f"hf-dataset:{name}").rows(f"hf-dataset:{name}", ImportRequest()))


def test_offline_says_so_at_once() -> None:
    with pytest.raises(Offline) as refused:
        list(importer_for("org/name").rows("org/name", ImportRequest(offline=True)))
    assert "network" in refused.value.hint
