"""The audit of one project's data: labels that look wrong, items that are there twice; and what was decided of each.

What it found is kept in the project; a decision is a label event like any other. Imports torch only to look.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio.core.errors import BadInput, NotFound, StudioError
from studio.core.interfaces import Modality, Progress, Task
from studio.core.results.audit import Audit, Doubt, Twins
from studio.core.types import Item, ItemFilter, LabelEvent, classes_in, set_of
from studio.data import labels
from studio.data.kept import kept
from studio.data.project import Project
from studio.modalities import discover_modalities, modalities_named
from studio.workspace.decisions import Decision, Decisions
from studio.workspace.question import Questions

if TYPE_CHECKING:
    from torch import Tensor

FOUND = "audit"
"""Of the store's meta values."""
MOST = 20_000
"""Items that are held against one another."""
LOOKED_AT = (
    ItemFilter("test", labelled=True),
    ItemFilter("val", labelled=True),
    ItemFilter("train", labelled=True),
    ItemFilter(labelled=False, skipped=False),  # what was dropped has no label and is skipped
)
"""What is looked at first where there are more items than MOST."""
ACTS = ("keep", "change", "drop")
MOST_KEPT = 500
"""Findings of a kind."""
THUMBNAIL = 96
CHUNK = 256
NO_MODEL = "Choose a model and check again: it says which labels look wrong."
TOO_FEW = "Label more: a label can be doubted once others of its class were learnt without it."


@dataclass(frozen=True, slots=True)
class _Found:
    """As it is kept in the project."""

    doubts: list[tuple[int, str, str, float]]
    """(item, its label, the suggested one, probability)."""
    twins: list[tuple[int, int, float]]
    """(item, the one to do without, likeness)."""
    why_no_doubts: str
    looked_at: int
    at: float


class Auditing:
    """Looks, keeps what it found, and carries out what is decided."""

    def __init__(self, project: Project, task: Task, questions: Questions) -> None:
        self._project, self._store, self._task, self._questions = project, project.store, task, questions
        self._decisions = Decisions(project.store)

    def audit(self, model: str | None = None, progress: Progress | None = None) -> Audit:
        """Look at everything anew. Labels need a model that says which class an item looks like."""
        twins, looked_at = self._twins(progress)
        before = self._found()
        try:
            doubts, why = self._doubts(model, progress)
        except StudioError as error:  # what was found so far counts all the same
            doubts, why = [], f"{error.message} {error.hint}"
        if model is None and before:  # nobody has looked at the labels: what was doubted of them stays
            doubts, why = before.doubts, before.why_no_doubts
        found = _Found(doubts, twins, why, looked_at, time.time())
        self._store.set_meta(FOUND, asdict(found))
        return self._shown(found)

    def last(self) -> Audit | None:
        """What is left of the newest audit: without what was settled, relabelled or dropped since. None before the first."""
        found = self._found()
        return self._shown(found) if found else None

    def leaks(self, learnt: Collection[int], judged: Collection[int]) -> int:
        """How many of the items `judged` are nearly the same as one of those `learnt` from, by the newest audit; without pairs
        that a person kept. To drop one does not undo that a run has learnt from it."""
        found, stays = self._found(), self._kept()
        pairs = [(a, b) for a, b, _ in found.twins if f"twins/{a}/{b}" not in stays] if found else []
        return len({j for a, b in pairs for j, other in ((a, b), (b, a)) if j in judged and other in learnt})

    def settle(self, key: str, act: str, author: str = "me", saw: labels.Saw = ...) -> None:
        """`keep` what the audit found as it is, `change` a label to the one suggested, or `drop` an item: it loses its label and
        is skipped. `saw` is the label that the person was shown of the item that changes. Raises NotFound for a finding that is
        no longer there, Overtaken where the item has another label by now, BadInput for another act."""
        doubt, twins = self._finding(key)
        item = doubt.item if doubt is not None else twins.second  # type: ignore[union-attr]
        if act not in ACTS or (act == "change" and doubt is None):
            raise BadInput(f"{act!r} is nothing to do with this.", "Keep it, drop it, or change a label.")
        seen = item.label if saw is ... else saw

        def carry_out(connection: sqlite3.Connection) -> LabelEvent | None:
            if act == "keep":
                return None
            labels.refuse_overtaken(connection, item.id, seen)
            if act == "change" and doubt is not None:
                return labels.label(connection, item.id, doubt.suggested, author)
            return labels.drop(connection, item.id, author)

        self._decisions.take(Decision(key, act, item.id, author), carry_out)

    def undo(self, author: str = "me") -> Decision | None:
        """Take back that author's newest decision; None where there is none. What somebody has since made of the item stays."""
        return self._decisions.undo(author)

    def redo(self, author: str = "me") -> Decision | None:
        """Do again what that author took back last, until they decide something new; None where there is nothing."""
        return self._decisions.redo(author)

    def _finding(self, key: str) -> tuple[Doubt | None, Twins | None]:
        found = self.last()
        doubt = next((d for d in found.doubts if d.key == key), None) if found else None
        twins = next((t for t in found.twins if t.key == key), None) if found else None
        if doubt is None and twins is None:
            raise NotFound("This is settled already, or no longer so.", "Reload the page.")
        return doubt, twins

    def _found(self) -> _Found | None:
        return kept(self._store, FOUND, _Found)

    def _kept(self) -> set[str]:
        return {decision.key for decision in self._decisions.standing() if decision.act == "keep"}

    def _shown(self, found: _Found) -> Audit:
        settled = self._kept()
        items = self._store.standing({i for i, *_ in found.doubts} | {i for a, b, _ in found.twins for i in (a, b)})
        known = {c.name for c in self._store.classes()}
        doubts = [
            Doubt(key, items[i], suggested, p)
            for i, given, suggested, p in found.doubts
            if (key := f"label/{i}/{given}/{suggested}") not in settled
            and i in items
            and items[i].label == given
            and known.issuperset(classes_in(suggested) if self._task.several else (suggested,))
        ]
        twins = [
            Twins(key, items[a], items[b], likeness)
            for a, b, likeness in found.twins
            if (key := f"twins/{a}/{b}") not in settled and a in items and b in items
        ]
        return Audit(tuple(doubts), tuple(twins), found.why_no_doubts, len(self._decisions.standing()), found.looked_at, found.at)

    # labels that look wrong

    def _doubts(self, model: str | None, progress: Progress | None) -> tuple[list[tuple[int, str, str, float]], str]:
        """[(item, its label, the suggested one, probability)], or why there are none."""
        if not self._task.classifies or self._task.fixed_classes:
            return [], "Items of this project have no classes to be wrong about."
        if model is None:
            return [], NO_MODEL
        from studio.evaluation.audit import doubted, doubted_sets
        from studio.workspace.methods import Method

        with self._questions.in_use(model):
            climbed = self._questions.methods.climbed(self._questions.of_labels(model), progress)
        if isinstance(climbed, Method):
            return [], climbed.why_not or TOO_FEW
        if climbed.held is None:
            return [], TOO_FEW
        p, given, classes = climbed.held.probabilities, climbed.held.labels, climbed.support.classes
        if self._task.several:
            found = [(row, set_of(_toggled(climbed.items[row], classes, at)), p) for row, at, p in doubted_sets(p, given)]
        else:
            found = [(row, classes[other], p) for row, other, p in doubted(p.log().float(), given)]
        return [(climbed.items[row].id, str(climbed.items[row].label), other, p) for row, other, p in found[:MOST_KEPT]], ""

    # items that are there twice

    def _twins(self, progress: Progress | None) -> tuple[list[tuple[int, int, float]], int]:
        """([(item, the one to do without, likeness)], leaks first; items looked at). Of pairs, whose items share pictures by
        nature, none."""
        import torch

        from studio.evaluation.audit import near_duplicates

        if len(self._task.modalities) > 1:
            return [], 0
        modality = modalities_named(self._task.modalities)[self._task.modalities[0]]
        if modality.same_from > 1:
            return [], 0
        items: list[Item] = []
        for filter in LOOKED_AT:
            items += self._store.items(filter, limit=MOST - len(items), mixed=True) if len(items) < MOST else []
        look = partial(self._print, modality)
        wholes: list[NDArray[np.float32]] = []
        read: list[Item] = []
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(items), CHUNK):
                chunk = items[start : start + CHUNK]
                seen = [(item, rows[0]) for item, rows in zip(chunk, pool.map(look, chunk), strict=True) if rows is not None]
                read += [item for item, _ in seen]
                wholes += [whole for _, whole in seen]
                if progress:
                    progress(min(start + CHUNK, len(items)), len(items), "Looking for items that are there twice")
        if len(read) < 2:
            return [], len(read)

        def rows_of(row: int) -> Tensor:
            rows = look(read[row])
            return torch.from_numpy(wholes[row][None] if rows is None else rows)

        found = near_duplicates(torch.from_numpy(np.stack(wholes)), rows_of, modality.same_from)
        found.sort(key=lambda pair: (read[pair[0]].split == "train") == (read[pair[1]].split == "train"))  # leaks first
        return [(*_first_and_spare(read[a], read[b]), likeness) for a, b, likeness in found[:MOST_KEPT]], len(read)

    def _print(self, modality: Modality, item: Item) -> NDArray[np.float32] | None:
        """None where the item cannot be read: import and grid say why."""
        source = item.key(modality.name)
        try:
            if modality.inline:
                return modality.fingerprint(modality.read(source, item.name))
            small = self._project.media.thumbnail(source, THUMBNAIL, discover_modalities().get(modality.name).thumbnail)
            return modality.fingerprint(modality.read(small, item.name))
        except StudioError:
            return None


def _toggled(item: Item, classes: Sequence[str], at: int) -> list[str]:
    """The item's classes with that one taken away, or with it too."""
    return [name for k, name in enumerate(classes) if (name in item.labels) != (k == at)]


def _first_and_spare(a: Item, b: Item) -> tuple[int, int]:
    """Ids, the one to do without last: of a training and a held-out item the training one, else the later."""
    first, spare = (a, b) if a.id < b.id else (b, a)
    if first.split == "train" and spare.split != "train":
        first, spare = spare, first
    return first.id, spare.id
