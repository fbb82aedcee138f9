"""The demo CLIP's figures: `python -m assets.make.evaluate`. Prints them and writes them into its model card.

All pictures are of seeds that no training saw. The ladder's figures are Studio's own, from its workspace, on the sample as people
open it. Chooses nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from assets.make import captions
from assets.make.demo_clip import OUT, SIZE
from assets.make.render import render
from assets.make.samples import OUT as SAMPLES
from assets.make.world import Combination, Scene, finished, held_out, one_group, scene
from studio.core.interfaces import FoundationModel
from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace

SEED = 9_000_001
"""Of the pictures here; training counts up from its own seed, 0."""
SEEDS = range(5)
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def ten_combinations() -> list[Combination]:
    """Ten held-out combinations of ten shapes: drawn once by lot, with the first seed."""
    ranked = sorted(held_out(), key=captions.name_of)
    found: dict[str, Combination] = {}
    for i in np.random.default_rng(0).permutation(len(ranked)):
        found.setdefault(ranked[i][1], ranked[i])
    return list(found.values())[:10]


def zero_shot(model: FoundationModel, classes: Sequence[Combination], each: int = 40) -> float:
    """Accuracy over the combinations, on single sound pieces."""
    prompts = [f"a photo of a {captions.name_of(one)}" for one in classes]
    scenes = [held(one, (SEED, i, n), single=True) for i, one in enumerate(classes) for n in range(each)]
    answers = (embedded(model, scenes) @ _texts(model, prompts).T).argmax(1)
    return float((answers == np.repeat(np.arange(len(classes)), each)).mean())


def recall(model: FoundationModel, draws: int = 5, among: int = 100) -> float:
    """Image → text recall@1 among that many full captions of pictures of held-out combinations, no two captions alike."""
    rates = []
    for draw in range(draws):
        rng = np.random.default_rng((SEED, 1, draw))
        order = rng.permutation(len(held_out()))[:among]
        ranked = sorted(held_out(), key=captions.name_of)
        scenes = [held(ranked[i], (SEED, 1, draw, int(i))) for i in order]
        said = [captions.full(shown, rng).text for shown in scenes]
        similar = embedded(model, scenes) @ _texts(model, said).T
        rates.append(float((similar.argmax(1) == np.arange(among)).mean()))
    return mean(rates)


def by_attribute(model: FoundationModel, pictures: int = 600) -> dict[str, float]:
    """Zero-shot accuracy for one attribute at a time, on single groups that may be worn."""
    drawn = (scene(SEED, n) for n in range(10 * pictures))
    scenes = [one for one in drawn if len(one.groups) == 1][:pictures]
    features, known = embedded(model, scenes), captions.facts(scenes)
    from assets.make.contrast import attributes

    rates = {}
    for name, said in zip(
        ("shape", "material", "colour", "defect", "background", "count"), attributes(np.random.default_rng(0)), strict=True
    ):
        fits = captions.matches(said, known)  # [values, pictures]
        counted = fits.any(0)
        answers = (features @ _texts(model, [one.text for one in said]).T).argmax(1)
        rates[name] = float(fits[answers, np.arange(len(scenes))][counted].mean())
    return rates


def ladder(model_id: str, sample: Path, seeds: Sequence[int] = SEEDS) -> dict[str, list[float]]:
    """The sample's test accuracy by zero-shot, by few-shot at 8 labels a class and by LoRA at 16, one figure a seed."""
    found: dict[str, list[float]] = {"zero-shot": [], "few-shot 8": [], "few-shot 16": [], "LoRA 16": []}
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Settings(Path(home), offline=True))
        project = workspace.create_project("parts", "image-classification")
        project.labelling.import_data(str(sample / "items.csv"), ImportOptions())
        for seed in seeds:
            few = project.testing.compare(model_id, shots=8, seed=seed)
            run = project.training.start(model_id, "lora", {"shots": 16, "seed": seed})
            while not project.training.wait(run, 5):
                pass
            tuned = project.testing.compare(model_id, run=run, shots=16, seed=seed)
            for name, result, method in (
                ("zero-shot", few, "zero_shot"),
                ("few-shot 8", few, few.few_shot),
                ("few-shot 16", tuned, tuned.few_shot),
                ("LoRA 16", tuned, "lora"),
            ):
                score = result.score(method)
                if score is None or score.accuracy is None:
                    raise SystemExit(f"{name}, seed {seed}: no figure. {score.why_not if score else ''}")
                found[name].append(score.accuracy)
            print(f"seed {seed}: " + ", ".join(f"{name} {rates[-1]:.3f}" for name, rates in found.items()), flush=True)
        workspace.close()
    return found


def held(combination: Combination, seed: tuple[int, ...], single: bool = False) -> Scene:
    """A scene of that combination; a single sound piece on request."""
    rng = np.random.default_rng(seed)
    return finished((one_group(rng, combination, defects=not single, most=1 if single else 5),), seed, rng)


def embedded(model: FoundationModel, scenes: Sequence[Scene], size: int = SIZE) -> np.ndarray[Any, Any]:
    return np.asarray(model.embed("image", [render(one, size) for one in scenes]))


def write(card: Path, figures: dict[str, Any]) -> None:
    """Replace what stands between the card's two marks. Raises SystemExit where it lacks them."""
    text = card.read_text("utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{card} has no place for figures.")
    card.write_text(f"{head}{BEGIN}\n{as_table(figures)}\n{END}{tail}", "utf-8")


def as_table(figures: dict[str, Any]) -> str:
    rows = ["| Measured on held-out renderings | Figure |", "|---|---|"]
    rows += [f"| {name} | {value} |" for name, value in figures.items()]
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--model", type=Path, default=OUT)
    parser.add_argument("--no-ladder", action="store_true", help="leave out the sample project, which takes some minutes")
    parser.add_argument("--no-card", action="store_true", help="print only")
    args = parser.parse_args()
    from studio.models import load_model

    model_id = f"open_clip:local-dir:{args.model}"
    began = time.perf_counter()
    model = load_model(model_id, "cpu", offline=True)
    figures: dict[str, Any] = {}
    loading = time.perf_counter() - began
    figures["Zero-shot over 10 held-out combinations, accuracy"] = f"{zero_shot(model, ten_combinations()):.3f}"
    figures["Image → text recall@1 among 100 captions, mean of 5 draws"] = f"{recall(model):.3f}"
    rates = by_attribute(model)
    figures["Zero-shot by attribute, accuracy"] = ", ".join(f"{name} {rate:.2f}" for name, rate in rates.items())
    print(f"loaded in {loading:.2f} s, imports included", json.dumps(figures, indent=2, ensure_ascii=False), flush=True)
    if not args.no_ladder:
        for name, values in ladder(model_id, SAMPLES / "parts").items():
            spread = f" ± {stdev(values):.3f}" if name != "zero-shot" else ""
            figures[f"Parts inspection, {name}, accuracy, mean of {len(values)} seeds"] = f"{mean(values):.3f}{spread}"
    print(as_table(figures))
    if not args.no_card:
        write(args.model / "README.md", figures)


def _texts(model: FoundationModel, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.asarray(model.embed("text", list(texts)))


if __name__ == "__main__":
    main()
