"""What the audit finds: planted duplicates, and labels that were flipped on purpose.

    python -m tests.bench.audit --cache FOLDER        # cifar10 and trashnet, three seeds

Duplicates: of 100 training pictures each, one is encoded again as JPEG at quality 60, made a third smaller, or cropped by a
twentieth of both sides; recall is over these, "others" are pairs that nobody planted (some are real). Labels: a twentieth of the
training labels are flipped to another class; precision is the share of flipped ones among the first 50 that the audit doubts,
with its ceiling where fewer than 50 were flipped; recall the share of the flipped, 50 at most, that these hold. Uses training
items alone. Needs ../shared beside the project; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.evaluation.audit import doubted, near_duplicates
from studio.learning.ladder import climb, few_shot
from studio.learning.rungs import rung
from studio.modalities import discover_modalities
from studio.workspace.doubt import Held
from studio.workspace.methods import LIVE_RUNG, MOST_LIVE
from tests.bench.accuracy import Set, read_set
from tests.bench.loop import SHARED

SETS = ("cifar10", "trashnet")
PLANTED = 100
FLIPPED = 0.05
FIRST = 50
MOST = 2_000
"""Pictures of a set that duplicates are planted among."""


def flipped(data: Set, seed: int) -> dict[str, float]:
    """How many of the labels that were flipped are among the first that are doubted."""
    whole, draw = data.whole, torch.Generator().manual_seed(seed)
    labels, classes = whole.labels.clone(), len(whole.classes)
    wrong = torch.randperm(len(labels), generator=draw)[: round(FLIPPED * len(labels))]
    labels[wrong] = (labels[wrong] + torch.randint(1, classes, (len(wrong),), generator=draw)) % classes
    support = replace(whole, labels=labels, seed=seed)
    ladder = climb(support, [rung("zero_shot"), rung(LIVE_RUNG)] if len(labels) > MOST_LIVE else None)
    held = Held.of_rung(ladder, few_shot(ladder).rung, labels)
    assert held is not None
    found = doubted(held.probabilities.log().float(), labels)
    hits = len({row for row, _, _ in found[:FIRST]} & set(wrong.tolist()))
    most = min(FIRST, len(wrong))
    return {"precision": hits / FIRST, "ceiling": most / FIRST, "recall": hits / most, "doubted": len(found)}


def planted(name: str, seed: int) -> dict[str, float]:
    """How many of the planted duplicates are found, by how they were made."""
    image, rng = discover_modalities().get("image"), np.random.default_rng(seed)
    files = sorted(path for path in (SHARED / "data" / name / "train").rglob("*") if path.is_file())
    chosen = [files[k] for k in rng.permutation(len(files))[:MOST]]
    pictures = [image.read(path.read_bytes(), path.name) for path in chosen]
    made = [_encoded, _smaller, lambda one: _cropped(one, rng)]
    copies = [made[k % 3](pictures[k]) for k in range(PLANTED)]
    # as in a project: from the small pictures that the grid shows
    rows = [image.fingerprint(image.read(image.thumbnail(_png(one), 96), "small")) for one in [*pictures, *copies]]
    prints = [torch.from_numpy(row) for row in rows]

    def rows_of(row: int) -> Tensor:
        return prints[row]

    found = {(a, b) for a, b, _ in near_duplicates(torch.stack([row[0] for row in prints]), rows_of, image.same_from)}
    pairs = [(k, len(pictures) + k) for k in range(PLANTED)]
    recall = {
        kind: statistics.mean(pair in found for pair in pairs[k::3]) for k, kind in enumerate(("encoded", "smaller", "cropped"))
    }
    others = {pair for pair in found if pair[1] < len(pictures)}
    return {
        "recall": statistics.mean(pair in found for pair in pairs),
        **recall,
        "others": len(others),
        "pictures": len(pictures),
    }


def _encoded(one: Image.Image) -> Image.Image:
    out = io.BytesIO()
    one.save(out, "JPEG", quality=60)
    return Image.open(out).convert("RGB")


def _smaller(one: Image.Image) -> Image.Image:
    return one.resize((max(8, one.width * 2 // 3), max(8, one.height * 2 // 3)), Image.Resampling.BICUBIC)


def _cropped(one: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = round(0.95 * one.width), round(0.95 * one.height)
    x, y = int(rng.integers(0, one.width - width + 1)), int(rng.integers(0, one.height - height + 1))
    return one.crop((x, y, x + width, y + height))


def _png(one: Image.Image) -> bytes:
    out = io.BytesIO()
    one.save(out, "PNG", compress_level=1)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; both without one")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", type=Path, help="where projects and features are kept; a temporary folder without it")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        cache = flags.cache or Path(scratch)
        cache.mkdir(parents=True, exist_ok=True)
        for name in flags.sets or SETS:
            data = read_set(name, cache)
            for what, rows in {
                "duplicates": [planted(name, seed) for seed in range(flags.seeds)],
                "labels": [flipped(data, seed) for seed in range(flags.seeds)],
            }.items():
                found.setdefault(name, {})[what] = {key: statistics.mean(row[key] for row in rows) for key in rows[0]}
    if flags.json:
        print(json.dumps(found))
        return
    for name, parts in found.items():
        for what, means in parts.items():
            print(f"{name:<10}{what:<12}" + "  ".join(f"{key} {value:.3g}" for key, value in means.items()))


if __name__ == "__main__":
    main()
