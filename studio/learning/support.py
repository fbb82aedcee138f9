"""The support set as tensors: what every rung learns from, and how it is cut into folds. Refuses to know items or models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from studio.tasks.objectives.likelihood import numbered, target


@dataclass(frozen=True, slots=True)
class Support:
    """Labelled features and the text classifier that learning starts from."""

    features: Tensor
    """`[n, d]`, unit norm."""
    labels: Tensor
    """`[n]`, indices into `classes`, or where an item may be of several `[n, C]` of zeros and ones; classes without a label are
    allowed."""
    text: Tensor
    """`[C, d]`: the text classifier, of unit norm; where an item may be of several, as `zero_shot.centred` gives it."""
    scale: float
    """The model's logit scale."""
    classes: tuple[str, ...]
    seed: int = 0
    raw: Tensor | None = None
    """`[n, w]` features before the model's last linear projection; None where it has none."""
    projection: Tensor | None = None
    """`[w, d]`: `features` are the unit rows of `raw @ projection`."""

    @classmethod
    def of_labels(cls, said: Sequence[Sequence[str]], several: bool, projects: bool) -> Support:
        """What is known before any feature is: each item's classes, and whether the model ends in a projection. For
        `Rung.why_not`."""
        classes = tuple(dict.fromkeys(name for names in said for name in names))
        numbers = numbered(said, classes, several)
        rows, matrix = torch.empty(len(said), 0), torch.empty(0, 0)
        text = torch.empty(len(classes), 0)
        return cls(rows, numbers, text, 1.0, classes, 0, rows if projects else None, matrix if projects else None)

    @property
    def several(self) -> bool:
        """Whether an item may be of several classes."""
        return self.labels.ndim == 2

    @property
    def target(self) -> Tensor:
        """`[n, C]` of zeros and ones."""
        return target(self.labels, len(self.classes)).to(self.features.dtype)

    @property
    def prior(self) -> Tensor:
        """Zero-shot logits `[n, C]`."""
        return self.scale * self.features @ self.text.T

    @property
    def counts(self) -> Tensor:
        """Labels of each class `[C]`."""
        return self.labels.sum(0).long() if self.several else torch.bincount(self.labels, minlength=len(self.classes))

    @property
    def shots(self) -> int:
        """Labels of the class that has fewest, of those that have two or more; 1 where fewer than two classes have.

        A class with a single label leaves none to judge by when it is held out; the others need not wait for it. Where an item
        may be of several, to have a class and not to have it are two to be told apart, each class by itself: the one that has
        most of both says how much can be held out, and a class that is missing from a fold is unlearnt there.
        """
        counts = self.counts
        if self.several:
            both = torch.minimum(counts, len(self.labels) - counts)
            return max(int(both.max()), min(1, len(self.labels))) if len(both) else 0
        several = counts[counts > 1]
        return int(several.min()) if len(several) > 1 else min(1, len(self.labels))

    @property
    def labelled(self) -> Tensor:
        """Classes with a label: a mask `[C]`."""
        return self.counts > 0

    def part(self, rows: Tensor) -> Support:
        """The support set of some items alone; `rows` is a mask or an index."""
        raw = None if self.raw is None else self.raw[rows]
        return replace(self, features=self.features[rows], labels=self.labels[rows], raw=raw)

    def among(self, kept: Tensor) -> Support:
        """The same items with some of the classes alone, a mask `[C]` that holds all of the labels'."""
        place = kept.long().cumsum(0) - 1
        classes = tuple(name for name, stays in zip(self.classes, kept.tolist(), strict=True) if stays)
        labels = self.labels[:, kept] if self.several else place[self.labels]
        return replace(self, labels=labels, text=self.text[kept], classes=classes)


def ranks(labels: Tensor, seed: int) -> Tensor:
    """Place of each item among those of its class, 0 first, in an order drawn by `seed` `[n]`; `labels` are one an item.

    Items of one rank hold each class at most once: left out together, they leave the classes as balanced as they were. An
    item left out alone leaves its own class one short of the others, and every choice made on that leans away from learning.
    """
    generator = torch.Generator().manual_seed(seed)
    found = torch.empty_like(labels)
    of_each = [torch.randperm(n, generator=generator) for n in torch.bincount(labels).tolist()]
    found[labels.argsort(stable=True)] = torch.cat([labels[:0], *of_each])
    return found


def folds(labels: Tensor, k: int, seed: int) -> Tensor:
    """Which of k folds each item is in `[n]`; every fold holds its share of each class, and so of what has none.

    Of several classes an item, each counts for its rarest one; one class after the other is dealt out, so that no fold has more
    than one item more of it than another.
    """
    if labels.ndim == 1:
        return ranks(labels, seed) % k
    n = len(labels)
    mixed = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    found = torch.empty(n, dtype=torch.long)
    found[mixed[rarest(labels)[mixed].argsort(stable=True)]] = torch.arange(n) % k
    return found


def rarest(labels: Tensor) -> Tensor:
    """Of each item the rarest of its classes, C for one of none `[n]`; `labels` are `[n, C]` of zeros and ones."""
    often = torch.cat([labels.sum(0), labels.new_tensor([float(len(labels))])])
    has = torch.cat([labels > 0, torch.ones(len(labels), 1, dtype=torch.bool)], 1)
    return torch.where(has, often, torch.inf).argmin(1)


def splits(labels: Tensor, k: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(learnt from, held out) as masks `[n]`, for each of k folds; every fold holds its share of each class."""
    fold = folds(labels, k, seed)
    for number in range(k):
        yield fold != number, fold == number
