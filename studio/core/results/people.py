"""What several people said of the same items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.core.types import Item


@dataclass(frozen=True, slots=True)
class Annotator:
    """Somebody who labels."""

    name: str
    labels: int
    """Items of which they have said something that they have not taken back."""
    latest: float
    """Of their newest label, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody says of an item: a class, or `NONE_OF_THESE`."""

    author: str
    said: str
    at: float
    independent: bool
    """They had not seen what another said."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """An item of which people say different things, which nobody has settled."""

    item: Item
    opinions: tuple[Opinion, ...]
    """The first one said first: until it is settled that is what the item has."""


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement beyond chance: 1 is always, 0 as often as by chance."""

    value: float | None
    """None where all always say the same one class, so that chance explains everything."""
    low: float | None
    high: float | None
    """95 % interval; None where there is no value."""
    observed: float
    """The share of items, or of pairs of opinions, that agree."""
    items: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Who agrees with whom, counted on independent opinions alone."""

    people: tuple[Annotator, ...]
    pairs: Mapping[tuple[str, str], Kappa]
    """Cohen's kappa of every two who labelled the same items."""
    all: Kappa | None
    """Fleiss' kappa of all items with two opinions or more; None where there are none."""
    confused: tuple[tuple[str, str, int], ...]
    """(one class, another, pairs of opinions that differ so), the most frequent first."""
    disputes: int
