"""The instant rung on 1,000 labels × 512 features: milliseconds to choose its numbers and fit, against the plain grid.

    python -m tests.bench.instant [--classes 100] [--json]

Baseline, in the same run:
  grid     the same grid and the same left-out likelihoods with one inverse over all labels for each (s, β, λ)
Random clouds stand for features: only time is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import product

import torch
from torch.nn.functional import normalize, one_hot

from studio.learning.classifier import gaussian
from studio.learning.rungs import rung
from studio.learning.rungs.instant import BETAS, BLOCKS, LAMBDAS, SCALES, SHARPNESS
from studio.learning.support import Support, ranks

LABELS, DIM = 1000, 512


def clouds(classes: int) -> Support:
    draw = torch.Generator().manual_seed(0)
    text = normalize(torch.randn(classes, DIM, generator=draw), dim=-1)
    labels = torch.arange(LABELS) % classes
    x = normalize(text[labels] + 0.06 * torch.randn(LABELS, DIM, generator=draw), dim=-1)
    return Support(x, labels, text, 100.0, tuple(map(str, range(classes))))


def grid(few: Support) -> tuple[float, float, float]:
    """(s, β, λ), each triple's Gram matrix inverted anew."""
    block = ranks(few.labels, few.seed) % BLOCKS
    target = one_hot(few.labels, len(few.classes)).float()
    cosines = few.features @ few.text.T
    losses = {}
    for s, beta, ridge in product(SCALES, BETAS, LAMBDAS):
        gram = gaussian(few.features, few.features, beta) + ridge * torch.eye(LABELS)
        inverse = torch.linalg.inv(gram)
        left_out = inverse @ (target - s * cosines)
        for number in block.unique():
            rows = (block == number).nonzero().flatten()
            left_out[rows] = torch.linalg.solve(inverse[rows[:, None], rows], left_out[rows])
        f = target - left_out
        losses[s, beta, ridge] = -max(float((t * f).log_softmax(-1).mul(target).sum()) for t in SHARPNESS)
    return min(losses, key=lambda triple: losses[triple])


def milliseconds(call: Callable[[], object], rounds: int) -> list[float]:
    call()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - start))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    few, instant = clouds(flags.classes), rung("instant")
    ours = milliseconds(lambda: instant.fit(few), flags.rounds)
    start = time.perf_counter()
    grid(few)
    theirs = 1000 * (time.perf_counter() - start)
    ms = statistics.median(ours)
    found = {"ms": ms, "least_ms": min(ours), "grid_ms": theirs, "ratio": theirs / ms, "threads": torch.get_num_threads()}
    print(json.dumps(found) if flags.json else "  ".join(f"{name} {value:.1f}" for name, value in found.items()))


if __name__ == "__main__":
    main()
