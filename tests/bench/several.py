"""The ladder where an item may be of several classes: exact match, macro-F1 and mean average precision on held-out items.

    python -m tests.bench.several             # zero-shot and the rungs on cached features, five draws
    python -m tests.bench.several --lora      # and fine-tuning, on the first draw
    python -m tests.bench.several --curve     # whether forecasts from half of the labels hold once there are all

Texts: requests of `clinc150` in eight intents, up to three of them joined in one message, or one of another intent alone.
Pictures: renderings of one or two kinds of things, eight shapes are classes, the demo CLIP answers. What stands in training items
stands in no test item. Texts need ../shared beside the project; says so and leaves them out where it is absent.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assets.make.render import render
from assets.make.world import DYED, Group, Rng, Scene, finished, spread
from studio.core.results.comparison import Comparison
from studio.core.types import ImportOptions, set_of
from studio.evaluation.learning_curve import AHEAD, BAND
from studio.models.catalog import DEMO
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.choosing import CURVE_RUNG
from studio.workspace.open_project import OpenProject
from tests.bench.curve import needed, summary
from tests.bench.loop import SHARED, model_for

TRAIN, TEST = 160, 400
INTENTS = ("weather", "alarm", "translate", "book_flight", "restaurant_reservation", "balance", "play_music", "traffic")
SHAPES = ("washer", "bolt", "gear", "key", "spring", "bottle", "cup", "ring")
SIDE = 224
MEASURES = ("accuracy", "macro_f1", "mean_average_precision")


def texts(folder: Path, seed: int) -> Path:
    """A table of messages."""
    rng, rows = np.random.default_rng(seed), []
    for split, count in (("train", TRAIN), ("test", TEST)):
        with (SHARED / "data" / "clinc150" / f"{split}.csv").open(encoding="utf-8", newline="") as file:
            said: dict[str, list[str]] = {}
            for row in csv.DictReader(file):
                said.setdefault(row["label"], []).append(row["text"])
        others = sorted(set(said) - set(INTENTS))
        for _ in range(count):
            intents = [str(name) for name in rng.permutation(INTENTS)[: rng.choice(4, p=(0.15, 0.35, 0.35, 0.15))]]
            parts = [str(rng.choice(said[name])) for name in intents or [str(rng.choice(others))]]
            rows.append({"text": ". ".join(parts), "label": set_of(intents), "split": split})
    return _table(folder, rows)


def pictures(folder: Path, seed: int) -> Path:
    """A table of renderings beside it."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(TRAIN + TEST):
        scene, shapes = _scene(rng, (9_100_000 + seed, number))
        name = f"{number:04d}.webp"
        render(scene, SIDE).save(folder / name, quality=80)
        classes = [shape for shape in SHAPES if shape in shapes]
        rows.append({"image": name, "label": set_of(classes), "split": "train" if number < TRAIN else "test"})
    return _table(folder, rows)


def _scene(rng: Rng, seed: tuple[int, int]) -> tuple[Scene, set[str]]:
    kinds = [str(name) for name in rng.permutation((*SHAPES, "spoon", "fork"))[: 1 + int(rng.random() < 0.6)]]
    places = spread(rng, len(kinds), 0.22)
    groups = tuple(
        Group(kind, str(rng.choice(DYED)), str(rng.choice(("red", "green", "blue", "white"))), (place,), 0.22)
        for kind, place in zip(kinds, places, strict=True)
    )
    return finished(groups, seed, rng), set(kinds)


def _table(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "items.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def compared(project: OpenProject, model: str, lora: bool) -> Comparison:
    run = None
    if lora:
        run = project.training.start(model, "lora", {})
        while not project.training.wait(run):
            pass
    return project.testing.compare(model, run)


def forecast_held(table: Path, task: str, model: str) -> dict[str, float]:
    """From half of the labels: what the linear head reaches with them and with all, against the bands that were forecast."""
    whole = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    half = [row for n, row in enumerate(whole) if row["split"] == "test" or n < TRAIN // 2]
    row: dict[str, float] = {}
    curve = None
    for by, rows in ((1, half), (2, whole)):
        with tempfile.TemporaryDirectory() as home:
            workspace = Workspace(Settings(home=Path(home), offline=True))
            project = workspace.create_project("several", task)
            project.labelling.import_data(str(_table(table.parent, rows)), ImportOptions())
            found = project.testing.compare(model)
            workspace.close()
        curve = curve or found.curve
        truth = next(score.accuracy for score in found.scores if score.method == CURVE_RUNG) or 0.0
        if curve is None or not curve.forecast:
            raise SystemExit(f"{TRAIN // 2} labels are too few for a forecast.")
        point = curve.forecast[AHEAD.index(by)]
        band, noise = (point.accuracy, point.low, point.high), (truth * (1 - truth) / TEST) ** 0.5
        row |= {f"x{by} truth": truth, f"x{by} error": band[0] - truth, f"x{by} width": band[2] - band[1]}
        row |= {f"x{by} needs": needed(band, truth, noise), f"x{by} with noise": needed(band, truth, noise) <= 1}
    return row


def forecasts(task: str, model: str, count: int) -> None:
    rows = [forecast_held(table, task, model) for table, _ in draws(task, count)]
    print(f"\n{task}: forecasts from {TRAIN // 2} labels, {count} draws, band {BAND:.0%}")
    for key, value in summary(rows).items():
        print(f"  {key:<16}{value:.3f}", flush=True)


def draws(task: str, count: int) -> Iterator[tuple[Path, int]]:
    for seed in range(count):
        with tempfile.TemporaryDirectory() as folder:
            made = (texts if task.startswith("text") else pictures)(Path(folder), seed)
            yield made, seed


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--curve", action="store_true")
    flags = parser.parse_args()
    tasks = {"image-multi-label": f"open_clip:local-dir:{DEMO}"}
    if SHARED.is_dir():
        tasks["text-multi-label"] = model_for("text-classification")
    else:
        print("The texts of this benchmark are not beside the project: pictures alone.")
    for task, model in tasks.items():
        if flags.curve:
            forecasts(task, model, flags.draws)
            continue
        found: dict[str, list[tuple[float, ...]]] = {}
        best: list[str] = []
        for table, _ in draws(task, 1 if flags.lora else flags.draws):
            with tempfile.TemporaryDirectory() as home:
                workspace = Workspace(Settings(home=Path(home), offline=True))
                project = workspace.create_project("several", task)
                project.labelling.import_data(str(table), ImportOptions())
                result = compared(project, model, flags.lora)
                for score in result.scores:
                    if score.why_not is None:
                        found.setdefault(score.title, []).append(tuple(getattr(score, name) or 0.0 for name in MEASURES))
                best.append(result.best.title if result.best else "–")
                workspace.close()
        print(f"\n{task}: {TRAIN} labelled, {TEST} held out, {len(best)} draws; chosen by the labels: {', '.join(best)}")
        print(f"  {'':<16}" + "".join(f"{name:>26}" for name in MEASURES))
        for title, rows in found.items():
            columns = list(zip(*rows, strict=True))
            said = (f"{statistics.mean(c):.3f} ± {statistics.stdev(c) if len(c) > 1 else 0:.3f}" for c in columns)
            print(f"  {title:<16}" + "".join(f"{one:>26}" for one in said))


if __name__ == "__main__":
    main()
