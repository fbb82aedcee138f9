"""Folders that `datasets` saved: those of others too, and damaged ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

import datasets
import pytest
from PIL import Image

from studio.core.errors import ImportFailed
from studio.core.results.projects import Reject
from studio.data.importers import ImportRequest, Row, importer_for
from studio.modalities import modalities_named

IMAGES = ImportRequest(modalities=modalities_named(["image"]))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """One split, by itself, as somebody else would have saved it."""
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "PNG")
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    rows = {"img": [{"bytes": out.getvalue(), "path": f"{n}.png"} for n in range(3)], "label": [1, -1, 0]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "saved"


def offered(folder: Path) -> list[object]:
    return list(importer_for(str(folder)).rows(str(folder), IMAGES))


def test_a_data_set_of_somebody_else_s_comes_in(saved: Path) -> None:
    rows = [row for row in offered(saved) if isinstance(row, Row)]
    assert [(row.name, row.label, row.split) for row in rows] == [
        ("0.png", "dog", None),
        ("1.png", None, None),
        ("2.png", "cat", None),
    ]


def test_a_data_set_that_lacks_a_file_says_so(saved: Path) -> None:
    (file,) = saved.glob("*.arrow")
    file.unlink()
    (reject,) = offered(saved)
    assert isinstance(reject, Reject) and (reject.file, reject.reason) == (file.name, "does not exist")


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "name"])
def test_a_damaged_one_is_no_import(saved: Path, damage: str) -> None:
    (file,) = saved.glob("*.arrow")
    data = file.read_bytes()
    named = data.replace(b"label", b"\xffabel")
    file.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "text": b"import os", "name": named}[damage])
    with pytest.raises(ImportFailed):
        offered(saved)


@pytest.mark.parametrize("name", ["../secret.arrow", "code.py", "/etc/passwd", ""])
def test_nothing_but_arrow_files_beside_it_is_read(saved: Path, name: str) -> None:
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}), "utf-8")
    with pytest.raises(ImportFailed, match="no Arrow file beside it"):
        offered(saved)
