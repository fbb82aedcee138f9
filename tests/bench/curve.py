"""Do forecasts of the learning curve hold? Made at k labels a class, held against what 2 k and 4 k labels then brought.

    python -m tests.bench.curve trashnet:8 banking77:8 --seeds 10 [--json]

The support set is drawn from the training split; the truth is the accuracy on the whole test file of the same predictor after
learning from more of that split. The predictor is kernel ridge on the zero-shot prior with fixed numbers: nothing is chosen
here. `covered` is the share of forecasts whose band held the truth, `with noise` the same with the test file's own sampling
noise allowed for, `gain covered` that of the differences to today. Needs ../shared; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
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
SCALE, WIDTH, PENALTY = 5.0, 1.0, 0.1
Z_BAND = 1.2816
"""Of a normal band of 80 %."""
AHEAD = (1, 2, 4)


def features(name: str, shots: int, seeds: int) -> dict[str, Any]:
    """Unit features of the test file and of the training items that some seed draws, and the class prompts."""
    model, text = load_model(model_for(TASKS[name]), "cpu", True), TASKS[name] == "text-classification"
    rows = {split: _texts(name, split) if text else _pictures(name, split) for split in ("train", "test")}
    classes = sorted({label for _, label in rows["train"]})
    of = np.array([classes.index(label) for _, label in rows["train"]])
    draws = [draw(of, max(AHEAD) * shots, seed) for seed in range(seeds)]
    used = np.unique(np.concatenate([np.concatenate(d) for d in draws]))
    place = {int(i): k for k, i in enumerate(used)}
    phrases = [[c.replace("_", " ") if text else f"a photo of a {c}."] for c in classes]
    return {
        "x": embed(model, text, [rows["train"][i][0] for i in used]),
        "y": of[used],
        "test_x": embed(model, text, [content for content, _ in rows["test"]]),
        "test_y": np.array([classes.index(label) for _, label in rows["test"]]),
        "prior": text_classifier(model, phrases),
        "draws": [[np.array([place[int(i)] for i in of_class]) for of_class in d] for d in draws],
    }


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
    x, y, drawn = data["x"], torch.from_numpy(data["y"]), data["draws"][seed]

    def support(k: int) -> Any:
        return np.concatenate([of_class[:k] for of_class in drawn])

    now = support(shots)

    def answer(learn: Sequence[int], judge: Sequence[int]) -> Any:
        return answers(x[now[learn]], y[now[learn]], x[now[judge]], data["prior"])

    found = forecast(measure(data["y"][now], answer, seed), seed)
    if found is None:
        raise SystemExit(f"{shots} labels a class are too few for a forecast.")
    truth, row = {}, {}
    for by in AHEAD:
        more = support(by * shots)
        truth[by] = float((answers(x[more], y[more], data["test_x"], data["prior"]) == data["test_y"]).mean())
        middle, low, high = found.accuracy(len(more))
        noise = Z_BAND * (truth[by] * (1 - truth[by]) / len(data["test_y"])) ** 0.5
        row[f"x{by} truth"], row[f"x{by} error"], row[f"x{by} width"] = truth[by], middle - truth[by], high - low
        row[f"x{by} covered"] = low <= truth[by] <= high
        row[f"x{by} with noise"] = middle - np.hypot(middle - low, noise) <= truth[by] <= middle + np.hypot(high - middle, noise)
        if by > 1:
            _, low, high = found.gain(len(now), len(more))
            row[f"x{by} gain covered"] = low <= truth[by] - truth[1] <= high
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET:SHOTS")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    tables = {}
    for wanted in flags.sets:
        name, _, shots = wanted.partition(":")
        data = features(name, int(shots), flags.seeds)
        rows = [one_seed(data, int(shots), seed) for seed in range(flags.seeds)]
        tables[wanted] = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        if not flags.json:
            print(f"\n{wanted}, {flags.seeds} seeds, band {BAND:.0%}", flush=True)
            for by in AHEAD:
                said = {k.removeprefix(f"x{by} "): v for k, v in tables[wanted].items() if k.startswith(f"x{by} ")}
                print(f"  ×{by}  " + "  ".join(f"{key} {value:.3f}" for key, value in said.items()), flush=True)
    if flags.json:
        print(json.dumps(tables))


if __name__ == "__main__":
    main()
