"""Data and labels of one open project: import, browse, label, undo, classes, prompts, pictures.

Wires the project's data to the modalities of its task; decides nothing about content or SQL itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict
from types import EllipsisType, MappingProxyType
from typing import Any

from studio.core.errors import BadInput, CannotRun, Overtaken, UnreadableItem
from studio.core.interfaces import Progress, Task
from studio.core.results.projects import Counts, GivenLabels, ImportReport, ItemPage
from studio.core.types import NONE_OF_THESE, ClassInfo, ImportOptions, Item, ItemFilter, LabelEvent, classes_in
from studio.data import truth
from studio.data.importers import ImportRequest, importer_for
from studio.data.importers.hub import HubImporter
from studio.data.ingest import Rules, ingest
from studio.data.kept import kept
from studio.data.labels import Saw
from studio.data.project import Project
from studio.data.sets import Said
from studio.modalities import discover_modalities, modalities_named
from studio.settings import reaches_hub
from studio.workspace.prompts import checked_templates, templates_of

Read = Callable[[bytes | str, str], Any]
"""`read(source, name)` of a modality."""


def readers_of(task: Task) -> dict[str, Read]:
    """How each part of the task's items is read: {modality: read(source, name)}."""
    return {name: modality.read for name, modality in modalities_named(task.modalities).items()}


def modality_names() -> tuple[str, ...]:
    """Every kind of content there is: what `ImportOptions.columns` may name."""
    return discover_modalities().names()


def why_not_learn(task: Task, items: Sequence[Item], counts: Counts) -> str | None:
    """Why nothing can be learnt from these training items; None where something can.

    Who has labels, but in other splits alone, is told so.
    """
    why = task.why_not(items)
    if why and counts.labelled and not counts.labelled_by_split["train"] and task.classifies:
        return f"None of the {counts.labelled:,} labels is in the training split. {CannotRun.saying(why).hint}"
    return why


class Labelling:
    """`offline` keeps imports off the network."""

    def __init__(self, project: Project, task: Task, offline: bool = False) -> None:
        self._project = project
        self._store = project.store
        self._task = task
        self._readers = readers_of(task)
        self._offline = offline
        self._told: dict[str, int] = {}
        """{author: the newest of their acts of which they know that others have replaced it}."""
        if task.several:
            self._store.let_several()
        for name in () if self._store.read_only else task.fixed_classes:  # one by one: they keep the task's order
            self._store.ensure_classes((name,))

    # import

    def import_data(self, source: str, options: ImportOptions, progress: Progress | None = None) -> ImportReport:
        """All of it or nothing, with a report. Raises ImportFailed, Offline, ProjectError."""
        if not 0.0 <= options.test_share <= 0.9:
            raise BadInput(f"A test share of {options.test_share:g} is outside 0 … 0.9.", "Choose one between them.")
        self._store.refuse_read_only()
        importer = importer_for(source)
        # asked only where the answer matters: without a network `datasets` retries for half a minute
        offline = self._offline or (importer.name == HubImporter.name and not reaches_hub())
        request = ImportRequest(options, modalities_named(self._task.modalities), offline, self._task.several)
        rules = Rules(self._readers, self._task.fixed_classes, self._task.several)
        rows = importer.rows(source, request)
        report = ingest(self._store, self._project.media, rules, rows, options, source, progress)
        self._store.set_meta("last_report", asdict(report))
        return report

    def columns(self, source: str) -> tuple[str, ...]:
        """Column names of a table, so that the page can offer them; empty for a folder or an archive. Raises ImportFailed."""
        return importer_for(source).columns(source)

    def last_report(self) -> ImportReport | None:
        """Of the newest import into this project, also after a restart."""
        return kept(self._store, "last_report", ImportReport)

    # browse

    def page(self, filter: ItemFilter, after: int | None = None, limit: int = 60, mixed: bool = False) -> ItemPage:
        """Up to `limit` items (1 to 1,000) after the item `after`, in order of import, or in a mixed order that stays.

        A folder is imported class by class: labelled in that order, the first labels would all be of one class.
        """
        size = max(1, min(limit, 1000))
        items = self._store.items(filter, after, size + 1, mixed)
        more = items[size - 1].id if len(items) > size else None
        total = len(items) if after is None and more is None else self._store.count(filter)
        return ItemPage(tuple(items[:size]), more, total)

    def item(self, item_id: int) -> Item:
        """Raises NotFound."""
        return self._store.item(item_id)

    def done_among(self, ids: Sequence[int]) -> frozenset[int]:
        """Those of these items of which somebody has said what they are."""
        return self._store.done(ids)

    def counts(self) -> Counts:
        return self._store.counts()

    def of_none(self) -> int:
        """Items of which it was said that they are of none of the classes."""
        if self._task.several:
            return self._store.count(ItemFilter(label=NONE_OF_THESE))
        return self._store.counts().none

    # label

    def once(self, key: str) -> Labelling:
        """The same for one act on labels or notes: done once however often it comes under that key, also after a kill."""
        found = copy(self)
        found._store = self._store.once(key)
        return found

    def label(self, item: int, label: Said | None, author: str = "me", saw: Saw = ...) -> LabelEvent:
        """Committed to disk when it returns. Raises NotFound (item, class).

        Where an item may be of several classes, `label` is all of them: their names, none of them for an item that is of none;
        or what `set_of` makes of them, in any order. Elsewhere BadInput for several.

        `saw` is the label that the person was shown, None for none. Where somebody else has given another meanwhile, the item
        keeps theirs, what is said now is put aside, and both wait to be settled; without `saw` the label is given over theirs.
        """
        return self._store.label(item, label, author, saw)

    def none_of_these(self, item: int, author: str = "me", saw: Saw = ...) -> LabelEvent:
        """The item is of no class: it is done, and nothing learns from it; where it may be of several, that is a label like any
        other. Raises NotFound; `saw` as in `label`."""
        return self._store.none_of_these(item, author, saw)

    def note(self, item: int, text: str, author: str = "me", saw: str | EllipsisType = ...) -> LabelEvent:
        """Replace what is written beside an item, an empty text for nothing. Raises NotFound, BadInput.

        Where it is no longer what the author `saw`, what others have written stays before it.
        """
        return self._store.note(item, text.strip(), author, saw)

    def skip(self, item: int, author: str = "me") -> LabelEvent:
        """Committed to disk when it returns. Raises NotFound."""
        return self._store.skip(item, author)

    def caption(self, item: int, text: str, author: str = "me", saw: str | EllipsisType = ...) -> LabelEvent:
        """Replace an item's text. Raises NotFound, Overtaken where it is no longer what the author `saw`, and BadInput for an
        empty text or one that another item has."""
        if "text" not in self._readers:
            raise BadInput("Items of this project have no text.", "Captions belong to texts and image–text pairs.")
        try:
            clean = str(self._readers["text"](text, "caption"))
        except UnreadableItem as error:
            raise BadInput(f"The caption {error.reason}.", "Write what the item shows.") from error
        return self._store.caption(item, clean, author, saw)

    def label_each(
        self, given: Mapping[int, Said | None], author: str = "me", saw: Mapping[int, str | None] = MappingProxyType({})
    ) -> tuple[LabelEvent, ...]:
        """{item: label}, in one act, which `undo` takes back as one. Where an item may be of several classes, it is given beside
        those that it has. {item: label} in `saw` is what the person was shown, as in `label`. Raises NotFound, and then none is
        given."""
        return self._store.label_each(given.items(), author, saw)

    def label_matching(self, filter: ItemFilter, label: str | None, author: str = "me") -> tuple[LabelEvent, ...]:
        """That label for everything that matches, in one act, as `label_each` gives it. Raises NotFound for a class that there is
        not."""
        found, after = [], 0
        while page := self._store.items(filter, after, 5_000):
            found += [item.id for item in page]
            after = found[-1]
        return self.label_each(dict.fromkeys(found, label), author)

    def undo(self, author: str = "me") -> tuple[LabelEvent, ...]:
        """Take back that author's newest act that is not yet undone: one event an item, none where there is no such act.

        What `label_for_me` gave counts as theirs who asked for it last. Raises Overtaken, once, where others have since said
        something else of what the author did last: what they did before that is taken back only if they ask again.
        """
        others = self._given_for(author)
        gone = self._store.replaced(author, *others)
        if gone is not None and gone[0] > self._told.get(author, 0):
            self._told[author] = gone[0]
            said = f"Somebody else has since said something of {self._store.item(gone[1]).name}: nothing was taken back."
            raise Overtaken(gone[1], said, "Undo once more to take back what you did before that.")
        return self._store.undo(author, *others)

    def redo(self, author: str = "me") -> tuple[LabelEvent, ...]:
        """Do again what that author took back last; nothing once they have done something new."""
        return self._store.redo(author, *self._given_for(author))

    def _given_for(self, author: str) -> tuple[str, ...]:
        return (truth.AUTHOR,) if self._store.meta(truth.ASKED, author) == author else ()

    def history(self, item: int) -> tuple[LabelEvent, ...]:
        """Every event of an item, oldest first. Raises NotFound."""
        self._store.item(item)
        return self._store.history(item)

    # what the project knows by itself

    def knows_truth(self) -> bool:
        """Whether `label_for_me` has labels to give, or had: in copies of samples."""
        return self._store.meta(truth.KEY) is not None

    def label_for_me(self, per_class: int = 8, seed: int = 0, author: str = "me") -> GivenLabels:
        """Label so many more items of each class with their hidden truth, in one act, which `undo` of the author who asked
        takes back; same seed, same items.

        Raises CannotRun in a project without hidden truth, or with none left; BadInput for a number below 1.
        """
        if per_class < 1:
            raise BadInput(f"{per_class} labels per class are none.", "Ask for at least 1.")
        if not self.knows_truth():
            raise CannotRun(
                "This project does not know its items' labels, so it cannot label for you.",
                "Label by hand, or import a source with labels; only copies of samples know them.",
            )
        events = self._store.write(lambda connection: truth.give(connection, per_class, seed, author))
        if not events:
            raise CannotRun("Every item whose label is known has one already, or was skipped.", "Go on to Train.")
        given = [str(event.after) for event in events]
        names = (name for label in given for name in (classes_in(label) if self._task.several else ()) or (label,))
        return GivenLabels(len(events), dict(Counter(names)), truth.AUTHOR)

    # classes and prompts

    def classes(self) -> tuple[ClassInfo, ...]:
        return self._store.classes()

    def add_class(self, name: str) -> ClassInfo:
        """Raises BadInput for an empty name or one that exists."""
        self._refuse_fixed()
        return self._store.add_class(name)

    def set_guideline(self, name: str, guideline: str, saw: str | EllipsisType = ...) -> None:
        """What belongs to a class, shown to people who label; an empty text for nothing; `saw` as in `note`. Raises NotFound,
        BadInput."""
        self._store.set_guideline(name, guideline, saw)

    def set_phrase(self, name: str, phrase: str) -> None:
        """How zero-shot prompts say this class. Raises NotFound, BadInput."""
        self._store.set_phrase(name, phrase)

    def templates(self) -> tuple[str, ...]:
        """Prompt templates of the project with `{}` for the class."""
        return templates_of(self._project, self._task)

    def set_templates(self, templates: Sequence[str]) -> None:
        """Raises BadInput where there is none, or one has not exactly one `{}`."""
        self._store.set_meta("templates", list(checked_templates(templates)))

    # pictures

    def picture(self, sha: str, size: int) -> bytes:
        """JPEG, at most `size` pixels a side (one of 96, 240, 768), made once. Raises NotFound, BadInput."""
        return self._project.media.thumbnail(sha, size, discover_modalities().get("image").thumbnail)

    def _refuse_fixed(self) -> None:
        if self._task.fixed_classes:
            raise BadInput("The classes of this task are fixed.", f"They are: {', '.join(self._task.fixed_classes)}.")
