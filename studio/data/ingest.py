"""An import: rows are read whole and media stored first, then everything enters the database.

A failure before the end leaves no item, class, label or file behind. Knows no modality: whoever imports brings the functions
that read.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from studio.core.errors import BadInput, ImportFailed, UnreadableItem
from studio.core.interfaces import Progress
from studio.core.results.projects import ImportReport, Reject
from studio.core.types import NONE_OF_THESE, ImportOptions, classes_in, set_of
from studio.data.classes import class_name
from studio.data.content import canonical, key_of, media_of, plain_name, shown
from studio.data.enter import Candidate, enter
from studio.data.exported import SIDECAR, DescribedClass
from studio.data.importers import MOST_ROWS, Offered, Row, too_many_rows
from studio.data.labels import LONGEST_NOTE
from studio.data.media import Media
from studio.data.query import OF_NONE, SKIPPED
from studio.data.sets import names_in
from studio.data.splits import assign
from studio.data.store import Store
from studio.data.turn import Journal, turn

T = TypeVar("T")
Read = Callable[[bytes | str, str], Any]
"""`read(source, name)` of a modality: the payload, or UnreadableItem."""

MAX_REPORTED = 1000
MOST_CLASSES = 25_000
"""Of one source, a few more than the largest benchmarks have: more of them are numbers or texts that were taken for labels."""
LONGEST_SHOWN = 400
BEAT_S = 0.1
MOST_AHEAD = 64 * 2**20
"""Bytes of files that are read before those ahead of them are checked; a single one may have more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the project's task asks of an item."""

    readers: Mapping[str, Read]
    """{modality: read} of what each item must hold."""
    fixed_classes: tuple[str, ...] = ()
    """Where not empty: other labels are passed over, and no class is added."""
    several: bool = False
    """Whether an item may be of several classes."""


def ingest(
    store: Store,
    media: Media,
    rules: Rules,
    rows: Iterable[Offered],
    options: ImportOptions,
    source: str,
    progress: Progress | None = None,
) -> ImportReport:
    """Import `rows`. Raises what `rows` raises (ImportFailed) and ProjectError; then nothing of it is in the project."""
    started = time.monotonic()
    beat = _Beat(progress)
    candidates: list[Candidate] = []
    rejects, rejected = list[Reject](), 0
    classes: list[DescribedClass] = []
    with turn(store, media, beat) as journal:
        beat.what = "reading"
        offered = _without_classes(rows, classes, rules.several)
        for result in _in_order(offered, _Checker(media, journal, rules, options), beat):
            if not isinstance(result, Reject):
                candidates.append(result)
            elif (rejected := rejected + 1) <= MAX_REPORTED:
                rejects.append(replace(result, file=_brief(result.file), reason=_brief(result.reason)))
            if rejected + len(candidates) > MOST_ROWS:
                raise too_many_rows(source)
        _refuse_many_classes(candidates, classes, source)
        beat.what, beat.total = "saving", len(candidates)
        entered = enter(store, candidates, options.keep_labels, not rules.fixed_classes, beat.at, classes)
        journal.named.update(sha for candidate in candidates for sha in candidate.media)
    rejects += entered.conflicts
    beat.last()
    return ImportReport(
        source=source,
        added=entered.by_split.total(),
        duplicates=entered.duplicates,
        rejected=rejected + len(entered.conflicts),
        rejects=tuple(rejects[:MAX_REPORTED]),
        by_split=dict(entered.by_split),
        by_label=dict(entered.by_label),
        seconds=time.monotonic() - started,
        labelled=entered.labelled,
    )


def _refuse_many_classes(candidates: Iterable[Candidate], described: Iterable[DescribedClass], source: str) -> None:
    said = {label for candidate in candidates for label in (candidate.label, candidate.hidden) if label is not None}
    named = {name for label in said for name in classes_in(label) or (label,)} | {one.name for one in described}
    if len(named) > MOST_CLASSES:
        raise ImportFailed(
            f"{source} names {len(named):,} classes; at most {MOST_CLASSES:,} can be.", "Say which column is the label."
        )


def _brief(text: str) -> str:
    """As a report can show it: names in archives and tables may have any length."""
    text = shown(text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN // 2]} … {text[-LONGEST_SHOWN // 2 :]}"


class _Checker:
    """Reads each row's content whole and stores its media: that is where bad files are found."""

    def __init__(self, media: Media, journal: Journal, rules: Rules, options: ImportOptions) -> None:
        self._media, self._journal, self._rules, self._options = media, journal, rules, options
        self._known: set[tuple[str, str]] = set()
        self._texts: dict[str, str] = {}

    def __call__(self, row: Row) -> Candidate | Reject:
        content: dict[str, str] = {}
        for modality, read in self._rules.readers.items():
            raw = row.content.get(modality)
            if raw is None:
                return Reject(row.file, row.row, f"has no {modality}")
            try:
                content[modality] = self._checked(modality, raw, read, row.name)
            except UnreadableItem as error:
                return Reject(row.file, row.row, error.reason)
        note = row.note.encode("utf-8", "replace").decode("utf-8").strip()
        if len(note) > LONGEST_NOTE or "\0" in note:
            return Reject(row.file, row.row, f"has a note of more than {LONGEST_NOTE:,} characters, or with NULs")
        try:
            label = self._label(row.label)
        except BadInput as error:
            return Reject(row.file, row.row, error.message)
        written = canonical(content)
        written = self._texts.setdefault(written, written)  # rows that say the same take its length once
        options, files = self._options, media_of(content)
        split = options.split or row.split or assign(files[0] if files else key_of(written), options.test_share)
        none = label == NONE_OF_THESE and not self._rules.several
        label = None if none else label
        given, hidden = (None, label) if split == options.hidden_split else (label, None)
        name = plain_name(row.name) or "item"
        state = OF_NONE if none else SKIPPED if row.skipped else 0
        return Candidate(written, split, name, given, row.file, row.row, hidden, files, note, state)

    def _checked(self, modality: str, raw: bytes | str, read: Read, name: str) -> str:
        """The text itself, or the sha256 of stored media; a picture with five captions is decoded once."""
        if modality == "text":
            return str(read(raw, name))
        data = raw.encode("utf-8", "replace") if isinstance(raw, str) else raw
        sha = hashlib.sha256(data).hexdigest()
        if (modality, sha) not in self._known:
            read(data, name)
            self._media.put(data, self._journal.note)
            self._known.add((modality, sha))
        return sha

    def _label(self, label: str | None) -> str | None:
        clean = plain_name(label) if label is not None else ""
        if clean.casefold() == NONE_OF_THESE:
            return NONE_OF_THESE
        if self._rules.fixed_classes:
            return clean if clean in self._rules.fixed_classes else None
        if self._rules.several:
            names = names_in(clean)
            return set_of(class_name(name) for name in names) if names else None
        return class_name(clean) if clean else None


def _without_classes(rows: Iterable[Offered], classes: list[DescribedClass], several: bool) -> Iterator[Row | Reject]:
    """The rows; the classes that the source describes are put into `classes`, what cannot be one is a reject."""
    for offered in rows:
        if isinstance(offered, DescribedClass):
            try:
                classes.append(replace(offered, name=class_name(offered.name, several)))
            except BadInput as error:
                yield Reject(SIDECAR, None, error.message)
        else:
            yield offered
            del offered  # before the next is read: one may have 200 MB


class _Beat:
    """Progress at most and at least every tenth of a second, from the thread that imports."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._next = 0.0
        self.done, self.total, self.what = 0, 0, "waiting for another import"

    def __call__(self) -> None:
        now = time.monotonic()
        if self._progress and now >= self._next:
            self._next = now + BEAT_S
            self._progress(self.done, max(self.total, self.done), self.what)

    def at(self, done: int) -> None:
        self.done = done
        self()

    def last(self) -> None:
        if self._progress:
            self._progress(self.done, self.done, "done")

    def result_of(self, future: Future[T]) -> T:
        """Wait for it, with a pulse."""
        while not future.done():
            wait((future,), timeout=BEAT_S)
            self()
        return future.result()


def _in_order(
    rows: Iterable[Row | Reject], check: Callable[[Row], Candidate | Reject], beat: _Beat
) -> Iterator[Candidate | Reject]:
    """Check rows with files on every core, a few ahead of what is taken; texts are checked at once. Keeps the order."""
    workers = os.cpu_count() or 1
    ahead: deque[tuple[Future[Candidate | Reject] | Candidate | Reject, int]] = deque()
    held = 0

    def taken() -> Candidate | Reject:
        nonlocal held
        first, size = ahead.popleft()
        beat.done += 1
        held -= size
        return beat.result_of(first) if isinstance(first, Future) else first

    with ThreadPoolExecutor(workers, thread_name_prefix="studio-import") as pool:
        for row in rows:
            files = [] if isinstance(row, Reject) else [len(raw) for raw in row.content.values() if isinstance(raw, bytes)]
            size = sum(files)
            if isinstance(row, Reject):
                ahead.append((row, 0))
            elif files:
                ahead.append((pool.submit(check, row), size))
            else:
                ahead.append((check(row), 0))
            held += size
            del row  # before the next is read: one may have 200 MB
            while len(ahead) > 4 * workers or held > MOST_AHEAD:
                yield taken()
            beat()
        while ahead:
            yield taken()
            beat()
