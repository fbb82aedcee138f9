"""Do forecasts of the learning curve hold? Made at k labels a class, held against what 2 k and 4 k labels then brought.

    python -m tests.bench.curve trashnet:8 banking77:8 --seeds 10 [--json]
    python -m tests.bench.curve trashnet:8 banking77:4 --on train        # where WIDENED of learning_curve.py comes from

The support set is drawn from the training split; the truth is the accuracy on the whole test file of the same predictor after
learning from more of that split. With `--on train` no test file is read: the truth is the accuracy on those of at most 3,000
training items that the seed did not draw. The predictor is kernel ridge on the zero-shot prior with fixed numbers: nothing is
chosen here. `covered` is the share of forecasts whose band held the truth, `with noise` the same with the judging items' own
sampling noise allowed for, `gain covered` that of the differences to today. `needs` is the factor on the band's half-widths
with which it would have held 80 % of the truths, noise allowed for; the last lines are the same over all sets and sizes. Needs
../shared; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from studio.evaluation.learning_curve import BAND, forecast, measure
from studio.learning.zero_shot import text_classifier
from studio.modalities import discover_modalities
from studio.models import load_model
from tests.bench.loop import SHARED, TASKS, model_for

BATCH = 64
POOL = 3000
"""Training items of a set that are drawn from, at most."""
SCALE, WIDTH, PENALTY = 5.0, 1.0, 0.1
Z_BAND = 1.2816
"""Of a normal band of 80 %."""
AHEAD = (1, 2, 4)


def features(name: str, on: str) -> dict[str, Any]:
    """Unit features of the training items to draw from, and of the test file where it is to judge; the class prompts."""
    model, text = load_model(model_for(TASKS[name]), "cpu", True), TASKS[name] == "text-classification"
    read = _texts if text else _pictures
    rows = read(name, "train")
    classes = sorted({label for _, label in rows})
    rows = [rows[i] for i in sorted(np.random.default_rng(0).permutation(len(rows))[:POOL].tolist())]
    phrases = [[c.replace("_", " ") if text else f"a photo of a {c}."] for c in classes]
    data = {
        "x": embed(model, text, [content for content, _ in rows]),
        "y": np.array([classes.index(label) for _, label in rows]),
        "prior": text_classifier(model, phrases),
    }
    if on == "test":
        test = read(name, "test")
        data["test_x"] = embed(model, text, [content for content, _ in test])
        data["test_y"] = np.array([classes.index(label) for _, label in test])
    return data


def _texts(name: str, split: str) -> list[tuple[Any, str]]:
    with (SHARED / "data" / name / f"{split}.csv").open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def _pictures(name: str, split: str) -> list[tuple[Any, str]]:
    return [(path, path.parent.name) for path in sorted((SHARED / "data" / name / split).glob("*/*"))]


def embed(model: Any, text: bool, contents: Sequence[Any]) -> Tensor:
    read = discover_modalities().get("image").read
    parts = []
    for k in range(0, len(contents), BATCH):
        batch = contents[k : k + BATCH]
        parts.append(model.embed("text", batch) if text else model.embed("image", [read(Path(p).read_bytes()) for p in batch]))
    return torch.cat(parts)


def draw(of: Any, most: int, seed: int) -> list[Any]:
    """Of each class up to `most` places in random order: the first k are a support set of k labels a class."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(np.flatnonzero(of == c))[:most] for c in np.unique(of)]


def answers(x: Tensor, y: Tensor, judge: Tensor, prior: Tensor) -> Any:
    """Class numbers for `judge` `[m, dim]`: kernel ridge on the zero-shot prior, learnt from `x` `[n, dim]`, `y` `[n]`."""

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-WIDTH * (2 - 2 * a @ b.T))

    residual = one_hot(y, len(prior)).float() - (SCALE * x @ prior.T).softmax(1)
    weights = torch.linalg.solve(kernel(x, x) + PENALTY * torch.eye(len(x)), residual)
    return ((SCALE * judge @ prior.T).softmax(1) + kernel(judge, x) @ weights).argmax(1).numpy()


def one_seed(data: dict[str, Any], shots: int, seed: int) -> dict[str, float]:
    x, y, drawn = data["x"], torch.from_numpy(data["y"]), draw(data["y"], max(AHEAD) * shots, seed)
    outside = np.setdiff1d(np.arange(len(x)), np.concatenate(drawn))
    judge_x, judge_y = (data["test_x"], data["test_y"]) if "test_x" in data else (x[outside], data["y"][outside])

    def support(k: int) -> Any:
        return np.concatenate([of_class[:k] for of_class in drawn])

    now = support(shots)

    def answer(learn: Sequence[int], judge: Sequence[int]) -> Any:
        return answers(x[now[learn]], y[now[learn]], x[now[judge]], data["prior"]) == data["y"][now[judge]]

    found = forecast(measure(data["y"][now], answer, seed), seed)
    if found is None:
        raise SystemExit(f"{shots} labels a class are too few for a forecast.")
    truth, row = {}, {}
    for by in AHEAD:
        more = support(by * shots)
        right = answers(x[more], y[more], judge_x, data["prior"]) == judge_y
        truth[by] = float(right.mean())
        band = found.accuracy(len(more))
        noise = float(right.std()) / len(judge_y) ** 0.5
        row[f"x{by} truth"], row[f"x{by} error"], row[f"x{by} width"] = truth[by], band[0] - truth[by], band[2] - band[1]
        row[f"x{by} covered"] = band[1] <= truth[by] <= band[2]
        row[f"x{by} needs"] = needed(band, truth[by], noise)
        row[f"x{by} with noise"] = row[f"x{by} needs"] <= 1
        if by == 1:
            first = right
        else:
            band = found.gain(len(now), len(more))
            row[f"x{by} gain covered"] = band[1] <= truth[by] - truth[1] <= band[2]
            noise = float((right.astype(float) - first).std()) / len(judge_y) ** 0.5
            row[f"x{by} gain needs"] = needed(band, truth[by] - truth[1], noise)
    return row


def needed(band: tuple[float, float, float], truth: float, noise: float) -> float:
    """The factor on the half-width of `band` (middle, low, high) that just holds `truth`, known within `noise`."""
    middle, low, high = band
    half = middle - low if truth < middle else high - middle
    return float(max((truth - middle) ** 2 - (Z_BAND * noise) ** 2, 0) ** 0.5 / max(half, 1e-9))


def summary(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Over the seeds: the mean of each figure, of `needs` the quantile that the band promises."""
    return {
        key: float(np.quantile([r[key] for r in rows], BAND) if key.endswith("needs") else np.mean([r[key] for r in rows]))
        for key in rows[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET:SHOTS")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--on", choices=("test", "train"), default="test")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    tables, all_rows = {}, []
    read = cache(features)
    for wanted in flags.sets:
        name, _, shots = wanted.partition(":")
        rows = [one_seed(read(name, flags.on), int(shots), seed) for seed in range(flags.seeds)]
        tables[wanted] = summary(rows)
        all_rows += rows
        if not flags.json:
            print(f"\n{wanted}, {flags.seeds} seeds, band {BAND:.0%}", flush=True)
            for by in AHEAD:
                said = {k.removeprefix(f"x{by} "): v for k, v in tables[wanted].items() if k.startswith(f"x{by} ")}
                print(f"  ×{by}  " + "  ".join(f"{key} {value:.3f}" for key, value in said.items()), flush=True)
    if flags.json:
        print(json.dumps(tables))
        return
    print("\nOver all of them")
    for key, value in summary(all_rows).items():
        if key.endswith(("with noise", "needs")):
            print(f"  {key} {value:.3f}")


if __name__ == "__main__":
    main()
