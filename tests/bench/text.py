"""Fine-tuning a text encoder against SetFit itself: accuracy on the whole test file and seconds, side by side.

    python -m tests.bench.text sst2:8 sst2:64 --seeds 5
    python -m tests.bench.text sst2:64 --seeds 5 --baseline baseline.json --baseline-seeds 2 --json

The baseline (Tunstall et al. 2022, arXiv:2209.11055) is the package setfit with its own defaults, the whole encoder trained
on 16 pairs a step, at most 400 steps; both sides start from the same MiniLM, learn from the same labels on the same threads,
and are timed from loading the model to the fitted head. `cpu_s` counts seconds of processor time, which a neighbour on the
machine disturbs less. SetFit is no requirement of Studio: without it, only Studio is measured. To have it beside the
project's own torch and transformers:

    pip install --no-deps setfit==1.2.0 sentence-transformers evaluate && pip install scipy scikit-learn requests

SetFit takes minutes a seed: with `--baseline FILE` its figures are kept per seed in FILE, read from it where they are there,
and written to it where they are not. Chooses nothing on the test files. Needs ../shared beside the project.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Item, ItemFilter
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from tests.bench.loop import SHARED, model_for, project_of

MOST_STEPS = 400
"""SetFit's pairs grow with the square of the labels: where it would take more steps, it is stopped here."""
Figures = dict[str, Any]
"""{"accuracy": …, "seconds": …, …} of one seed."""


def test_items(project: OpenProject) -> list[Item]:
    """The whole test file."""
    found: list[Item] = []
    after: int | None = 0
    while after is not None:
        page = project.labelling.page(ItemFilter(split="test", labelled=True), after or None, 1000)
        found, after = [*found, *page.items], page.after
    return found


def studio_seed(project: OpenProject, settings: dict[str, Any]) -> tuple[Figures, list[Item]]:
    """Studio's figures of one seed, and the labels that it learnt from."""
    model = model_for(project.task)
    started, cpu = time.perf_counter(), time.process_time()
    run = project.training.start(model, "lora", settings)
    while not project.training.wait(run, 0.05):
        pass
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    found = project.training.run(run)
    if found.status != "done":
        raise SystemExit(f"{run}: {found.error} {found.hint}")
    compared = project.testing.compare(model, run)
    lora, few_shot = compared.score("lora"), compared.score(compared.few_shot)
    learnt = list(project.training.snapshot(project.training.folder(run)).train)
    figures = {"accuracy": lora and lora.accuracy, "few_shot": few_shot and few_shot.accuracy}
    return {**figures, "seconds": seconds, "cpu_s": cpu, "steps": found.total}, learnt


def setfit_seed(train: Sequence[Item], test: Sequence[Item], seed: int) -> Figures:
    """SetFit's figures on the same labels."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from datasets import Dataset, disable_progress_bars
    from setfit import SetFitModel, Trainer, TrainingArguments

    disable_progress_bars()
    classes = sorted({str(item.label) for item in train})
    data = Dataset.from_dict({"text": [i.key("text") for i in train], "label": [classes.index(str(i.label)) for i in train]})
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        model = SetFitModel.from_pretrained(model_for("text-classification").removeprefix("hf:"), device="cpu")
        flags: dict[str, Any] = {"output_dir": folder, "report_to": "none", "show_progress_bar": False, "seed": seed}
        steps = min(MOST_STEPS, _default_steps(data, flags))
        trainer = Trainer(model, TrainingArguments(**flags, max_steps=steps), train_dataset=data)
        trainer.train()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    answers = model.predict([item.key("text") for item in test], show_progress_bar=False)
    right = sum(classes[int(a)] == i.label for a, i in zip(answers, test, strict=True))
    return {"accuracy": right / len(test), "seconds": seconds, "cpu_s": cpu, "steps": steps}


def _default_steps(data: Any, flags: dict[str, Any]) -> int:
    """The steps that SetFit would take by itself: one epoch over its pairs."""
    from setfit import TrainingArguments
    from setfit.sampler import ContrastiveDataset

    defaults = TrainingArguments(**flags)
    pairs = ContrastiveDataset(data["text"], data["label"], False, sampling_strategy=defaults.sampling_strategy)
    return -(-len(pairs) // defaults.embedding_batch_size) * defaults.embedding_num_epochs


class Baseline:
    """SetFit's figures per set, shots and seed, kept in a file where one is given."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: dict[str, dict[str, Figures]] = json.loads(path.read_text("utf-8")) if path and path.is_file() else {}

    def known(self, wanted: str, seed: int) -> Figures | None:
        return self._found.get(wanted, {}).get(str(seed))

    def measure(self, wanted: str, seed: int, train: Sequence[Item], test: Sequence[Item]) -> Figures:
        found = setfit_seed(train, test, seed)
        self._found.setdefault(wanted, {})[str(seed)] = found
        if self._path:
            self._path.write_text(json.dumps(self._found, indent=2) + "\n", "utf-8")
        return found


def measure(wanted: str, seeds: int, of_baseline: int, settings: dict[str, Any], baseline: Baseline) -> dict[str, list[Figures]]:
    """{"studio": figures by seed, "setfit": figures by seed} of one SET:SHOTS."""
    name, _, shots = wanted.partition(":")
    rows: dict[str, list[Figures]] = {"studio": [], "setfit": []}
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Settings(home=Path(home), offline=True))
        project = project_of(workspace, name)
        test = test_items(project)
        for seed in range(seeds):
            ours, learnt = studio_seed(project, {**settings, "shots": int(shots), "seed": seed})
            rows["studio"].append(ours)
            print(wanted, "seed", seed, "studio", json.dumps(ours), file=sys.stderr, flush=True)
            if seed < of_baseline:
                theirs = baseline.known(wanted, seed) or baseline.measure(wanted, seed, learnt, test)
                rows["setfit"].append(theirs)
                print(wanted, "seed", seed, "setfit", json.dumps(theirs), file=sys.stderr, flush=True)
        workspace.close()
    return rows


def summary(rows: dict[str, list[Figures]]) -> dict[str, Any]:
    """Means of both sides, and what the comparison asks: the ratio of the seconds and the difference of the accuracies."""
    found: dict[str, Any] = {}
    for side, of in rows.items():
        for key in ("accuracy", "seconds", "cpu_s", "few_shot", "steps"):
            values = [figures[key] for figures in of if key in figures]
            if values:
                found[f"{side}.{key}"] = statistics.mean(values)
                found[f"{side}.{key}.sd"] = statistics.stdev(values) if len(values) > 1 else 0.0
        found[f"{side}.seeds"] = of
    if rows["setfit"]:
        found["seconds.ratio"] = found["setfit.seconds"] / found["studio.seconds"]
        found["cpu_s.ratio"] = found["setfit.cpu_s"] / found["studio.cpu_s"]
        found["accuracy.difference"] = found["studio.accuracy"] - found["setfit.accuracy"]
    return found


def show(tables: dict[str, dict[str, Any]]) -> None:
    print(f"{'':<14}{'accuracy, mean ± sd of seeds':^38}{'seconds':^20}")
    print(f"{'':<14}{'Studio':>16}{'SetFit':>16}{'diff.':>8}{'Studio':>9}{'SetFit':>9}{'ratio':>7}  seeds")
    for wanted, t in tables.items():
        ours = f"{t['studio.accuracy']:.3f} ± {t['studio.accuracy.sd']:.3f}"
        line = f"{wanted:<14}{ours:>16}"
        if "setfit.accuracy" in t:
            theirs = f"{t['setfit.accuracy']:.3f} ± {t['setfit.accuracy.sd']:.3f}"
            line += f"{theirs:>16}{t['accuracy.difference']:>+8.3f}{t['studio.seconds']:>9.1f}{t['setfit.seconds']:>9.1f}"
            line += f"{t['seconds.ratio']:>7.1f}  {len(t['studio.seeds'])} and {len(t['setfit.seeds'])}"
        else:
            line += f"{'–':>16}{'':>8}{t['studio.seconds']:>9.1f}{'–':>9}{'':>7}  {len(t['studio.seeds'])}"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="*", default=["sst2:8", "sst2:64"], metavar="SET:SHOTS")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--baseline-seeds", type=int, help="seeds of the baseline, the same number by default")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="where the baseline's figures are kept")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    of_baseline = flags.seeds if flags.baseline_seeds is None else flags.baseline_seeds
    if of_baseline and importlib.util.find_spec("setfit") is None and flags.baseline is None:
        print("setfit is not installed (see the top of this file): Studio is measured alone.", file=sys.stderr)
        of_baseline = 0
    settings = dict(pair.split("=", 1) for pair in flags.set)
    baseline = Baseline(flags.baseline)
    tables = {wanted: summary(measure(wanted, flags.seeds, of_baseline, settings, baseline)) for wanted in flags.sets}
    if flags.json:
        print(json.dumps(tables))
    else:
        show(tables)


if __name__ == "__main__":
    main()
