"""What use cases return about a project's contents, its models and work in progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from studio.core.types import Item, TaskName


@dataclass(frozen=True, slots=True)
class Reject:
    """One file or row that an import did not take, and why."""

    file: str
    row: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came in. `added + duplicates + rejected` is what the source held."""

    source: str
    added: int
    duplicates: int
    rejected: int
    rejects: tuple[Reject, ...]
    """At most the first 1,000; `rejected` counts them all."""
    by_split: Mapping[str, int]
    by_label: Mapping[str, int]
    """Labels given, to new items and to those that were there."""
    seconds: float
    labelled: int = 0
    """Of the duplicates, those that got their label from this source."""


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One page of the grid, paged by key."""

    items: tuple[Item, ...]
    after: int | None
    """Pass it to get the next page; None on the last one."""
    total: int
    """Items that match the filter."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How far labelling is."""

    total: int
    labelled: int
    skipped: int
    by_split: Mapping[str, int]
    labelled_by_split: Mapping[str, int]
    by_class: Mapping[str, Mapping[str, int]]
    """`{class: {split: labelled items}}`."""
    none: int = 0
    """Items that are of none of the classes."""

    @property
    def done(self) -> int:
        """Items of which somebody has said what they are."""
        return self.labelled + self.none


@dataclass(frozen=True, slots=True)
class Missing:
    """What has to be there before a step can do anything."""

    step: Literal["data", "models", "label"]
    """Where it is got."""
    why: str
    """The first sentence says what is missing, the rest what to do."""


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """A project as the start page lists it."""

    id: str
    name: str
    task: TaskName
    path: str
    items: int
    labelled: int
    cover: str | None
    """sha256 of a picture to show, if it has one."""
    opened: float
    """Seconds since 1970."""
    problem: str | None = None
    """Why it cannot be opened now, if so."""
    score: Mapping[str, Any] | None = None
    """Of the newest comparison: `method` (its title), `value` on the held-out items, `measure`; None before the first."""
    quote: str | None = None
    """The beginning of a text to show, where it has no picture."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A project that came with Studio and is opened as a copy."""

    name: str
    """What opens it."""
    title: str
    task: TaskName
    description: str
    items: int
    quotes: tuple[str, ...]
    """Texts that stand for it where it has no cover."""
    problem: str | None = None
    """What is damaged, if so."""


@dataclass(frozen=True, slots=True)
class GivenLabels:
    """Labels that a project knew and gave, as a person would have."""

    labelled: int
    by_class: Mapping[str, int]
    author: str
    """Whose acts they are in the items' histories."""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A model that people are offered."""

    id: str
    title: str
    modalities: tuple[str, ...]
    download_mb: int
    licence: str
    good_for: str
    local: bool
    """True where its files lie on this machine, so that it loads without a network."""
    elsewhere: str = ""
    """The id by which any computer finds the same weights, where `id` names a folder of this one and such an id is known."""
    knows: str = ""
    """What to keep in mind beside every answer of it; empty for most."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that takes a while, other than training: an import, a model's loading, a comparison."""

    id: str
    kind: str
    title: str
    done: int
    total: int
    what: str
    started: float
    """Seconds on the process's own clock, which nobody sets back."""
    eta_s: float | None
    state: Literal["running", "done", "failed"]
    result: Any = None
    """What it returned, once done."""
    error: str | None = None
    hint: str | None = None
