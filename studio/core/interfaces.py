"""Every protocol of the house: read this file first.

Items come into a project; a `Modality` reads their content; a `FoundationModel` turns content into features; a `Task`
says what learning means; a `Predictor` turns features into probabilities. Nothing here imports torch at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from studio.core.config import LoraConfig, TrainConfig
from studio.core.types import Item, ModelInfo, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

Progress = Callable[[int, int, str], None]
"""`progress(done, total, what)`; total 0 where it is not known. Called from the thread that works."""

Inputs = Mapping[str, "Tensor"]
"""What a tower takes: tensors on the CPU whose first axis is the item."""


class Modality(Protocol):
    """Reads, checks and shows one kind of content."""

    @property
    def name(self) -> str: ...

    @property
    def suffixes(self) -> frozenset[str]:
        """File suffixes, lower case with the dot, that an importer may offer to this modality."""
        ...

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names, lower case, by which a table's column is known to hold this modality, the likeliest first."""
        ...

    @property
    def inline(self) -> bool:
        """Whether a table's cell, or an argument, is the content itself, as with texts; else it is the path of a file."""
        ...

    def read(self, source: bytes | str, name: str = "") -> Any:
        """The payload that models take: an RGB `PIL.Image.Image`, a `str`. Raises UnreadableItem(name, reason).

        Bytes are a file's, or an `inline` cell's in UTF-8. A `str` is the content of an `inline` modality as it stands.
        """
        ...

    def thumbnail(self, source: bytes | str, size: int) -> bytes:
        """A JPEG picture of at most `size` pixels a side, re-encoded. Raises UnreadableItem."""
        ...

    @property
    def same_from(self) -> float:
        """The product of fingerprints from which two contents are near-duplicates; above 1: never."""
        ...

    def fingerprint(self, payload: Any) -> NDArray[np.float32]:
        """Unit rows `[k, d]`: of the whole, then of large parts of it. Two contents are the same but for encoding, size or a
        narrow crop where the whole of one and a row of the other have a product of at least `same_from`."""
        ...


@runtime_checkable
class FoundationModel(Protocol):
    """A frozen model. Thread-safe: each loaded model has one lock around its forward passes."""

    @property
    def info(self) -> ModelInfo: ...

    @property
    def device(self) -> str:
        """Where its weights lie: `cpu`, `cuda:0`, `mps:0`."""
        ...

    def embed(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        """Features `[n, dim]`, float32 on the CPU, unit norm. Preprocesses, batches and locks by itself."""
        ...

    def projection(self, modality: str) -> Tensor | None:
        """`[w, dim]`, float32 on the CPU: the last, linear step of that tower; None where it ends otherwise."""
        ...

    def embed_before(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        """Features `[n, w]` before that projection: `embed` gives the unit rows of them times `projection`.

        Raises ModelError where there is no projection.
        """
        ...

    def adapted(self, lora: LoraConfig, weights: Path | None = None, seed: int = 0) -> AdaptedModel:
        """A model of its own with LoRA layers, from saved `weights` (an adapter folder) where given, else from `seed`.

        It shares no parameter that training changes: this model's outputs stay as they are.
        Raises ModelError where nothing can be adapted or the weights do not fit.
        """
        ...

    def close(self) -> None:
        """Free the weights; the model cannot be used after."""
        ...


@runtime_checkable
class AdaptedModel(FoundationModel, Protocol):
    """A foundation model with adapters that can be trained. `info.weights_hash` covers the adapter's present state."""

    @property
    def module(self) -> nn.Module:
        """All weights; those with `requires_grad` are what is trained. Move it, put it into train or eval mode, prepare it."""
        ...

    @property
    def adapted_modules(self) -> tuple[str, ...]:
        """Names of the layers that carry an adapter; never empty."""
        ...

    def prepare(self, modality: str, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> Inputs:
        """Preprocessed inputs `{name: [n, …]}`; with `crops`, pictures are cut and flipped so instead of centre-cropped."""
        ...

    def reduced(self, modality: str, payload: Any) -> Any:
        """A picture `[h, w, 3]` uint8 no larger than random crops of it need: what a run keeps instead of decoding again."""
        ...

    def encode(self, modality: str, inputs: Inputs) -> Tensor:
        """Features `[n, dim]` with gradient, unit norm, on the device of `module`, from `prepare`'s inputs or from `prefix`'s.
        Takes no lock."""
        ...

    def has_prefix(self, modality: str) -> bool:
        """Whether the tower begins with frozen layers whose output can be kept."""
        ...

    def prefix(self, modality: str, inputs: Inputs) -> Inputs:
        """What the frozen layers before the first adapter make of `inputs`, for `encode`: no gradient, no dropout, on the device
        of `module`. It does not change while the adapters learn. Raises ModelError where `has_prefix` is false."""
        ...

    def logit_scale(self) -> Tensor:
        """exp(log scale), a scalar."""
        ...

    def set_strength(self, strength: float) -> None:
        """Use W + strength · ΔW from now on, 0 (the base model) to 1 (as trained); `info.weights_hash` follows."""
        ...

    def save(self, folder: Path) -> None:
        """Write `adapter_model.safetensors`, `adapter_config.json` (PEFT form) and `manifest.json` into `folder`."""
        ...


Crop = tuple[float, float, float, float, bool]
"""(left, top, width, height as shares of the picture, mirrored): one augmentation, a pure function of (seed, step, item)."""


class ModelFamily(Protocol):
    """What a file of `studio.models` registers."""

    @property
    def name(self) -> str:
        """`open_clip`, `hf-clip`, …: also the first part of a model's id where `accepts` says so."""
        ...

    @property
    def forms(self) -> tuple[str, ...]:
        """How its ids are written. `…:ORG/NAME` is a repository of the hub, `…:PATH` a folder, any other form its own."""
        ...

    def accepts(self, model_id: str) -> bool:
        """Whether this family loads that id; reads at most a local `config.json`, never the network, never weights."""
        ...

    def modalities(self, model_id: str) -> tuple[str, ...]:
        """What that model takes, as cheaply as `accepts`; empty where it is not known before loading.

        A folder for which it is not empty is offered as a model of this family.
        """
        ...

    def load(self, model_id: str, device: str, offline: bool, progress: Progress | None = None) -> FoundationModel:
        """Raises Offline, Untrusted or ModelError."""
        ...

    def preset(self, task: str, model_id: str) -> TrainConfig:
        """Good defaults of this family for one task. Like `accepts` it is cheap: no weights, no network."""
        ...


class Objective(Protocol):
    """A task at work on one run: built by `Task.objective`, used by `fit`."""

    @property
    def module(self) -> nn.Module | None:
        """Trainable parameters beside the adapter (a head), or None."""
        ...

    @property
    def together(self) -> int:
        """Items of one class that stand together in the batches: more than 1 where the loss is over pairs within classes."""
        ...

    def loss(self, model: AdaptedModel, features: Mapping[str, Tensor], batch: Sequence[Item]) -> Tensor:
        """Mean loss of a batch from its features `{modality: [n, dim]}` with gradient."""
        ...

    def score(self, model: AdaptedModel, features: Mapping[str, Tensor], items: Sequence[Item]) -> Mapping[str, float]:
        """`{"accuracy": …, "loss": …}` on held-out items, all at once, no gradient.

        Where items get classes, the loss is after one temperature, as everywhere that methods are compared.
        """
        ...


class Task(Protocol):
    """What a file of `studio.tasks` registers."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def modalities(self) -> tuple[str, ...]:
        """What each item's content must hold."""
        ...

    @property
    def classifies(self) -> bool:
        """True: an item gets one of the classes, so that shots, prompts, heads and confusions make sense.

        False: its parts are matched with one another, and judged by what is found among all (recall@k).
        """
        ...

    @property
    def several(self) -> bool:
        """Whether an item may be of several classes, or of none: its label is then a set of them (`core.types.set_of`)."""
        ...

    @property
    def measure(self) -> str:
        """What the main figure is called: `accuracy`, `recall@1`."""
        ...

    @property
    def fixed_classes(self) -> tuple[str, ...]:
        """Classes that people cannot change (`match`, `no match`), else empty."""
        ...

    @property
    def trains_head(self) -> bool:
        """Whether a run trains a head beside the adapter, so that `Prior.head` must be there."""
        ...

    @property
    def templates(self) -> tuple[str, ...]:
        """Prompt templates that a new project starts with, `{}` for the class; empty where there are no classes to say."""
        ...

    def fits(self, modalities: Sequence[str]) -> bool:
        """Whether a model with these modalities can do this task."""
        ...

    def why_not(self, items: Sequence[Item]) -> str | None:
        """None where learning can run on these training items, else the reason with what to do: button text and error."""
        ...

    def said_of(self, item: Item) -> tuple[str, ...]:
        """The classes that a labelled item is of: one, where it may be of `several` any number; none where none is given."""
        ...

    def trains_on(self, item: Item) -> bool:
        """Whether an item of the training split takes part in learning."""
        ...

    def objective(self, model: AdaptedModel, items: Sequence[Item], prior: Prior, config: TrainConfig) -> Objective:
        """The loss of one run."""
        ...


class Prior(Protocol):
    """What is known before learning: class prompts for zero-shot, and a head to start from."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def prompts(self) -> tuple[tuple[str, ...], ...]:
        """For each class, its prompts (one a template)."""
        ...

    @property
    def head(self) -> tuple[Tensor, Tensor] | None:
        """Weight `[C, dim]` and bias `[C]` of a head fitted on the frozen features; None where the task trains no head."""
        ...


class Predictor(Protocol):
    """Features → calibrated probabilities."""

    @property
    def model(self) -> FoundationModel:
        """Whose features it takes."""
        ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def needs_raw(self) -> bool:
        """Whether it also takes the features before the model's projection."""
        ...

    def predict(self, features: Tensor, raw: Tensor | None = None) -> list[Prediction]:
        """`[n, dim]` unit features of `model` (and `[n, w]` before its projection) → n predictions."""
        ...


class Snapshot(Protocol):
    """The immutable items of one run, and how to read them."""

    @property
    def hash(self) -> str: ...

    @property
    def train(self) -> Sequence[Item]: ...

    @property
    def held_out(self) -> Sequence[Item]:
        """Validation items: they take no part in learning, and are never the test split."""
        ...

    def payload(self, item: Item, modality: str) -> Any: ...

    def payloads(self, items: Iterable[Item], modality: str) -> list[Any]: ...
