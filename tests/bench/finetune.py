"""Training speed of `fit` against a plain loop that stands in this file, what the levers cost in exactness, and memory.

    OMP_NUM_THREADS=2 python -m tests.bench.finetune [--json]

The baseline is how LoRA on CLIP is usually written: open_clip's ViT-B/32 (random weights here), peft on every
`nn.MultiheadAttention`, fp32, a DataLoader that decodes JPEG at each step, every class prompt at 77 tokens at each step.
100 classes, batches of 32, JPEGs of 500 × 375. `image` in a name: adapters in the picture tower alone, on both sides.
Ours is `studio.learning.finetune.fit` over ten passes (best: four), all that it computes before and between the steps counted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import psutil
import torch
from peft import LoraConfig as PeftLoraConfig
from peft import get_peft_model
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from studio.core.config import LoraConfig, TrainConfig
from studio.core.interfaces import AdaptedModel, FoundationModel
from studio.core.types import Item
from studio.learning.finetune import fit
from studio.learning.zero_shot import StartingPoint
from studio.modalities import discover_modalities
from studio.models import load_model
from studio.models.device import native_bf16
from studio.models.lora import trainable
from studio.tasks import task as task_named
from tests.bench.embed import write_vit

CLASSES = tuple(f"thing number {n}" for n in range(100))
PROMPTS = tuple((f"a photo of a {name}.",) for name in CLASSES)
BATCH, PICTURES = 32, 64
LORA = LoraConfig(rank=4, alpha=8, dropout=0.0, towers="both")


@dataclass(frozen=True)
class Folder:
    """A snapshot over JPEG files; more items than files where asked, each with a key of its own."""

    files: Sequence[Path]
    count: int
    hash: str = "bench"
    held_out: Sequence[Item] = ()
    train: Sequence[Item] = field(init=False)

    def __post_init__(self) -> None:
        items = [Item(n, {"image": f"picture-{n}"}, "train", str(n), CLASSES[n % len(CLASSES)]) for n in range(self.count)]
        object.__setattr__(self, "train", items)

    def payload(self, item: Item, modality: str) -> Any:
        return discover_modalities().get(modality).read(self.files[item.id % len(self.files)].read_bytes())

    def payloads(self, items: Iterable[Item], modality: str) -> list[Any]:
        return [self.payload(item, modality) for item in items]


def write_pictures(folder: Path, count: int) -> list[Path]:
    """JPEGs of 500 × 375 with the detail, and so the size, of a photograph."""
    draw = np.random.default_rng(0)
    for n in range(count):
        coarse = Image.fromarray(draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((500, 375), Image.Resampling.BICUBIC)
        noisy = np.asarray(coarse).astype(int) + draw.integers(-8, 8, (375, 500, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{n}.jpg", quality=88)
    return sorted(folder.glob("*.jpg"))


class Decoded(Dataset):  # type: ignore[type-arg]
    """What the baseline's DataLoader reads."""

    def __init__(self, files: Sequence[Path], transform: Any) -> None:
        self._files, self._transform = files, transform

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self._transform(Image.open(self._files[index]).convert("RGB")), index % len(CLASSES)


class Baseline:
    """The plain loop."""

    def __init__(self, weights: Path, files: Sequence[Path], towers: str) -> None:
        network, transform, _ = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
        open_clip.load_checkpoint(network, str(weights / "open_clip_model.safetensors"))
        names = r"visual\..*\.attn" if towers == "image" else r".*\.attn"
        self._network: Any = get_peft_model(network, PeftLoraConfig(r=LORA.rank, lora_alpha=LORA.alpha, target_modules=names))
        self._network.train()
        self._tokens = open_clip.get_tokenizer("ViT-B-32")([prompt for (prompt,) in PROMPTS])
        self._optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=2e-4)
        loader = DataLoader(Decoded(files, transform), batch_size=BATCH, shuffle=True, num_workers=1)
        self._batches = itertools.chain.from_iterable(itertools.repeat(loader))
        self.seconds(1)  # the first step is slower, and is not counted

    def seconds(self, steps: int) -> list[float]:
        """Of each step."""
        marks = [time.perf_counter()]
        for _ in range(steps):
            pixels, truth = next(self._batches)
            images = torch.nn.functional.normalize(self._network.encode_image(pixels), dim=-1)
            texts = torch.nn.functional.normalize(self._network.encode_text(self._tokens), dim=-1)
            loss = torch.nn.functional.cross_entropy(self._network.logit_scale.exp() * images @ texts.T, truth)
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            loss.item()
            marks.append(time.perf_counter())
        return [b - a for a, b in itertools.pairwise(marks)]


def train(model: FoundationModel, data: Folder, config: TrainConfig, scratch: Path) -> Iterator[Any]:
    """Events of a real run, under the settings that a run on this machine has."""
    task = task_named("image-classification")
    adapted = model.adapted(config.lora)
    objective = task.objective(adapted, data.train, StartingPoint(CLASSES, PROMPTS, None), config)
    bf16 = config.precision != "fp32" and native_bf16("cpu")
    yield from fit(adapted, task, objective, data, config, bf16=bf16, scratch=scratch)


def images_per_s(model: FoundationModel, data: Folder, settings: Mapping[str, Any], scratch: Path) -> float:
    """Over a whole run, from `fit`'s start to its end."""
    config = TrainConfig(LORA, batch_size=BATCH).with_settings(settings)
    started, steps = time.perf_counter(), 0
    for event in train(model, data, config, scratch):
        steps += event.kind == "step"
    return steps * BATCH / (time.perf_counter() - started)


def exactness(model: FoundationModel, weights: Path, data: Folder) -> dict[str, float]:
    """The largest difference that the exact levers make, fp32: unit features against open_clip's own, and the adapters after
    two steps from kept states against two steps of the plain forward; and how far those steps moved them."""
    bare = open_clip.create_model("ViT-B-32", pretrained=None).eval()
    open_clip.load_checkpoint(bare, str(weights / "open_clip_model.safetensors"))
    payloads = {"image": data.payloads(data.train[:8], "image"), "text": [p for (p,) in PROMPTS[:8]]}
    top = LoraConfig(rank=4, alpha=8, dropout=0.0, towers="both", layers="top-2")
    ours, plain = model.adapted(top), model.adapted(top)
    network: Any = plain.module
    network.staged = False

    def plainly(modality: str, of: Mapping[str, torch.Tensor]) -> torch.Tensor:
        if modality == "image":
            return plain.encode(modality, of)
        return torch.nn.functional.normalize(network.network.encode_text(of["tokens"]), dim=-1)

    inputs = {m: ours.prepare(m, of) for m, of in payloads.items()}
    kept = {m: ours.prefix(m, of) for m, of in inputs.items()}
    pixels = ours.module.towers._pictures.normalised(inputs["image"]["pixels"])  # type: ignore[union-attr]
    with torch.no_grad():
        theirs = {"image": bare.encode_image(pixels, normalize=True)}
        theirs["text"] = bare.encode_text(open_clip.tokenize(payloads["text"]), normalize=True)
        found = [float((ours.encode(m, kept[m]) - theirs[m]).abs().max()) for m in theirs]
    start = weights_of(ours)
    two_steps(ours, kept, ours.encode)
    two_steps(plain, inputs, plainly)
    learnt, same = weights_of(ours), weights_of(plain)
    found += [float((learnt[name] - same[name]).abs().max()) for name in learnt]
    moved = max(float((learnt[name] - start[name]).abs().max()) for name in learnt)
    return {"exact.max_abs_diff": max(found), "exact.moved": moved}


def weights_of(model: AdaptedModel) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in trainable(model.module).items()}


def two_steps(model: AdaptedModel, inputs: Mapping[str, Any], encode: Callable[[str, Any], torch.Tensor]) -> None:
    optimiser = torch.optim.SGD([p for p in model.module.parameters() if p.requires_grad], lr=30.0)
    for _ in range(2):
        optimiser.zero_grad()
        logits = 10 * encode("image", inputs["image"]) @ encode("text", inputs["text"]).T
        torch.nn.functional.cross_entropy(logits, torch.arange(len(logits))).backward()
        optimiser.step()


def memory_mb(files: Sequence[Path], root: Path) -> float:
    """Peak resident memory of a fast run on 10,000 pictures above the loaded model's: one view of all of them, then 20 steps.

    A tower of ViT-B/32's width and tokens with 3 blocks stands in: what is kept is the same, the waiting is not."""
    folder = root / "shallow"
    folder.mkdir()
    write_vit(folder, layers=3)
    model = load_model(f"open_clip:local-dir:{folder}", "cpu", True)
    config = TrainConfig(LORA, steps=20, batch_size=BATCH).with_settings({"mode": "fast", "towers": "image"})
    process = psutil.Process()
    before = peak = process.memory_info().rss
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.05):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in train(model, Folder(files, 10_000), config, root):
        pass
    over.set()
    watcher.join()
    return (peak - before) / 2**20


def instant_ms() -> float:
    """The instant rung on 1,000 labels × 512, as `tests.bench.instant` measures it."""
    from studio.learning.rungs import rung
    from tests.bench.instant import clouds, milliseconds

    few, instant = clouds(100), rung("instant")
    return statistics.median(milliseconds(lambda: instant.fit(few), 15))


def measure() -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        weights, pictures = root / "vit", root / "pictures"
        weights.mkdir(), pictures.mkdir()
        files = write_pictures(pictures, 2 * PICTURES)
        # first: memory that another part had freed would be used again and not be seen
        found["fast.extra_memory_mb"] = memory_mb(files, root)
        found["instant.ms"] = instant_ms()
        write_vit(weights)
        data = Folder(files[:PICTURES], PICTURES)
        model = load_model(f"open_clip:local-dir:{weights}", "cpu", True)
        found |= exactness(model, weights, data)
        slow = {"": Baseline(weights, files[:PICTURES], "both"), "image.": Baseline(weights, files[:PICTURES], "image")}
        seconds = {name: baseline.seconds(1) for name, baseline in slow.items()}
        runs = {
            "best": {"mode": "best", "epochs": 4},
            "best.image": {"mode": "best", "towers": "image", "epochs": 4},
            "fast": {"mode": "fast", "towers": "image", "epochs": 10},
        }
        speeds = {name: images_per_s(model, data, settings, root) for name, settings in runs.items()}
        for name, baseline in slow.items():
            seconds[name] += baseline.seconds(1)
        both, image = (BATCH / statistics.mean(seconds[name]) for name in ("", "image."))
        found |= {"baseline.images_per_s": both, "baseline.image.images_per_s": image}
        found |= {f"{name}.images_per_s": speed for name, speed in speeds.items()}
        found |= {"best.ratio": speeds["best"] / both, "best.image.ratio": speeds["best.image"] / image}
        found |= {"fast.ratio": speeds["fast"] / both, "fast.image.ratio": speeds["fast"] / image}
    return found


AIMS = {
    "best.ratio": "≥ 4",
    "fast.ratio": "≥ 15",
    "exact.max_abs_diff": "≤ 1e-4",
    "fast.extra_memory_mb": "≤ 2048",
    "instant.ms": "≤ 50",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    found = measure()
    if flags.json:
        print(json.dumps(found))
        return
    for name, figure in found.items():
        print(f"{name:<30} {'–' if figure is None else format(figure, '12.6g'):>12}  {AIMS.get(name, '')}")


if __name__ == "__main__":
    main()
