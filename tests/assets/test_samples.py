"""The samples: what their tables say is there, and they come out the same again."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.make import parts, samples, world


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "items.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["parts", "catalogue"])
def test_a_sample_has_what_it_names(name: str) -> None:
    folder = samples.OUT / name
    about = json.loads((folder / "sample.json").read_text("utf-8"))
    assert set(about) == {"title", "task", "description", "cover"} and (folder / about["cover"]).is_file()
    rows = table(folder)
    assert {row["image"] for row in rows} == {f"pictures/{file.name}" for file in (folder / "pictures").iterdir()}
    assert {row["split"] for row in rows} == {"train", "test"}


def test_parts_have_six_classes_of_like_size() -> None:
    rows = table(samples.OUT / "parts")
    assert len(rows) == 300
    assert Counter((row["label"], row["split"]) for row in rows) == {
        (label, split): count for label in parts.CLASSES for split, count in (("train", 30), ("test", 20))
    }


def test_products_have_captions_of_their_own() -> None:
    texts = [row["text"] for row in table(samples.OUT / "catalogue")]
    assert len(texts) == 200 == len(set(texts))


def test_samples_are_small() -> None:
    assert sum(file.stat().st_size for file in samples.OUT.rglob("*") if file.is_file()) < 6e6


def test_rendering_a_sample_again_gives_the_same(tmp_path: Path) -> None:
    samples.write_parts(tmp_path, 2, 1)
    kept = samples.OUT / "parts"
    for number in range(1, 7):
        name = f"pictures/part-{number:03d}.webp"
        again, before = (np.asarray(Image.open(folder / name).convert("RGB"), np.float32) for folder in (tmp_path, kept))
        assert np.abs(again - before).mean() < 1


def test_many_of_the_sample_defects_are_slighter_than_any_in_training_and_none_is_plainer() -> None:
    worn = [group.severity for n in range(500) for group in world.scene(0, n).groups if group.defect != "none"]
    shown = [parts.part("cracked", 11, n).groups[0].severity for n in range(50)]
    assert sum(one < min(worn) for one in shown) > len(shown) / 4 and max(shown) < max(worn)
