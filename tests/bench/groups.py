"""Labels in groups: how many labels a key gives, and how many of them are right, if nobody looked.

    python -m tests.bench.groups --cache FOLDER        # four sets, five seeds

A seed labels so many training items of each class; the rest is cut into rows as on the page, and every row takes the class that
stands beside it, given to the items that are not taken out beforehand. Uses training items alone. Needs ../shared beside the
project; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import torch

from studio.learning.groups import rows
from studio.learning.rungs import learn, rung
from studio.learning.support import ranks
from studio.ui.widgets.groups import LARGEST, ROWS
from tests.bench.accuracy import Set, read_set
from tests.bench.loop import SHARED

SETS = ("trashnet", "cifar10", "sign_digits", "banking77")
SHOTS = (4, 16)
MOST = 5_000


def measure(data: Set, shots: int, seed: int) -> dict[str, float]:
    """Of the first sheet of rows, and of all rows: labels a row, and the share that is right; beside them, one by one."""
    whole = data.whole
    labelled = ranks(whole.labels, seed) < shots
    rest = (~labelled).nonzero().flatten()
    rest = rest[torch.randperm(len(rest), generator=torch.Generator().manual_seed(seed))[:MOST]]
    pool, few = whole.part(rest), whole.part(labelled)
    said = learn(rung("instant"), few).logits(pool.features, pool.raw).softmax(1)
    found = {"alone.right": float((said.argmax(1) == pool.labels).float().mean())}
    every = rows(pool.features, said, LARGEST)
    for name, some in (("sheet", every[:ROWS]), ("all", every)):
        given = [(int(row.agree.sum()), int((pool.labels[row.members[row.agree]] == row.label).sum())) for row in some]
        labels = sum(n for n, _ in given)
        found |= {f"{name}.labels_a_row": labels / len(some), f"{name}.right": sum(right for _, right in given) / max(1, labels)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; all without one")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="where projects and features are kept; a temporary folder without it")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        cache = flags.cache or Path(scratch)
        cache.mkdir(parents=True, exist_ok=True)
        for name in flags.sets or SETS:
            data = read_set(name, cache)
            for shots in SHOTS:
                seeds = [measure(data, shots, seed) for seed in range(flags.seeds)]
                found[f"{name}:{shots}"] = {key: statistics.mean(one[key] for one in seeds) for key in seeds[0]}
    if flags.json:
        print(json.dumps(found))
        return
    for wanted, means in found.items():
        print(f"{wanted:<16}" + "  ".join(f"{key} {value:.3g}" for key, value in means.items()))


if __name__ == "__main__":
    main()
