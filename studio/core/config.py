"""Settings of a run: frozen, validated once, a line of doc under each field. Saved as `config.json` in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import ceil
from typing import Any, Literal

from studio.core.errors import BadInput

Towers = Literal["image", "text", "both"]
Layers = Literal["all", "half", "top-2", "top-1"]
Projections = Literal["all", "qkv"]
Mode = Literal["preset", "fast", "best", "paper", "custom"]
PAPER: Mapping[str, Any] = {
    "rank": 2, "alpha": 1.0, "rslora": True, "dropout": 0.25, "layers": "all", "towers": "both", "projections": "qkv",
    "lr": 2e-4, "weight_decay": 0.01, "warmup": 0.0, "steps": 2000, "batch_size": 32, "min_crop": 0.08, "views": 0,
}  # fmt: skip
"""CLIP-LoRA's recipe (Zanella & Ben Ayed 2024, arXiv:2405.18541), its 500 steps a shot capped at those of four shots."""
MODES: Mapping[str, Mapping[str, Any]] = {
    "fast": {"layers": "top-2", "views": 4},
    "best": {"layers": "all", "views": 0},
    "paper": PAPER,
}
"""Names for settings that belong together, as in `mode=fast`: a run's own settings say what was done."""
FREE = {"shots", "seed", "steps", "epochs", "batch_size", "micro_batch", "evaluate_every", "checkpoint_every", "precision"}
"""Settings that differ between runs of the same mode."""
ObjectiveName = Literal["auto", "head", "contrastive"]


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """W + (alpha / rank) · B·A on chosen Linears and 1×1 convolutions (Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = 8
    """r: width of the update; 1 to 256."""
    alpha: float = 16.0
    """Scale of the update: alpha / rank, or alpha / sqrt(rank) with `rslora`."""
    dropout: float = 0.1
    """Dropout on the adapter's input, 0 to 0.9."""
    rslora: bool = False
    """Rank-stabilised scaling alpha / sqrt(rank) (Kalajdzievski 2023, arXiv:2312.03732)."""
    layers: Layers = "all"
    """Which blocks of each adapted tower, counted from the output."""
    towers: Towers = "image"
    """Which towers of a two-tower model; ignored by models with one."""
    projections: Projections = "all"
    """Which of an attention's projections; `qkv` leaves the output's out."""

    def __post_init__(self) -> None:
        _within("rank", self.rank, 1, 256)
        _within("alpha", self.alpha, 0.01, 1024)
        _within("dropout", self.dropout, 0.0, 0.9)
        _one_of("layers", self.layers, ("all", "half", "top-2", "top-1"))
        _one_of("towers", self.towers, ("image", "text", "both"))
        _one_of("projections", self.projections, ("all", "qkv"))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One run of `fit`."""

    lora: LoraConfig = field(default_factory=LoraConfig)
    lr: float = 2e-4
    """Peak learning rate of the adapter."""
    head_lr: float = 1e-3
    """Peak learning rate of the classification head, where the task trains one."""
    objective: ObjectiveName = "auto"
    """What a run with a head learns by: the head's loss alone, or pairs of items too; `auto` goes by labels per class."""
    weight_decay: float = 0.01
    steps: int = 150
    """Optimiser steps; `epochs` > 0 takes precedence."""
    epochs: float = 0.0
    """Passes over the support set; 0 means: use `steps`."""
    batch_size: int = 32
    """Items per optimiser step."""
    micro_batch: int = 0
    """Items per forward pass; 0 means the whole batch. Smaller needs less memory and gives the same gradient."""
    warmup: float = 0.1
    """Share of the steps with rising learning rate; cosine to 1 % after."""
    shots: int = 0
    """Labels per class used; 0 means all."""
    seed: int = 0
    augment: bool = True
    """Random crops and flips for pictures."""
    min_crop: float = 0.5
    """Smallest share of the picture's area that a random crop keeps."""
    views: int = 0
    """Fixed crops of each picture, up to 64, whose frozen layers are computed once; 0 means: a new crop at every step."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto`: bf16 where the device computes it natively."""
    evaluate_every: int = 0
    """Steps between looks at the validation items; 0 means five looks a run."""
    checkpoint_every: int = 50
    """Steps between checkpoints; one is also written every half minute, at the end and on stopping."""

    def __post_init__(self) -> None:
        _within("lr", self.lr, 1e-8, 1.0)
        _within("head_lr", self.head_lr, 1e-8, 1.0)
        _within("weight_decay", self.weight_decay, 0.0, 1.0)
        _within("steps", self.steps, 1, 1_000_000)
        _within("epochs", self.epochs, 0.0, 10_000)
        _within("batch_size", self.batch_size, 1, 65_536)
        _within("micro_batch", self.micro_batch, 0, 65_536)
        _within("warmup", self.warmup, 0.0, 0.9)
        _within("shots", self.shots, 0, 1_000_000)
        _within("seed", self.seed, 0, 2**31 - 1)
        _within("min_crop", self.min_crop, 0.05, 1.0)
        _within("views", self.views, 0, 64)
        _within("evaluate_every", self.evaluate_every, 0, 1_000_000)
        _within("checkpoint_every", self.checkpoint_every, 1, 1_000_000)
        _one_of("precision", self.precision, ("auto", "bf16", "fp32"))
        _one_of("objective", self.objective, ("auto", "head", "contrastive"))

    def total_steps(self, items: int) -> int:
        """Optimiser steps of a run over `items` support items."""
        if self.epochs <= 0 or items == 0:
            return self.steps
        return max(1, ceil(self.epochs * items / min(self.batch_size, items)))

    def modes(self, preset: TrainConfig) -> tuple[Mode, ...]:
        """Which modes these settings are, the most telling first: the family's `preset`, a named one, always `custom`."""
        mine = {**self.as_json(), **self.as_json()["lora"]}
        names: tuple[Mode, ...] = ("paper", "fast", "best")  # the paper's settings are those of `best`, and more
        named = tuple(name for name in names if all(mine[k] == v for k, v in MODES[name].items()))
        recommended: tuple[Mode, ...] = () if set(self.changed_from(preset)) - FREE else ("preset",)
        return (*recommended, *named, "custom")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The inverse of `as_json`. Raises BadInput for a field it does not know."""
        flat = {k: v for k, v in values.items() if k != "lora"}
        return cls(lora=LoraConfig(**dict(values.get("lora", {})))).with_settings(flat)

    def with_settings(self, settings: Mapping[str, Any]) -> TrainConfig:
        """A copy with some fields changed, by flat name (`rank`, `lr`, …); texts are converted to the field's type.
        `mode` stands for its settings; those that are given beside it win.

        Raises BadInput for an unknown name, a value of the wrong type or out of range.
        """
        adapter = {f.name for f in fields(LoraConfig)}
        own = {f.name for f in fields(self)} - {"lora"}
        if "mode" in settings:
            _one_of("mode", str(settings["mode"]), ("preset", *MODES))
            settings = {**MODES.get(str(settings["mode"]), {}), **{k: v for k, v in settings.items() if k != "mode"}}
        for name in settings:
            if name not in adapter | own:
                raise BadInput(f"There is no setting {name!r}.", f"Known: {', '.join(sorted(adapter | own | {'mode'}))}.")
        lora = {k: _convert(k, v, getattr(self.lora, k)) for k, v in settings.items() if k in adapter}
        rest = {k: _convert(k, v, getattr(self, k)) for k, v in settings.items() if k in own}
        return replace(self, lora=replace(self.lora, **lora), **rest)

    def changed_from(self, preset: TrainConfig) -> dict[str, Any]:
        """Flat settings in which this differs from `preset`: what a command line has to say."""
        mine, theirs = self.as_json(), preset.as_json()
        mine.update(mine.pop("lora"))
        theirs.update(theirs.pop("lora"))
        return {k: v for k, v in mine.items() if v != theirs[k]}


def _convert(name: str, value: Any, like: Any) -> Any:
    """`value` as the type of `like`, so that `--set rank=8` and a slider's 8.0 both give 8."""
    try:
        if isinstance(like, bool):
            text = str(value).strip().lower()
            if text not in {"true", "false", "1", "0", "yes", "no"}:
                raise ValueError(text)
            return text in {"true", "1", "yes"}
        if isinstance(like, int):
            if float(value) != int(float(value)):
                raise ValueError(value)
            return int(float(value))
        return type(like)(value)
    except (TypeError, ValueError, OverflowError):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}.get(type(like), "a text")
        raise BadInput(f"{name}={value!r} is not {kind}.", f"Give {name} as {kind}, as in {name}={like}.") from None


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadInput(f"{name} is {_said(value)}, outside {_said(low)} to {_said(high)}.", f"Choose {name} between them.")


def _said(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadInput(f"{name} is {value!r}.", f"Choose one of: {', '.join(choices)}.")
