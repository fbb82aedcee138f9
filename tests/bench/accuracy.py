"""Every rung of the ladder × shots × seeds on real test files, whole: the table of tests/bench/README.md.

    python -m tests.bench.accuracy banking77 trashnet --cache FOLDER
    python -m tests.bench.accuracy --cache FOLDER --write       # all six sets, into the README
    python -m tests.bench.accuracy sst2 --shots 1 4 --seeds 2 --json
    python -m tests.bench.accuracy --cache FOLDER --shots 1 4 16 --seeds 5 --lora 2 --json      # LoRA too, a minute or two a run
    python -m tests.bench.accuracy --cache FOLDER --shots 1 --plain     # beside a logistic head that knows no prompt

Features are computed once a set and kept in FOLDER. "best" is what the gate says from the support set alone: no other label
takes part. Chooses nothing on the test files. Needs ../shared beside the project; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from studio.core.types import Item
from studio.data.project import Project
from studio.data.snapshot import Snapshot
from studio.data.splits import support
from studio.learning.features import FeatureCache
from studio.learning.gate import decide, evidence
from studio.learning.rungs import all_rungs, learn
from studio.learning.support import Support
from studio.learning.zero_shot import text_classifier
from studio.modalities import discover_modalities
from studio.models import load_model
from studio.settings import Settings
from studio.tasks import task
from studio.workspace import Workspace
from studio.workspace.prompts import class_prompts
from tests.bench.loop import SHARED, TASKS, model_for, project_of

SETS = ("trashnet", "cifar10", "sign_digits", "banking77", "clinc150", "sst2")
SHOTS = (1, 2, 4, 8, 16)
README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- accuracy: begin -->", "<!-- accuracy: end -->"

Seed = Mapping[str, float | str | None]
"""One seed's accuracies by column, None where a method cannot run; `chosen`: what the gate took."""


@dataclass(frozen=True, slots=True)
class Set:
    """One data set, its features computed."""

    name: str
    train: tuple[Item, ...]
    index: Mapping[int, int]
    """Item's id → row of `features`."""
    whole: Support
    """Every training item: a support set is a part of it."""
    test: tuple[Tensor, Tensor | None, Tensor]
    """Features, features before the projection, labels."""

    def support(self, shots: int, seed: int) -> Support:
        rows = torch.tensor([self.index[item.id] for item in support(self.train, shots, seed)])
        return replace(self.whole.part(rows), seed=seed)


Column = Callable[[Set, int, int], float | None]
"""`column(set, shots, seed)` → accuracy on the whole test file, None where it cannot run: how a method that is no rung on
cached features (LoRA) stands beside the others."""


def read_set(name: str, cache: Path) -> Set:
    """Import once into `cache`, embed once, read."""
    root = cache / name
    model_id = model_for(TASKS[name])
    if not (root / "imported").exists():
        workspace = Workspace(Settings(home=cache, offline=True))
        project_of(workspace, name, str(root))
        workspace.close()
        (root / "imported").touch()
    model = load_model(model_id, "cpu", True)
    with Project.open(root) as project:
        what = task(TASKS[name])
        modality = what.modalities[0]
        readers = {m.name: m.read for m in discover_modalities()}
        classes, prompts = class_prompts(project, what)
        parts = []
        for split in ("train", "test"):
            items = tuple(project.store.all_items(split, labelled=True))
            data = Snapshot(list(items), [], project.media, readers)
            features, raw = FeatureCache(project.features).both(model, modality, items, data.payload, _say)
            parts.append((items, features, raw, torch.tensor([classes.index(str(item.label)) for item in items])))
        text, matrix = text_classifier(model, prompts), model.projection(modality)
    (train, x, raw, y), (_, held, held_raw, truth) = parts
    whole = Support(x, y, text, model.info.logit_scale, classes, 0, raw, matrix)
    model.close()
    return Set(name, train, {item.id: n for n, item in enumerate(train)}, whole, (held, held_raw, truth))


def one_seed(data: Set, shots: int, seed: int, more: Mapping[str, Column]) -> Seed:
    """Every rung and the gate on one support set; each rung is fitted once and judged out of fold once."""
    few = data.support(shots, seed)
    features, raw, truth = data.test
    found: dict[str, float | str | None] = {}
    seen = []
    for rung in all_rungs():
        if rung.why_not(few):
            found[rung.name] = None
            continue
        answers = learn(rung, few).logits(features, raw).argmax(1)
        found[rung.name] = float((answers == truth).float().mean())
        if (proof := evidence(rung, few)) is not None:
            seen.append(proof)
    verdict = decide(few, seen)
    found["best"] = found[verdict.rung]
    found["chosen"] = verdict.rung
    return found | {name: column(data, shots, seed) for name, column in more.items()}


def plain_head(data: Set, shots: int, seed: int) -> float:
    """A logistic head on the same features that knows nothing of the class names: weights from zero, ½‖W‖² beside the summed
    cross-entropy (C = 1 in the usual libraries)."""
    few = data.support(shots, seed)
    weight = torch.zeros(len(few.classes), few.features.shape[1], requires_grad=True)
    bias = torch.zeros(len(few.classes), requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        found = cross_entropy(few.features @ weight.T + bias, few.labels, reduction="sum") + weight.square().sum() / 2
        found.backward()  # type: ignore[no-untyped-call]
        return found

    solver.step(loss)  # type: ignore[no-untyped-call]
    features, _, truth = data.test
    return float(((features @ weight.T + bias).argmax(1) == truth).float().mean())


def lora_column(cache: Path, seeds: int) -> Column:
    """A run with the family's preset, on the first `seeds` seeds: as people get it."""

    def column(data: Set, shots: int, seed: int) -> float | None:
        if seed >= seeds:
            return None
        workspace = Workspace(Settings(home=cache, offline=True))
        try:
            project, model = workspace.open_project(str(cache / data.name)), model_for(TASKS[data.name])
            run = project.training.start(model, settings={"shots": shots, "seed": seed})
            while not project.training.wait(run):
                pass
            score = project.testing.compare(model, run).score("lora")
            return score.accuracy if score else None
        finally:
            workspace.close()

    return column


def measure(data: Set, shots: Sequence[int], seeds: int, more: Mapping[str, Column]) -> dict[str, list[Seed]]:
    """{shots: a row a seed}."""
    found = {}
    for k in shots:
        found[str(k)] = [one_seed(data, k, seed, more) for seed in range(seeds)]
        print(data.name, k, json.dumps(found[str(k)]), file=sys.stderr, flush=True)
    return found


def table(name: str, rows: Mapping[str, Sequence[Seed]]) -> str:
    """One set as markdown: mean ± standard error over seeds, the highest mean of a row in bold."""
    columns = [c for c in next(iter(rows.values()))[0] if c not in ("best", "chosen")]
    columns.insert(len(all_rungs()), "best")
    lines = [f"| `{name}`, shots | {' | '.join(columns)} | the gate took |", f"|---|{'---|' * (len(columns) + 1)}"]
    for shots, seeds in rows.items():
        means = {c: _mean([s[c] for s in seeds]) for c in columns}
        top = max(round(m[0], 3) for c, m in means.items() if m and c != "best")
        cells = []
        for c in columns:
            mean = means[c]
            cell = f"{mean[0]:.3f} ± {mean[1]:.3f}" if mean else "–"
            cells.append(f"**{cell}**" if mean and round(mean[0], 3) == top else cell)
        took = [str(s["chosen"]) for s in seeds]
        said = ", ".join(f"{c} {took.count(c)}" for c in dict.fromkeys(took))
        lines.append(f"| {shots} | {' | '.join(cells)} | {said} |")
    return "\n".join(lines)


def _mean(values: Sequence[float | str | None]) -> tuple[float, float] | None:
    """(mean, standard error); None where a method could not run."""
    known = [float(v) for v in values if v is not None]
    if not known:
        return None
    return statistics.mean(known), statistics.stdev(known) / len(known) ** 0.5 if len(known) > 1 else 0.0


def misses(rows: Mapping[str, Sequence[Seed]]) -> list[str]:
    """Where "best" is more than one standard error below the best single rung or below zero-shot."""
    found = []
    for shots, seeds in rows.items():
        means = {c: m for c in seeds[0] if c != "chosen" and (m := _mean([s[c] for s in seeds]))}
        best = means["best"]
        for name in {max(means, key=lambda c: means[c][0]), "zero_shot"} - {"best"}:
            error = max(best[1], means[name][1])
            if best[0] < means[name][0] - error:
                found.append(f"{shots} shots: best {best[0]:.3f}, {name} {means[name][0]:.3f} (± {error:.3f})")
    return found


def write(tables: Sequence[str]) -> None:
    """Put the tables between the README's markers."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n\n{chr(10).join(t + chr(10) for t in tables)}\n{END}{after}", "utf-8")


def _say(done: int, total: int, what: str) -> None:
    print(f"\r{what}: {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; all without one")
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--lora", type=int, default=0, metavar="SEEDS", help="seeds on which LoRA is trained too")
    parser.add_argument("--plain", action="store_true", help="a logistic head without the prompts too")
    parser.add_argument("--cache", type=Path, help="where projects and features are kept; a temporary folder without it")
    parser.add_argument("--write", action="store_true", help="put the tables into tests/bench/README.md")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not SHARED.is_dir():
        print("The data and models of this benchmark are not beside the project: nothing to measure.")
        return
    with tempfile.TemporaryDirectory() as scratch:
        cache = flags.cache or Path(scratch)
        cache.mkdir(parents=True, exist_ok=True)
        more: dict[str, Column] = {"lora": lora_column(cache, flags.lora)} if flags.lora else {}
        if flags.plain:
            more["plain"] = plain_head
        found = {name: measure(read_set(name, cache), flags.shots, flags.seeds, more) for name in flags.sets or SETS}
    tables = [table(name, rows) for name, rows in found.items()]
    if flags.write:
        write(tables)
    if flags.json:
        print(json.dumps({name: {"rows": rows, "misses": misses(rows)} for name, rows in found.items()}))
        return
    for text, (name, rows) in zip(tables, found.items(), strict=True):
        print(text, *(f"missed, {name}: {line}" for line in misses(rows)), sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
