"""Which items to label next, one by one or many at once. Where a model chooses, it chooses among training items alone; what
judges comes at random.

Refuses to label. Imports torch only where a model chooses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Literal

from studio.core.errors import BadInput, CannotRun, NotFound
from studio.core.interfaces import FoundationModel, Progress, Task
from studio.core.results.answers import Group, Hit
from studio.core.threads import apart
from studio.core.types import Item, ItemFilter, Prediction, Split
from studio.data.project import Project
from studio.workspace.question import HELD_OUT, Question, Questions
from studio.workspace.shelf import ModelShelf

if TYPE_CHECKING:
    from torch import Tensor

    from studio.workspace.methods import Method

Order = Literal["pick", "unsure", "mixed", "imported"]
ORDERS: Mapping[Order, str] = {
    "pick": "Studio's pick",
    "unsure": "Least certain first",
    "mixed": "Random order",
    "imported": "As imported",
}
CHOSEN_BY_MODEL: Collection[Order] = ("pick", "unsure")
MOST = 20_000
"""Items that a model reads to choose among them, and labels that it keeps away from: of more, that many drawn at random."""
ON_THE_WAY = 64
"""Unread items that are not worth a reading of their own."""
KEPT = "order"
"""Of the store's meta values: the project's order."""


class Picking:
    """The order of one project's queue."""

    def __init__(self, project: Project, task: Task, questions: Questions, shelf: ModelShelf) -> None:
        self._store, self._task, self._questions, self._shelf = project.store, task, questions, shelf

    def orders(self) -> Mapping[Order, str]:
        """What there is to choose from, with its title; pairs have no classes to be unsure of."""
        return {name: title for name, title in ORDERS.items() if self._task.classifies or name not in CHOSEN_BY_MODEL}

    def order(self) -> Order:
        """The project's; before a choice the first there is."""
        kept = self._store.meta(KEPT)
        return next((name for name in self.orders() if name == kept), next(iter(self.orders())))

    def set_order(self, name: str) -> Order:
        """Raises BadInput for one that there is not."""
        for known in self.orders():
            if known == name:
                self._store.set_meta(KEPT, name)
                return known
        raise BadInput(f"There is no order {name!r}.", f"Known: {', '.join(self.orders())}.")

    def ready(self, model: str) -> bool:
        """Whether that model is loaded and has read everything that it would choose among."""
        if all(info.id != model for info in self._shelf.loaded()):
            return False
        with self._questions.in_use(model):
            items = [*self._labelled(), *self._left()]
            unread = self._questions.unread(self._shelf.get(model), self._modality, items)
        # of a large pool each label lets another item in: those few are read on the way
        return not unread or (unread <= ON_THE_WAY and unread < len(items))

    @apart
    def read(self, model: str, progress: Progress | None = None) -> None:
        """Load that model and let it read what it would choose among. What it has read stays, also where this is cut off."""
        with self._questions.in_use(model):
            self._features(self._shelf.get(model), [*self._labelled(), *self._left()], progress)

    @apart
    def pick(self, model: str, order: Order, n: int, queued: Sequence[int] = ()) -> tuple[Item, ...]:
        """Up to `n` items to label after those `queued`, which count as labelled.

        Training items by the model's choice; between them held-out items at random, in their share of what is left: were they
        chosen too, accuracy would be judged on the hardest ones. Raises BadInput for an order that no model chooses.
        """
        if order not in CHOSEN_BY_MODEL:
            raise BadInput(f"{order!r} is no order that a model chooses.", f"Those are: {', '.join(CHOSEN_BY_MODEL)}.")
        known = set(queued)
        with self._questions.in_use(model):
            chosen = self._chosen(self._questions.of_labels(model), order, n, known)
        counts = self._store.counts()
        left = {split: counts.by_split[split] - counts.labelled_by_split[split] for split in counts.by_split}
        share = 1 - left["train"] / max(1, sum(left.values()))
        held = (item for split in HELD_OUT for item in self._waiting(split, n + len(known)) if item.id not in known)
        return tuple(_woven(iter(chosen), held, share, counts.labelled + len(known)))[:n]

    @apart
    def suggested(self, model: str, label: str, least: float, n: int, skip: int = 0) -> tuple[tuple[Hit, ...], int]:
        """Unlabelled training items that the model takes for `label` with at least that probability, most probable first: `n` of
        them after `skip`, and how many there are. What few-shot says, before it can learn zero-shot. Where an item may be of
        several classes, also labelled ones that have not got this one: else who goes class by class would never see them again.

        Raises NotFound for a class that there is not, CannotRun where nothing can answer.
        """
        classes = [c.name for c in self._store.classes()]
        if label not in classes:
            raise NotFound(f"There is no class {label!r}.", "Reload the page.")
        left = self._left()
        if self._task.several:
            left += [item for item in self._labelled() if label not in item.labels]
        with self._questions.in_use(model):
            question = self._questions.of_labels(model)
            x, raw = self._features(question.model, left, None)
            method = self._answering(question)
        if method is None or method.predictor is None:
            raise CannotRun("No method can answer yet.", "Add classes first.")
        said = method.predictor.predict(x, raw)
        taken = [(item, p.probabilities[p.classes.index(label)], p) for item, p in zip(left, said, strict=True)]
        return _best(
            [(item, p) for item, p, of in taken if p >= least and (p > 0.5 if of.several else of.label == label)], n, skip
        )

    @apart
    def alike(self, model: str, text: str, n: int, skip: int = 0) -> tuple[tuple[Hit, ...], int]:
        """Unlabelled training items by their cosine similarity to a text, nearest first: `n` of them after `skip`, and how many
        there are. Raises BadInput where the model reads no texts."""
        left = self._left()
        with self._questions.in_use(model):
            loaded = self._shelf.get(model)
            if "text" not in loaded.info.modalities:
                raise BadInput("This model reads no texts.", "Choose one that reads both, such as a CLIP.")
            x, _ = self._features(loaded, left, None)
            near = (x @ loaded.embed("text", [text])[0]).tolist()
        return _best(list(zip(left, near, strict=True)), n, skip)

    @apart
    def groups(self, model: str, n: int, largest: int = 24) -> tuple[Group, ...]:
        """Unlabelled training items that look alike, up to `n` groups of at most `largest`: those first that the model is surest
        of and most at one about. Where an item may be of several classes, what a group is taken for is a set of them."""
        import torch

        from studio.learning.groups import rows

        left = self._left()
        if not left:
            return ()
        with self._questions.in_use(model):
            question = self._questions.of_labels(model)
            x, raw = self._features(question.model, left, None)
            method = self._answering(question)
        said = [] if method is None or method.predictor is None else method.predictor.predict(x, raw)
        classes, found = _classes_of(said), []
        for row in rows(x, _probabilities_of(said, classes) if said else torch.ones(len(x), 1), largest)[:n]:
            items = tuple(left[k] for k in row.members.tolist())
            others = frozenset(item.id for item, ours in zip(items, row.agree.tolist(), strict=True) if not ours)
            found.append(Group(items, classes[row.label] if classes else None, row.probability, others))
        return tuple(found)

    def _chosen(self, question: Question, order: Order, n: int, queued: Collection[int]) -> list[Item]:
        import torch

        from studio.learning.selection import herd, least_certain

        left = self._left()
        items = [*self._labelled(), *left]
        if not left:
            return []
        x, raw = self._features(question.model, items, None)
        known = torch.tensor([k < len(items) - len(left) or item.id in queued for k, item in enumerate(items)])
        probabilities = self._probabilities(question, x, raw)
        if self._task.several:  # of each item the class that it is least sure of decides
            hardest = probabilities.gather(1, (probabilities - 0.5).abs().argmin(1, keepdim=True))
            probabilities = torch.cat([hardest, 1 - hardest], 1)
        at = least_certain(known, probabilities, n) if order == "unsure" else herd(x, known, probabilities, n)
        return [items[k] for k in at.tolist()]

    def _probabilities(self, question: Question, x: Tensor, raw: Tensor | None) -> Tensor:
        """`[n, C]` of few-shot, before it can learn of zero-shot, before there are classes of nobody: all as unsure."""
        import torch

        method = self._answering(question)
        if method is None or method.predictor is None:
            return torch.ones(len(x), 1)
        return torch.tensor([said.probabilities for said in method.predictor.predict(x, raw)])

    def _answering(self, question: Question) -> Method | None:
        """Few-shot, of its rungs the quickest to learn, before it can learn zero-shot, before there are classes none."""
        methods = self._questions.methods
        both = (methods.few_shot(question, most=0), methods.zero_shot(question))
        return next((method for method in both if method.predictor is not None), None)

    def _features(self, model: FoundationModel, items: Sequence[Item], progress: Progress | None) -> tuple[Tensor, Tensor | None]:
        x, raw, _ = self._questions.features(model, self._modality, items, progress)
        return x, raw

    @property
    def _modality(self) -> str:
        return self._task.modalities[0]

    def _labelled(self) -> list[Item]:
        return self._store.items(ItemFilter("train", labelled=True), limit=MOST, mixed=True)

    def _left(self) -> list[Item]:
        return self._waiting("train", MOST)

    def _waiting(self, split: Split, most: int) -> list[Item]:
        return self._store.items(ItemFilter(split, labelled=False, skipped=False), limit=most, mixed=True)


def _classes_of(said: Sequence[Prediction]) -> tuple[str, ...]:
    """What predictions choose from: the classes, or where there may be several, the sets that are said at all."""
    if not said or not said[0].several:
        return said[0].classes if said else ()
    return tuple(dict.fromkeys(p.label for p in said))


def _probabilities_of(said: Sequence[Prediction], classes: Sequence[str]) -> Tensor:
    """`[n, len(classes)]`; of sets, each its own confidence."""
    import torch

    if not said[0].several:
        return torch.tensor([p.probabilities for p in said])
    place = {name: k for k, name in enumerate(classes)}
    found = torch.zeros(len(said), len(classes))
    for row, p in zip(found, said, strict=True):
        row[place[p.label]] = p.confidence
    return found


def _best(scored: Sequence[tuple[Item, float]], n: int, skip: int) -> tuple[tuple[Hit, ...], int]:
    ranked = sorted(scored, key=lambda pair: (-pair[1], pair[0].id))
    return tuple(Hit(item, score) for item, score in ranked[skip : skip + n]), len(ranked)


def _woven(chosen: Iterator[Item], held: Iterator[Item], share: float, place: int) -> Iterator[Item]:
    """Both in their order, `share` of them from `held`, counted from the queue's `place` on; then what is left of either."""
    for k in count(place):
        first, second = (held, chosen) if int((k + 1) * share) > int(k * share) else (chosen, held)
        item = next(first, None) or next(second, None)
        if item is None:
            return
        yield item
