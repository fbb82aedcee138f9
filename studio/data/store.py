"""A project's database: items, classes, labels, counts. Readers have a connection per thread; writing goes through one writer.

Every method that changes something returns after the change is on disk. Refuses SQL from outside and whole-table scans for
what a page shows (search excepted).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from copy import copy
from functools import partial
from pathlib import Path
from types import EllipsisType, MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

from studio.core.errors import NotFound, ProjectError
from studio.core.results.people import Annotator, Dispute, Opinion
from studio.core.results.projects import Counts
from studio.core.types import ClassInfo, Item, ItemFilter, LabelEvent, Split
from studio.data import classes, counting, labels, opinions, query, sets, undo
from studio.data.once import Act, once
from studio.data.outgoing import Outgoing, outgoing
from studio.data.query import COLUMNS, OF_NONE, item_of
from studio.data.readers import Readers
from studio.data.sets import Said
from studio.data.writer import Writer

T = TypeVar("T")


class Store:
    """`Store(path)` creates or opens; a newer schema is only read. Raises ProjectError for a folder that cannot be written."""

    def __init__(self, path: Path) -> None:
        self._writer = Writer(path)
        self._uri = f"file:{quote(str(path.resolve()))}?mode=ro"
        self._readers = Readers(self._uri)
        self._key: str | None = None

    def close(self) -> None:
        """Commit what waits and close every connection."""
        self._readers.close()
        self._writer.close()

    def back_up(self, target: Path) -> None:
        """A copy of the database as it stands at one moment; nobody waits for it. Raises ProjectError."""
        try:
            with closing(sqlite3.connect(self._uri, uri=True)) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)  # in one step, so that it is one moment's
        except sqlite3.Error as error:
            raise ProjectError(f"The project's database cannot be copied ({error}).", "Check the disk.") from error

    def write(self, act: Callable[[sqlite3.Connection], T], bulk: bool = False) -> T:
        """Run `act` in the writer's thread and wait until it is on disk; a `bulk` act lets all others go first."""
        return self._writer.submit(act, bulk).result()

    @property
    def read_only(self) -> str | None:
        """Why nothing can be written here; None where it can."""
        return self._writer.read_only

    def refuse_read_only(self) -> None:
        """Before what writes more than the database. Raises ProjectError."""
        self._writer.refuse_read_only()

    def alone(self) -> bool:
        """Whether for a while nobody has written anything here but `bulk` acts."""
        return self._writer.alone

    def submit(self, act: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """`write` without waiting."""
        return self._writer.submit(act)

    def once(self, key: str) -> Store:
        """This store for one act, which is done once however often it comes under that key, also after a kill.

        For `label`, `none_of_these`, `skip`, `caption`, `note`, `undo` and `redo`.
        """
        found = copy(self)
        found._key = key
        return found

    def _one(self, act: Callable[[sqlite3.Connection], LabelEvent]) -> LabelEvent:
        return self._act(lambda connection: [act(connection)])[0]

    def _act(self, act: Act) -> list[LabelEvent]:
        return self.write(act if self._key is None else once(self._key, act))

    # items

    def items(self, filter: ItemFilter, after: int | None = None, limit: int = 60, mixed: bool = False) -> list[Item]:
        """Up to `limit` items that come after the item `after`, in order of import, or mixed by the hash of their content."""
        return [item_of(row) for row in self._read(*query.page(filter, mixed, after or 0, limit))]

    def item(self, item_id: int) -> Item:
        """Raises NotFound."""
        for row in self._read(f"{COLUMNS} WHERE i.id = ?", item_id):
            return item_of(row)
        raise NotFound(f"There is no item {item_id}.", "It may belong to another project.")

    def standing(self, ids: Iterable[int]) -> dict[int, Item]:
        """Those of these items that there are and that were not dropped (no label, and skipped), by id."""
        condition = "i.id IN (SELECT value FROM json_each(?)) AND NOT (i.class IS NULL AND i.skipped)"
        rows = self._read(f"{COLUMNS} WHERE {condition}", json.dumps(sorted(ids)))
        return {row[0]: item_of(row) for row in rows}

    def all_items(self, split: Split | None = None, labelled: bool | None = None) -> Iterator[Item]:
        """Every item of a split, in order of import, as they are read."""
        filter, after = ItemFilter(split=split, labelled=labelled), 0
        while found := self.items(filter, after, 5000):
            yield from found
            after = found[-1].id

    def outgoing(self, after: int, limit: int) -> list[Outgoing]:
        """Up to `limit` items after the item `after`, as an export needs them."""
        return outgoing(self._read, after, limit)

    def count(self, filter: ItemFilter) -> int:
        """Items that match; from the counters unless texts are searched."""
        return counting.count(self._read, filter)

    def counts(self) -> Counts:
        """From kept counters: the same time for ten items as for a million. Skipped are those without a label."""
        return counting.counts(self._read)

    # labels

    def label(self, item: int, label: Said | None, author: str, saw: labels.Saw = ...) -> LabelEvent:
        """Raises NotFound for an item or class that is not there (None takes the label away)."""
        return self._one(lambda connection: labels.label(connection, item, label, author, saw))

    def none_of_these(self, item: int, author: str, saw: labels.Saw = ...) -> LabelEvent:
        return self._one(lambda connection: labels.none_of_these(connection, item, author, saw))

    def skip(self, item: int, author: str) -> LabelEvent:
        return self._one(lambda connection: labels.skip(connection, item, author))

    def caption(self, item: int, text: str, author: str, saw: str | EllipsisType = ...) -> LabelEvent:
        """Raises NotFound, Overtaken, and BadInput where the item has no text or another item has that content."""
        return self._one(lambda connection: labels.caption(connection, item, text, author, saw))

    def note(self, item: int, text: str, author: str, saw: str | EllipsisType = ...) -> LabelEvent:
        """Raises NotFound, and BadInput for a long one."""
        return self._one(lambda connection: labels.note(connection, item, text, author, saw))

    def settle(self, item: int, label: Said | None, author: str) -> LabelEvent:
        """None: of none of the classes. Raises NotFound."""
        return self.write(lambda connection: labels.settle(connection, item, label, author))

    def label_each(
        self, given: Iterable[tuple[int, Said | None]], author: str, saw: Mapping[int, str | None] = MappingProxyType({})
    ) -> tuple[LabelEvent, ...]:
        """Labels for many items, in one act, beside what they have where they may be of several classes. Raises NotFound, and
        then none is given.

        Of very many a transaction for each MOST of them, so that nobody's key waits for all. Cut off between two, the act is of
        those before, and taken back as one.
        """
        wanted, done = list(given), list[LabelEvent]()
        if len(wanted) > labels.MOST:
            gone = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM items) LIMIT 1"
            for (item,) in self._read(gone, json.dumps([item for item, _ in wanted])):
                raise NotFound(f"There is no item {item}.", "It may belong to another project.")
        for start in range(0, len(wanted), labels.MOST):
            part, act = wanted[start : start + labels.MOST], done[0].act if done else None
            done += self.write(partial(labels.label_each, given=part, author=author, act=act, saw=saw), bulk=start > 0)
        return tuple(done)

    def undo(self, author: str, *others: str) -> tuple[LabelEvent, ...]:
        """Take back that author's newest act that still stands; one event an item, none where there is no such act.

        Acts of `others` count as theirs; likewise below.
        """
        return self._whole_act(undo.undo, author, *others)

    def replaced(self, author: str, *others: str) -> tuple[int, int] | None:
        """(event, item) of what that author has done since the act that `undo` would take back, and others have replaced."""
        return self.write(lambda connection: undo.replaced(connection, author, *others))

    def redo(self, author: str, *others: str) -> tuple[LabelEvent, ...]:
        """Do again what that author took back last, unless they have done something new since."""
        return self._whole_act(undo.redo, author, *others)

    def _whole_act(self, begin: Callable[..., list[LabelEvent]], *authors: str) -> tuple[LabelEvent, ...]:
        done = part = self._act(lambda connection: begin(connection, *authors))
        while len(part) == labels.MOST:
            last = part[-1]
            part = self.write(lambda connection, last=last: undo.go_on(connection, last, *authors), bulk=True)  # type: ignore[misc]
            done += part
        return tuple(done)

    def history(self, item: int) -> tuple[LabelEvent, ...]:
        """Every event of an item, oldest first."""
        rows = self._read(f"{labels.EVENTS} WHERE e.item = :item ORDER BY e.id", {**labels.SAID_AS, "item": item})
        return tuple(map(labels.event_of, rows))

    def revision(self) -> int:
        """A number that grows with every act on a label or caption, and with every import that is finished: with what can be
        learnt from, so not with a note."""
        acts = "SELECT id FROM label_events WHERE aspect <> 'note' ORDER BY id DESC LIMIT 1"
        imports = "SELECT count(*) FROM imports WHERE finished IS NOT NULL"
        return int(self._read(f"SELECT max(0, coalesce(({acts}), 0)) + ({imports})")[0][0])

    # people

    def people(self) -> list[Annotator]:
        """Who has said what of items, the one who said most first."""
        return opinions.people(self._read)

    def agreements(self) -> list[tuple[str, str, str, str, int]]:
        """(one person, another, what one said, what the other said, of how many items), of independent opinions alone."""
        return opinions.agreements(self._read)

    def shared(self) -> list[tuple[tuple[tuple[str, int], ...], int]]:
        """How independent opinions of one item are spread, and of how many items so: ((class, people), …), items."""
        return opinions.shared(self._read)

    def wanting(self, author: str, people: int, share: float, after: int, limit: int) -> list[Item]:
        """Items of that share, drawn by content, that fewer than so many `people` have labelled, the author not among them."""
        return opinions.wanting(self._read, author, people, share, after, limit)

    def disputed(self, after: int = 0, limit: int = 60) -> list[Dispute]:
        """Items of which people say different things and which nobody has settled, in order of import."""
        return opinions.disputed(self._read, after, limit)

    def opinions(self, item: int) -> tuple[Opinion, ...]:
        """What people say of an item, the first first."""
        return opinions.of_items(self._read, [item]).get(item, ())

    def done(self, ids: Iterable[int]) -> frozenset[int]:
        """Those of these items that have a label or are of none of the classes."""
        condition = f"i.id IN (SELECT value FROM json_each(?)) AND (i.class IS NOT NULL OR i.skipped = {OF_NONE})"
        return frozenset(row[0] for row in self._read(f"SELECT i.id FROM items i WHERE {condition}", json.dumps(list(ids))))

    def disputes(self) -> int:
        """How many there are."""
        return int(self._read("SELECT count(*) FROM disputes")[0][0])

    # classes

    def classes(self) -> tuple[ClassInfo, ...]:
        counted, shown = counting.by_class(self._read), "parts IS NULL AND NOT hidden"
        rows = self._read(f"SELECT name, phrase, position, guideline FROM classes WHERE {shown} ORDER BY position, id")
        return tuple(ClassInfo(name, phrase, position, counted[name], words) for name, phrase, position, words in rows)

    def add_class(self, name: str) -> ClassInfo:
        """Raises BadInput for an empty name, one that is too long or one that exists."""
        return ClassInfo(*self.write(lambda connection: classes.add(connection, name)))

    def set_phrase(self, name: str, phrase: str) -> None:
        """Raises NotFound, and BadInput for an empty phrase."""
        self.write(lambda connection: classes.set_phrase(connection, name, phrase))

    def set_guideline(self, name: str, guideline: str, saw: str | EllipsisType = ...) -> None:
        """Raises NotFound, and BadInput for a long one."""
        self.write(lambda connection: classes.set_guideline(connection, name, guideline, saw))

    def ensure_classes(self, names: Iterable[str]) -> None:
        """Add those that are missing."""
        wanted = tuple(names)
        self.write(lambda connection: classes.ensure(connection, wanted))

    def let_several(self) -> None:
        """From now on an item may be of several classes. For a project that is new."""
        if not self.meta(sets.KEY) and not self.read_only:
            self.set_meta(sets.KEY, True)

    # imports

    def unfinished(self) -> bool:
        """Whether an import that is at work or was killed has rows that nobody sees, or labels that are still to be given."""
        sql = "SELECT EXISTS (SELECT 1 FROM imports WHERE finished IS NULL) OR EXISTS (SELECT 1 FROM waiting_labels)"
        return bool(self._read(sql)[0][0])

    def media_named(self, among: Iterable[str]) -> set[str]:
        """Those of some sha256s that an item names; reads every item."""
        rows = self._read(
            "SELECT DISTINCT part.value FROM items i, json_each(i.content) part"
            " WHERE part.key <> 'text' AND part.value IN (SELECT value FROM json_each(?))",
            json.dumps(sorted(among)),
        )
        return {row[0] for row in rows}

    # small things kept beside the items

    def meta(self, key: str, default: Any = None) -> Any:
        rows = self._read("SELECT value FROM meta WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else default

    def set_meta(self, key: str, value: Any) -> None:
        """`value` is anything that JSON holds."""
        row = (key, json.dumps(value))
        self.write(lambda connection: connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row).rowcount)

    def _read(self, sql: str, *values: Any) -> list[Any]:
        """Values one by one, or one mapping of named ones."""
        try:
            return self._readers.read(sql, values[0] if values and isinstance(values[0], dict) else values)
        except OverflowError as error:
            raise NotFound("That number is larger than any item's.", "It may belong to another project.") from error
        except sqlite3.ProgrammingError as error:
            raise ProjectError("The project is closed.", "Open it again.") from error
        except sqlite3.Error as error:
            raise ProjectError(f"The project's database cannot be read ({error}).", "Check the disk.") from error
