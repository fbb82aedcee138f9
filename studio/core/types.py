"""What flows between the layers: frozen values, JSON-able where a page or a script shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

TaskName = str
"""`image-classification`, `text-multi-label`, `image-text`, …: a name in the registry of tasks."""

RunStatus = Literal["queued", "running", "done", "stopped", "failed", "interrupted"]
"""`done`: finished, or stopped and kept. `stopped`: cancelled. `interrupted`: its process died; it can be resumed."""

NONE_OF_THESE = "none of these"
"""What is said of an item that belongs to no class. Nothing learns from it, but where items may be of several classes: there it
is the empty set, as good a label as any."""
BETWEEN = " | "
"""Between the classes of a set, where an item may be of several: there no class has a `|` in its name."""

FINE_TUNING = "lora"
"""The method of a run that changes the model; every other one is a rung on cached features, or a choice among rungs."""


def set_of(names: Iterable[str]) -> str:
    """A set of classes as one label, in the order given: `red | round`; the empty set is `none of these`."""
    return BETWEEN.join(names) or NONE_OF_THESE


def classes_in(label: str | None) -> tuple[str, ...]:
    """The classes of such a label; none of no label, and of the empty set."""
    return () if label in (None, NONE_OF_THESE) else tuple(str(label).split(BETWEEN))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to label. A pair is an item whose content has two entries, not a third kind."""

    id: int
    content: Mapping[str, str]
    """`{"image": sha256}`, `{"text": text}` or both: pictures by hash, texts as they are."""
    split: Split
    name: str
    """What a person calls it: a file's name, or `row 12`."""
    label: str | None = None
    note: str = ""
    """What people have written beside it; nothing learns from it."""
    none: bool = False
    """Looked at, and of none of the classes."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes, where it may be of several."""
        return classes_in(self.label)

    def key(self, modality: str) -> str:
        """What identifies this item's content in one modality: a picture's sha256, or the text itself."""
        return self.content[modality]


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A class of the project: `name` as people see it, `phrase` as zero-shot prompts say it."""

    name: str
    phrase: str
    position: int
    labelled: int = 0
    """Items with this label now, over all splits."""
    guideline: str = ""
    """What belongs to it, for people who label."""


Stance = Literal["stands", "aside", "over"]
"""How what a person says stands to what another has said: nobody had; it was not seen, so the item keeps what it has; it was
seen, and is replaced."""


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One act on one item, never changed after: who, when, what before, what after."""

    id: int
    item: int
    kind: Literal["import", "label", "none", "skip", "caption", "note", "undo", "redo"]
    before: str | None
    after: str | None
    author: str
    at: float
    """Seconds since 1970, UTC."""
    undoes: int | None = None
    """For kinds `undo` and `redo`: the event that it took back; a redo takes back an undo."""
    act: int | None = None
    """The same for all events of one act on several items; None for an act on one."""
    said: str | None = None
    """What its author says of the item; `after` is what it has."""
    stance: Stance = "stands"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a source. Column names are for tables; those that are not given are recognised by name."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """{modality: the column that holds it}."""
    label: str | None = None
    split_column: str | None = None
    split: Split | None = None
    """Put everything into this split, whatever the source says."""
    keep_labels: bool = True
    """False: take the class names of the source but no label, so that a person labels."""
    test_share: float = 0.2
    """Of items whose source names no split, the share that is held out, by content hash: same item, same split."""
    hidden_split: Split | None = None
    """Labels of this split are not given but kept as hidden truth, as a sample's are."""


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items to show; None means any."""

    split: Split | None = None
    label: str | None = None
    labelled: bool | None = None
    skipped: bool | None = None
    """True: looked at and left. False: neither that nor of none of the classes."""
    none: bool | None = None
    """Looked at, and of none of the classes."""
    noted: bool | None = None
    """With a note."""
    search: str = ""
    """Words that must occur in the text, the name or the note, case-insensitive."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Probabilities over the classes of a predictor, in its order."""

    probabilities: tuple[float, ...]
    classes: tuple[str, ...]
    several: bool = False
    """Each class by itself: an item may be of several, and the probabilities need not sum to 1."""

    @property
    def label(self) -> str:
        """The most probable class; where there may be several, the set of those that are more probable than not (`set_of`)."""
        if self.several:
            return set_of(name for name, p in zip(self.classes, self.probabilities, strict=True) if p > 0.5)
        return self.classes[max(range(len(self.classes)), key=self.probabilities.__getitem__)]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of `label`, where there may be several."""
        return classes_in(self.label)

    @property
    def confidence(self) -> float:
        """Probability of `label`; of a set the product over the classes, as if each were by itself."""
        return prod(max(p, 1 - p) for p in self.probabilities) if self.several else max(self.probabilities)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a loaded model without touching its weights."""

    id: str
    """The string that loads it: `open_clip:NAME/TAG`, `open_clip:local-dir:PATH`, `hf:ORG/NAME`, `hf:PATH`."""
    family: str
    """Name of the registered model family."""
    modalities: tuple[str, ...]
    """Modalities that `embed` takes; features of all of them lie in one space."""
    dim: int
    weights_hash: str
    """sha256 over the weights (and adapter, if any): one half of the features' cache key."""
    preprocessing: str
    """A stable text of size, mean, std, interpolation, pooling, …: the other half."""
    parameters: int
    logit_scale: float
    """exp(log scale) for contrastive models; a fixed 20 for text encoders, whose cosines are not trained as logits."""
    convolutional: bool = False
    """True where LoRA reaches the image tower through 1×1 convolutions."""

    @property
    def contrastive(self) -> bool:
        """True for CLIP-like models: pictures and texts in one space."""
        return "image" in self.modalities and "text" in self.modalities


@dataclass(frozen=True, slots=True)
class TrainEvent:
    """One line of a run's `events.jsonl`."""

    kind: Literal["start", "step", "eval", "checkpoint", "log", "end"]
    step: int
    total: int
    at: float
    """Seconds since 1970."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """`loss`, `lr`, `accuracy`, `steps_per_s`, `eta_s`, `memory_mb`, `message`, `status`, … by kind."""


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run's folder at one moment, as pages and scripts show it."""

    id: str
    status: RunStatus
    task: TaskName
    model: str
    method: str
    config: Mapping[str, Any]
    created: float
    started: float | None = None
    ended: float | None = None
    step: int = 0
    total: int = 0
    loss: float | None = None
    accuracy: float | None = None
    """Newest accuracy on validation items (recall@1 for pairs): items that took no part in learning; never the test split."""
    nll: float | None = None
    """Newest loss on the same items, nats an item: what AutoML compares."""
    steps_per_s: float | None = None
    eta_s: float | None = None
    memory_mb: float | None = None
    device: str = ""
    error: str | None = None
    hint: str | None = None
    resumable: bool = False
    has_adapter: bool = False
    command: str = ""
    """The equivalent command line."""
    note: str = ""
    """Newest log line, for people."""
    trial: bool = False
    """One of a search's trials, and not what that search chose."""
    chosen_among: int = 0
    """Trials among which a search took this one; 0 for any other run."""

    @property
    def tunes(self) -> bool:
        """Whether it changes the model, and is no rung on cached features."""
        return self.method == FINE_TUNING

    @property
    def whole(self) -> bool:
        """Whether it did all of its steps."""
        return self.step >= self.total

    @property
    def stands(self) -> bool:
        """Whether it may answer as fine-tuned where nobody named a run: a search's trial only where the search chose it, and
        what was stopped and kept only so too, as its evidence was weighed against every rung."""
        done = self.status == "done" and self.tunes and self.has_adapter
        return done and not self.trial and (self.whole or self.chosen_among > 0)
