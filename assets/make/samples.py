"""Renders the sample projects with pictures: `python -m assets.make.samples`. Writes `assets/samples/NAME/`.

A sample is `sample.json` (title, task, description, cover), `items.csv` (image, text, label, split) and `pictures/`. The table
has the labels of training items too: whoever opens a sample hides them.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

from assets.make.catalogue import products
from assets.make.parts import CLASSES, part
from assets.make.render import render
from assets.make.world import Scene

OUT = Path(__file__).resolve().parents[1] / "samples"
SIDE = 256
QUALITY = 72
"""Of the WebP pictures."""
PER_CLASS, TESTED = 50, 20
"""Parts a class, and how many of them are for testing."""
PRODUCTS, PRODUCTS_TESTED = 200, 80


def main() -> None:
    write_parts(OUT / "parts", PER_CLASS, TESTED)
    write_catalogue(OUT / "catalogue", PRODUCTS, PRODUCTS_TESTED)
    size = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file())
    print(f"{OUT}: {size / 1e6:.1f} MB")


def write_parts(folder: Path, per_class: int, tested: int, seed: int = 11) -> None:
    """Sample 1."""
    rows: list[dict[str, str]] = []
    drawn: list[Scene] = []
    for number in range(per_class):  # class after class, so that the first items show what there is
        for label in CLASSES:
            split = "test" if number >= per_class - tested else "train"
            drawn.append(part(label, seed, number))
            rows.append({"image": f"pictures/part-{len(rows) + 1:03d}.webp", "label": label, "split": split})
    about = {
        "title": "Parts inspection",
        "task": "image-classification",
        "description": "Steel washers and plates on a conveyor: sound, with a defect, or two at once.",
    }
    _write(folder, about, rows, drawn)


def write_catalogue(folder: Path, count: int, tested: int, seed: int = 12) -> None:
    """Sample 3."""
    made = products(seed, count)
    rows = [
        {
            "image": f"pictures/product-{i + 1:03d}.webp",
            "text": text,
            "split": "test" if i >= count - tested else "train",
        }
        for i, (_, text) in enumerate(made)
    ]
    about = {
        "title": "Catalogue",
        "task": "image-text",
        "description": "Household goods and toys, each with the line that a catalogue has for it.",
    }
    _write(folder, about, rows, [shown for shown, _ in made])


def _write(folder: Path, about: dict[str, str], rows: list[dict[str, str]], scenes: list[Scene]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pictures").mkdir(parents=True)
    for row, shown in zip(rows, scenes, strict=True):
        render(shown, SIDE).save(folder / row["image"], quality=QUALITY, method=6)
    with (folder / "items.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    whole = {**about, "cover": rows[0]["image"]}
    (folder / "sample.json").write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
