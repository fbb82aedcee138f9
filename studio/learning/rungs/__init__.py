"""The ladder on cached features: one file a rung, registered here; each starts from the text classifier.

A rung chooses its own hyper-parameters inside `fit`, from its support set alone, so that refitting it on each fold is an
honest estimate of the whole procedure.
"""

from __future__ import annotations

from typing import Protocol

import torch

from studio.core.registry import Registry, discover
from studio.learning.classifier import Classifier, Unlearnt
from studio.learning.support import Support


class Rung(Protocol):
    """One way to learn from a support set. `learn` asks it."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def order(self) -> int:
        """Place on the ladder: what is simpler comes first, and wins where the evidence does not decide. A linear head is
        simpler than a rung that carries every support item with it."""
        ...

    @property
    def head_start(self) -> float:
        """Nats a label by which it was expected to beat zero-shot before any label of this set was seen; see `gate`."""
        ...

    def why_not(self, support: Support) -> str | None:
        """None where it can learn from this support set, else the reason in a sentence.

        Also asked before a run is queued, with features that have no columns yet: see `Support.of_labels`.
        """
        ...

    def fit(self, support: Support) -> Classifier:
        """Learn, from labels of every class. Deterministic: the same support set gives the same classifier."""
        ...


MOST_KEPT = 4000
"""Labels above which a rung that keeps every one of them is not offered: memory and time grow with their square and cube."""
TOO_MANY = f"It keeps every label and compares each answer with all of them. Above {MOST_KEPT:,} labels, use the linear head."

ONE_CLASS = "It answers with one class, and here an item may be of several."

RUNGS: Registry[Rung] = Registry("rung")


def learn(one: Rung, support: Support) -> Classifier:
    """What a rung learns, also while classes have no label: it learns among the others, beside zero-shot's answer for these."""
    labelled = support.labelled
    if bool(labelled.all()):
        return one.fit(support)
    unlearnt = Unlearnt(support.scale * support.text, labelled)
    if int(labelled.sum()) < (1 if support.several else 2):  # of one class there is nothing to tell apart
        zeros = torch.zeros(len(support.classes))
        return Classifier(one.name, support.classes, unlearnt.prior, zeros, several=support.several, odds=support.several)
    return one.fit(support.among(labelled)).beside(support.classes, unlearnt)


def rung(name: str) -> Rung:
    """The registered rung. Raises NotFound with the names there are."""
    discover(__name__)
    return RUNGS.get(name)


def all_rungs() -> tuple[Rung, ...]:
    """Every rung, in the ladder's order."""
    discover(__name__)
    return tuple(sorted(RUNGS, key=lambda rung: rung.order))
