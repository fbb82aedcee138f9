"""What to label first: accuracy of the instant rung against the number of labels, for each order of the queue.

    python -m tests.bench.selection --cache FOLDER                       # four sets, ten seeds; a table and a plot
    python -m tests.bench.selection trashnet --cache FOLDER --on train   # judged on training items outside the pool: for choosing

Each seed has a pool of its own: nine tenths of the training items, six tenths with `--on train`. Labels come in parts of ten, or
of half as many as there are classes; after each part the instant rung learns anew and its probabilities lead the next. "Labels to
95 %" are those with which its mean reaches 95 % of what the linear head has with the whole pool. Chooses nothing on the test
files. Needs ../shared beside the project; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from studio.learning.rungs import learn, rung
from studio.learning.selection import herd, least_certain
from studio.learning.support import Support
from tests.bench.accuracy import Set, read_set
from tests.bench.loop import SHARED

SETS = ("trashnet", "cifar10", "sign_digits", "banking77")
PER_CLASS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Labels, times the number of classes, at which accuracy is measured."""
ENOUGH = 0.95

Order = Callable[[Tensor, Tensor, Tensor, int, int], Tensor]
"""`order(features, labelled, probabilities, n, seed)` → indices of the next n."""


def _random(features: Tensor, labelled: Tensor, probabilities: Tensor, n: int, seed: int) -> Tensor:
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    return order[~labelled[order]][:n]


def _as_imported(features: Tensor, labelled: Tensor, probabilities: Tensor, n: int, seed: int) -> Tensor:
    return (~labelled).nonzero().flatten()[:n]


ORDERS: dict[str, Order] = {
    "random": _random,
    "as imported": _as_imported,
    "least certain": lambda x, labelled, p, n, seed: least_certain(labelled, p, n),
    "Studio's pick": herd,
}


def curve(data: Set, order: Order, seed: int, on: str) -> tuple[list[float], float]:
    """(accuracy at each of PER_CLASS, accuracy with the whole pool) of one seed."""
    whole = data.whole
    shuffled = torch.randperm(len(whole.labels), generator=torch.Generator().manual_seed(seed))
    size = len(shuffled) * (6 if on == "train" else 9) // 10
    pool = whole.part(shuffled[:size].sort().values)  # in order of import
    rest = whole.part(shuffled[size:])
    held, truth = (rest.features, rest.labels) if on == "train" else (data.test[0], data.test[2])
    held_raw = rest.raw if on == "train" else data.test[1]

    def right(one: Support, name: str) -> tuple[float, Tensor]:
        found = learn(rung(name), one)
        said = found.logits(held, held_raw).argmax(1)
        return float((said == truth).float().mean()), found.logits(pool.features, pool.raw).softmax(1)

    classes = len(pool.classes)
    labelled = torch.zeros(size, dtype=torch.bool)
    probabilities, found = pool.prior.softmax(1), []
    for budget in (k * classes for k in PER_CLASS):
        while (count := int(labelled.sum())) < min(budget, size):
            part = min(max(10, classes // 2), budget - count)
            labelled[order(pool.features, labelled, probabilities, part, seed)] = True
            accuracy, probabilities = right(pool.part(labelled), "instant")
        found.append(accuracy)
    return found, right(pool, "linear")[0]


def measure(data: Set, seeds: int, on: str, orders: Mapping[str, Order]) -> dict[str, dict[str, list[list[float]] | float]]:
    found: dict[str, dict[str, list[list[float]] | float]] = {}
    for name, order in orders.items():
        curves, whole = zip(*(curve(data, order, seed, on) for seed in range(seeds)), strict=True)
        found[name] = {"curves": list(curves), "whole": sum(whole) / seeds}
        means = torch.tensor(curves).mean(0).tolist()
        print(data.name, name, *(f"{mean:.3f}" for mean in means), file=sys.stderr, flush=True)
    return found


def labels_to(curves: Tensor, aim: float, classes: int) -> float | None:
    """Labels at which the mean of `[seeds, budgets]` reaches `aim`, between two budgets by a straight line; None: never."""
    means = curves.mean(0).tolist()
    for k, mean in enumerate(means):
        if mean >= aim:
            if k == 0:
                return PER_CLASS[0] * classes
            step = (aim - means[k - 1]) / (mean - means[k - 1])
            return classes * (PER_CLASS[k - 1] + step * (PER_CLASS[k] - PER_CLASS[k - 1]))
    return None


def table(name: str, classes: int, found: Mapping[str, Mapping[str, list[list[float]] | float]]) -> str:
    """Mean accuracy of each order, its paired difference to random, and the labels to 95 %."""
    base = torch.tensor(found["random"]["curves"])
    aim = ENOUGH * float(found["random"]["whole"])  # type: ignore[arg-type]
    need = labels_to(base, aim, classes)
    lines = [
        f"| `{name}`, labels | {' | '.join(str(k * classes) for k in PER_CLASS)} | to {aim:.3f} | saved |",
        "|---|" + "---|" * (len(PER_CLASS) + 2),
    ]
    for order, one in found.items():
        curves = torch.tensor(one["curves"])
        gain = curves - base
        errors = (gain.std(0) / len(gain) ** 0.5).tolist()
        cells = [f"{mean:.3f}" for mean in curves.mean(0).tolist()]
        if order != "random":
            differences = zip(cells, gain.mean(0).tolist(), errors, strict=True)
            cells = [f"{cell} ({mean:+.3f} ± {error:.3f})" for cell, mean, error in differences]
        takes = labels_to(curves, aim, classes)
        saved = f"{100 * (1 - takes / need):.0f} %" if takes and need and order != "random" else "–"
        lines.append(f"| {order} | {' | '.join(cells)} | {f'{takes:.0f}' if takes else '–'} | {saved} |")
    return "\n".join(lines)


def plot(name: str, classes: int, found: Mapping[str, Mapping[str, list[list[float]] | float]]) -> str:
    """The curves as rows of blocks, one column a budget, from the lowest accuracy to the highest."""
    blocks = "▁▂▃▄▅▆▇█"
    means = {order: torch.tensor(one["curves"]).mean(0) for order, one in found.items()}
    low, high = min(float(m.min()) for m in means.values()), max(float(m.max()) for m in means.values())
    rows = [f"{name}: {low:.3f} ▁ to {high:.3f} █, {PER_CLASS[0] * classes} to {PER_CLASS[-1] * classes} labels"]
    for order, mean in means.items():
        shown = "".join(blocks[round(7 * (value - low) / max(high - low, 1e-9))] for value in mean.tolist())
        rows.append(f"  {order:<14} {shown}")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; all without one")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--on", choices=("test", "train"), default="test")
    parser.add_argument("--cache", type=Path, help="where projects and features are kept; a temporary folder without it")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    chosen: Sequence[str] = flags.sets or SETS
    with tempfile.TemporaryDirectory() as scratch:
        cache = flags.cache or Path(scratch)
        cache.mkdir(parents=True, exist_ok=True)
        found = {}
        for name in chosen:
            data = read_set(name, cache)
            found[name] = (len(data.whole.classes), measure(data, flags.seeds, flags.on, ORDERS))
    if flags.json:
        print(json.dumps({name: orders for name, (_, orders) in found.items()}))
        return
    for name, (classes, orders) in found.items():
        print(table(name, classes, orders), plot(name, classes, orders), sep="\n\n", end="\n\n")


if __name__ == "__main__":
    main()
