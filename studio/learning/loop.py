"""Device, precision, optimiser and the arithmetic of one training step; micro-batches where memory runs out.

Every random draw is a function of (seed, step, part), so a resumed run repeats an uninterrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from studio.core.config import TrainConfig
from studio.core.errors import ModelError, RunError
from studio.core.interfaces import AdaptedModel, Inputs, Objective, Task
from studio.core.types import Item
from studio.learning.checkpoint import Checkpoint
from studio.learning.sources import Sources
from studio.models.lora import check_moved, snapshot, unmoved

EVALUATION_BATCH = 64
MAX_GRADIENT_NORM = 1.0
PATIENCE = 10
"""Steps in which every adapter has to move."""


class Loop:
    """Device, precision, optimiser and the arithmetic of one step."""

    def __init__(self, model: AdaptedModel, task: Task, objective: Objective, config: TrainConfig, bf16: bool) -> None:
        self._model, self._task, self._objective, self._config = model, task, objective, config
        # Accelerate keeps one precision a process; runs of one process may differ
        AcceleratorState._reset_state(reset_partial_state=True)
        self.device = next(model.module.parameters()).device
        self._accelerator = Accelerator(cpu=self.device.type == "cpu", mixed_precision="bf16" if bf16 else "no")
        self.autocast: Callable[[], AbstractContextManager[None]] = self._accelerator.autocast
        self.together = objective.together
        if objective.module is not None:
            objective.module.to(self.device)
        self._named = trainable(model, objective)
        self._micro = config.micro_batch or config.batch_size
        self._looks_at = EVALUATION_BATCH
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)  # the peak shown is this run's
        self._messages: list[str] = []
        self._before: dict[str, Tensor] = {}
        self._optimiser = self._accelerator.prepare(self._build_optimiser())

    def _build_optimiser(self) -> torch.optim.Optimizer:
        head = [p for name, p in self._named.items() if name.startswith("head.")]
        rest = [p for name, p in self._named.items() if not name.startswith("head.")]
        groups = [{"params": rest, "peak": self._config.lr}, {"params": head, "peak": self._config.head_lr}]
        fused = self.device.type in {"cuda", "cpu"}
        return torch.optim.AdamW(
            [g for g in groups if g["params"]], lr=self._config.lr, weight_decay=self._config.weight_decay, fused=fused
        )

    def description(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "precision": self._accelerator.mixed_precision if self._accelerator.mixed_precision != "no" else "fp32",
            "trainable": sum(p.numel() for p in self._named.values()),
            "adapted": len(self._model.adapted_modules),
        }

    def step(self, step: int, total: int, batch: Sequence[Item], inputs: Mapping[str, Inputs]) -> tuple[Tensor, float]:
        """One optimiser step: (loss on the device, learning rate). Halves the micro-batch and starts over where memory runs out.
        Where reading the loss costs nothing, weights stay as they are at a loss that is no number."""
        if step == 0:
            self._before = snapshot(self._model.module)
        rate = schedule(step, total, self._config.warmup)
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * rate
        self._train_mode(True)
        while True:
            self._optimiser.zero_grad(set_to_none=True)
            try:
                loss = self._backward(step, batch, inputs)
                break
            except torch.OutOfMemoryError:
                self._halve()
        if self.device.type == "cpu" and not math.isfinite(float(loss)):
            return loss, self._config.lr * rate
        self._accelerator.clip_grad_norm_(self._named.values(), MAX_GRADIENT_NORM)
        self._optimiser.step()
        self._check_moved(step, total)
        return loss, self._config.lr * rate

    def _check_moved(self, step: int, total: int) -> None:
        """Each adapter has to move in the first steps: usually at the first, but a batch whose items all match one another
        teaches nothing. Raises ModelError for those that did not."""
        if not self._before:
            return
        still = unmoved(self._before, self._model.module)
        some = len(still) < len(self._before)
        if not still:
            self._before = {}
        elif step + 1 == PATIENCE or (some and step + 1 == min(total, PATIENCE)):
            check_moved(self._before, self._model.module)

    def _backward(self, step: int, batch: Sequence[Item], inputs: Mapping[str, Inputs]) -> Tensor:
        """Gradients of the batch's mean loss, in parts of the micro-batch where it does not fit whole.

        Parts are run twice: once for the features, once for the gradients through them (GradCache, Gao et al. 2021,
        arXiv:2101.06983), so that losses over pairs of items see the whole batch and the gradient stays the same.
        """
        if self._micro >= len(batch):
            loss = self._objective.loss(self._model, self._features(inputs, step, 0, None), batch)
            self._accelerator.backward(loss)
            return loss.detach()
        parts = [slice(i, i + self._micro) for i in range(0, len(batch), self._micro)]
        with torch.no_grad():
            cached = [self._features(inputs, step, n, part) for n, part in enumerate(parts)]
        whole = {m: torch.cat([c[m] for c in cached]).requires_grad_() for m in self._task.modalities}
        loss = self._objective.loss(self._model, whole, batch)
        self._accelerator.backward(loss)
        for n, part in enumerate(parts):
            features = self._features(inputs, step, n, part)
            heads = [features[m] for m in self._task.modalities]
            torch.autograd.backward(heads, [_gradient(whole[m])[part] for m in self._task.modalities])
        return loss.detach()

    def _features(self, inputs: Mapping[str, Inputs], step: int, part: int, rows: slice | None) -> dict[str, Tensor]:
        # dropout depends on (seed, step, part) alone, so that a resumed run repeats it
        torch.manual_seed((self._config.seed * 1_000_003 + step) * 1_009 + part)
        with self.autocast(), self._attention():
            chosen = {m: {k: v if rows is None else v[rows] for k, v in of.items()} for m, of in inputs.items()}
            return {m: self._model.encode(m, of).float() for m, of in chosen.items()}

    def _attention(self) -> AbstractContextManager[None]:
        # the fused kernel's gradient in bf16 on a CPU takes several times as long as plain matrix products
        return sdpa_kernel(SDPBackend.MATH) if self.device.type == "cpu" else nullcontext()

    @torch.no_grad()
    def evaluate(self, items: Sequence[Item], sources: Sources, beat: Callable[[], None]) -> dict[str, float]:
        """Scores on held-out items; empty where there are none. `beat` is called after each part of them."""
        if not items:
            return {}
        self._train_mode(False)
        while True:
            try:
                return dict(self._objective.score(self._model, self._held_out_features(sources, beat), items))
            except torch.OutOfMemoryError:
                if self._looks_at == 1:
                    raise
                self._looks_at //= 2
                torch.cuda.empty_cache()

    def _held_out_features(self, sources: Sources, beat: Callable[[], None]) -> dict[str, Tensor]:
        parts: list[dict[str, Tensor]] = []
        with self.autocast():
            for of in sources.all(self._looks_at):
                parts.append({m: self._model.encode(m, x).float() for m, x in of.items()})
                beat()
        return {m: torch.cat([part[m] for part in parts]) for m in self._task.modalities}

    def _train_mode(self, on: bool) -> None:
        self._model.module.train(on)
        if self._objective.module is not None:
            self._objective.module.train(on)

    def _halve(self) -> None:
        size = min(self._micro, self._config.batch_size)
        if size == 1:
            # no CannotRun: with more memory free, or on the CPU, the run can go on
            raise RunError("One item alone does not fit into the device's memory.", "Choose a smaller model or the CPU.")
        self._micro = size // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self._messages.append(f"Out of memory: going on with {self._micro} items at a time; the batch stays the same.")

    @property
    def micro_batch(self) -> int:
        """Items a forward pass now."""
        return self._micro

    def messages(self) -> list[str]:
        said, self._messages = self._messages, []
        return said

    def checkpoint(self, step: int) -> Checkpoint:
        tensors: dict[str, Tensor] = {}
        for name, p in self._named.items():
            tensors[f"parameter/{name}"] = p.detach().cpu().clone()
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment in self._optimiser.state.get(p, {}):
                    tensors[f"{moment}/{name}"] = self._optimiser.state[p][moment].detach().cpu().clone()
        return Checkpoint(tensors, step)

    def restore(self, checkpoint: Checkpoint) -> int:
        """Put a checkpoint back. Raises ModelError where its tensors are not this run's."""
        checkpoint.load_into(self._named)
        for name, p in self._named.items():
            if f"exp_avg/{name}" in checkpoint.tensors:
                self._optimiser.state[p] = {
                    "step": torch.tensor(float(checkpoint.step), device=self.device),
                    "exp_avg": checkpoint.tensors[f"exp_avg/{name}"].to(p.device),
                    "exp_avg_sq": checkpoint.tensors[f"exp_avg_sq/{name}"].to(p.device),
                }
        return checkpoint.step

    def close(self) -> None:
        self._train_mode(False)
        self._optimiser.zero_grad(set_to_none=True)
        self._accelerator.free_memory()


def trainable(model: AdaptedModel, objective: Objective) -> dict[str, nn.Parameter]:
    """What training changes, by name; the head's names start with `head.`. Raises ModelError where there is none."""
    named = {n: p for n, p in model.module.named_parameters() if p.requires_grad}
    if not named or not model.adapted_modules:
        raise ModelError("No layer of this model carries an adapter.", "Choose other layers or towers.")
    if objective.module is not None:
        named |= {f"head.{n}": p for n, p in objective.module.named_parameters()}
    return named


def schedule(step: int, total: int, warmup: float) -> float:
    """Share of the peak learning rate at a step: linear up over `warmup`, then cosine down to 1 %."""
    rising = max(1, round(total * warmup))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, total - rising)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def _gradient(features: Tensor) -> Tensor:
    return torch.zeros_like(features) if features.grad is None else features.grad
