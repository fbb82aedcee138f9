"""Trains the demo CLIP: `python -m assets.make.demo_clip`. Killed and started again, it goes on from its last checkpoint.

The schedule runs on steps or on the clock, whichever is ahead: with time enough, one seed gives one model on one machine.
Owns sizes, optimiser and checkpoints. Evaluates nothing: that is `python -m assets.make.evaluate`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from assets.make import contrast, vocabulary
from assets.make.pool import drawing
from studio.models.open_clip_towers import text_features

OUT = Path(__file__).resolve().parents[1] / "demo-clip"
MEAN, STD = (0.5, 0.46, 0.42), (0.26, 0.25, 0.25)
SIZE = 224
"""Side of the pictures: that of LeViT's position biases."""
PLACES_WIDTH = 128
"""Of the features of LeViT's first stage, a place of 16 × 16 pixels each."""
MODEL: dict[str, Any] = {
    "embed_dim": 192,
    "vision_cfg": {
        "image_size": SIZE,
        "timm_model_name": "levit_128s",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "linear",
    },
    "text_cfg": {
        "context_length": vocabulary.LENGTH,
        "width": 192,
        "heads": 3,
        "layers": 2,
        "hf_tokenizer_name": "local",
    },
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train."""

    steps: int = 20_000
    """Steps at most."""
    hours: float = 2.0
    """Time at most, over all restarts."""
    batch: int = 64
    """Pictures a step."""
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.03
    """Share of the schedule over which the learning rate rises."""
    coarse: float = 0.15
    """Share of the schedule after which the loss turns to what is rare and small."""
    fine: float = 0.4
    """Share of it after which it has turned."""
    places: float = 1.0
    """Weight of where pieces are worn."""
    seed: int = 0
    pictures: int = 72_000
    """Pictures rendered at most; each takes 150 kB of the work folder."""
    fresh: int = 12
    """New pictures a step, until all are there: an even number, at most `batch`."""
    first: int = 1024
    """Pictures that are there before the first step."""


class Training:
    """The network, its optimiser and how far they have come."""

    def __init__(self, plan: Plan, work: Path, device: torch.device) -> None:
        self.plan, self.device, self.work = plan, device, work
        self.tokenizer = _tokenizer(work, plan.seed)
        self.config = model_config(self.tokenizer.get_vocab_size())
        torch.manual_seed(plan.seed)
        self.network: Any = open_clip.CLIP(**json.loads(json.dumps(self.config))).to(device)
        self.network.visual.to(memory_format=torch.channels_last)
        self.places = nn.Linear(PLACES_WIDTH, self.config["embed_dim"]).to(device)
        """Early features into the space of the texts; serves the training alone."""
        self._seen: list[Tensor] = []
        self.network.visual.trunk.stages[0].register_forward_hook(lambda *called: self._seen.append(called[2]))
        self.learner = nn.ModuleDict({"network": self.network, "places": self.places})
        self.optimiser = torch.optim.AdamW(
            _parameters(self.learner, plan.weight_decay), lr=plan.lr, betas=(0.9, 0.98), fused=True
        )
        self.step, self.elapsed = 0, 0.0

    @property
    def progress(self) -> float:
        """0 at the start, 1 at the end of the schedule."""
        return max(self.step / self.plan.steps, self.elapsed / (3600 * self.plan.hours))

    def numbers(self) -> np.ndarray:
        """Which pictures make up the next step."""
        plan = self.plan
        there = min(plan.first + plan.fresh * self.step, plan.pictures)
        rng = np.random.default_rng((plan.seed, self.step, 1))
        # the new ones, and others at random; twins together
        new = np.arange(max(there - plan.fresh, 0), there) if there < plan.pictures else np.empty(0, np.int64)
        others = rng.integers(0, there // 2, (plan.batch - len(new)) // 2)
        return np.concatenate((new, (2 * others[:, None] + (0, 1)).ravel()))

    def learn(self, batch: contrast.Batch) -> tuple[float, float, float]:
        """One step. Gives (captions' loss, attributes' loss, loss of where pieces are worn)."""
        done = self.progress
        rate = min(1.0, (done + 1e-4) / self.plan.warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.lr * rate
        kind = self.device.type
        # on a CPU the fused attention's backward pass is slower than the plain one at such lengths
        backend = SDPBackend.MATH if kind == "cpu" else SDPBackend.FLASH_ATTENTION
        with torch.autocast(kind, torch.bfloat16, enabled=half_pays(kind)), sdpa_kernel(backend):
            self._seen.clear()
            pictures = self.network.encode_image(normalised(batch.pixels.to(self.device)))
            places = self.places(self._seen.pop())
            texts = text_features(self.network, batch.tokens.to(self.device))
        units = F.normalize(pictures.float(), dim=-1), F.normalize(texts.float(), dim=-1)
        fine = min(1.0, max(0.0, (done - self.plan.coarse) / (self.plan.fine - self.plan.coarse)))
        scale, fits = self.network.logit_scale.exp(), batch.fits.to(self.device)
        captions, attributes = contrast.loss(*units, scale, fits, batch.parts, fine)
        defects = torch.split(units[1], list(batch.parts))[contrast.DEFECTS_AT]
        worn = contrast.loss_of_places(F.normalize(places.float(), dim=-1), defects, scale, batch.wear.to(self.device))
        (captions + attributes + self.plan.places * worn).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        with torch.no_grad():
            self.network.logit_scale.clamp_(0, math.log(60))
        self.step += 1
        return captions.item(), attributes.item(), worn.item()

    def save(self) -> None:
        """A checkpoint, whole or not at all."""
        tensors = dict(self.learner.state_dict())
        for name, parameter in self.learner.named_parameters():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{key}.{name}"] = value
        state = {"step": str(self.step), "elapsed": repr(self.elapsed), "plan": json.dumps(asdict(self.plan))}
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, self.work / "new.safetensors", state)
        os.replace(self.work / "new.safetensors", self.work / "checkpoint.safetensors")

    def resume(self) -> bool:
        """Go on from the checkpoint, where there is one. Raises SystemExit where it is another plan's."""
        path = self.work / "checkpoint.safetensors"
        if not path.is_file():
            return False
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            state = file.metadata()
        before, now = json.loads(state["plan"]), asdict(self.plan)
        changed = [key for key in now if key not in ("hours", "steps") and now[key] != before[key]]
        if changed:
            raise SystemExit(f"{path} was begun with another {', '.join(changed)}. Take another --work folder, or remove it.")
        tensors = load_file(path)
        self.learner.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("optimiser.")})
        for name, parameter in self.learner.named_parameters():
            kept = {key: tensors.get(f"optimiser.{key}.{name}") for key in ("step", "exp_avg", "exp_avg_sq")}
            self.optimiser.state[parameter] = {k: _laid_out_as(parameter, v) for k, v in kept.items() if v is not None}
        self.step, self.elapsed = int(state["step"]), float(state["elapsed"])
        return True

    def export(self, out: Path) -> None:
        """The model's folder, as open_clip and Studio load it."""
        out.mkdir(parents=True, exist_ok=True)
        preprocessing = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
        whole = {"model_cfg": self.config, "preprocess_cfg": preprocessing}
        (out / "open_clip_config.json").write_text(json.dumps(whole, indent=2) + "\n")
        tensors = {k: v.detach().cpu() for k, v in self.network.state_dict().items() if k != "attn_mask"}
        halved = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}
        save_file(halved, out / "open_clip_model.safetensors", {"format": "pt"})
        vocabulary.save(self.tokenizer, out)


def train(plan: Plan, work: Path, out: Path, device: torch.device, workers: int = 1, save_every: float = 60.0) -> Training:
    """Until the plan is done; a checkpoint every `save_every` seconds; then the model's folder."""
    work.mkdir(parents=True, exist_ok=True)
    training = Training(plan, work, device)
    if training.resume():
        print(f"Going on from step {training.step}, {training.elapsed / 60:.0f} min in.", flush=True)
    with drawing(work, plan.seed, SIZE, plan.pictures, workers) as pool:
        last = saved = time.monotonic()
        while training.progress < 1:
            numbers = training.numbers()
            batch = contrast.batch(pool.take(numbers), numbers, plan.seed, training.step, training.tokenizer)
            losses = training.learn(batch)
            now = time.monotonic()
            training.elapsed, last = training.elapsed + now - last, now
            if training.step % 20 == 0:
                _say(training, losses, pool.ready())
            if now - saved > save_every:
                training.save()
                saved = now
    training.save()
    training.export(out)
    return training


def model_config(vocabulary_size: int) -> dict[str, Any]:
    return {**MODEL, "text_cfg": {**MODEL["text_cfg"], "vocab_size": vocabulary_size}}


def normalised(pixels: Tensor) -> Tensor:
    """uint8 `[n, 3, h, w]` → as the image tower wants it."""
    mean = torch.tensor(MEAN, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=pixels.device).view(1, 3, 1, 1)
    return ((pixels.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def half_pays(kind: str) -> bool:
    """Whether bfloat16 is faster than float32 there."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return kind == "cuda" or bool(supported())


def _parameters(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; norms, biases, positions and the scale do not."""
    named = list(network.named_parameters())
    matrices = [p for name, p in named if p.ndim >= 2 and "embedding" not in name]
    rest = [p for name, p in named if p.ndim < 2 or "embedding" in name]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def _laid_out_as(parameter: Tensor, state: Tensor) -> Tensor:
    """An optimiser's state in its parameter's order in memory, which the fused step takes for granted."""
    return torch.empty_like(parameter).copy_(state) if state.shape == parameter.shape else state.to(parameter.device)


def _tokenizer(work: Path, seed: int) -> Tokenizer:
    path = work / f"tokenizer-{seed}.json"
    if not path.is_file():
        vocabulary.learn(seed).save(str(path))
    return Tokenizer.from_file(str(path))


def _say(training: Training, losses: tuple[float, float, float], ready: int) -> None:
    seen = training.step * training.plan.batch
    said = "  ".join(f"{name} {loss:.3f}" for name, loss in zip(("captions", "attributes", "places"), losses, strict=True))
    pace = seen / max(training.elapsed, 1e-9)
    print(f"step {training.step}  {training.progress:.1%}  {said}  {pace:.0f} pictures/s  {ready} rendered", flush=True)


def main() -> None:
    plan = Plan()
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--hours", type=float, default=plan.hours, help="time at most (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=plan.steps, help="steps at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--work", type=Path, default=Path("build/demo-clip"), help="for checkpoints and pictures")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="processes that render")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train(Plan(steps=args.steps, hours=args.hours, seed=args.seed), args.work, args.out, device, args.workers)


if __name__ == "__main__":
    main()
