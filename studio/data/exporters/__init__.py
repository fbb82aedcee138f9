"""Exporters: one file a kind of format, which registers itself. They write a project's items; they change nothing in it.

What they write comes in again by the import, into another project, as it was; what a format cannot hold, its title says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from studio.core.errors import BadInput
from studio.core.interfaces import Modality, Progress
from studio.core.registry import Registry, discover
from studio.core.types import NONE_OF_THESE, ClassInfo, Item
from studio.data import sets
from studio.data.exported import AT, AUTHOR, LABEL, NAME, NONE_STATE, NOTE, SKIPPED_STATE, SPLIT, STATE
from studio.data.exporters.archive import Archive
from studio.data.media import Media
from studio.data.outgoing import Outgoing
from studio.data.store import Store

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported: every item of a project."""

    store: Store
    media: Media
    modalities: Mapping[str, Modality]
    """{name: modality} of what each item holds."""
    progress: Progress | None = None

    def items(self) -> Iterator[Outgoing]:
        """In order of import, a page in memory at a time."""
        done, total, after = 0, self.store.counts().total, 0
        while page := self.store.outgoing(after, PAGE):
            for out in page:
                yield out
                done += 1
                if self.progress and not done % 100:
                    self.progress(done, max(done, total), "writing")
            after = page[-1].item.id
        if self.progress:
            self.progress(done, done, "packing")

    def classes(self) -> tuple[ClassInfo, ...]:
        return self.store.classes()

    def several(self) -> bool:
        """Whether an item may be of several classes."""
        return bool(self.store.meta(sets.KEY))

    def files(self) -> tuple[str, ...]:
        """The modalities whose content is a file, as a picture is; the others stand in a table's cell."""
        return tuple(name for name, modality in self.modalities.items() if not modality.inline)

    def said(self, out: Outgoing, part: str) -> str:
        """The content of an inline modality."""
        content = out.item.content[part]
        return content if part == "text" else self.media.read(content).decode("utf-8", "replace")

    def described(self, out: Outgoing) -> dict[str, str | None]:
        """{column: cell} of all that a table has beside the content."""
        item, none = out.item, of_none(out.item)
        return {
            NAME: item.name,
            LABEL: None if none else item.label,
            SPLIT: item.split,
            STATE: NONE_STATE if none else SKIPPED_STATE if out.skipped else "",
            NOTE: item.note,
            AUTHOR: out.author,
            AT: "" if out.at is None else datetime.fromtimestamp(out.at, UTC).isoformat(timespec="milliseconds"),
        }


def of_none(item: Item) -> bool:
    """Whether it is of none of the classes, which is a label where it may be of several."""
    return item.none or item.label == NONE_OF_THESE


class Exporter(Protocol):
    """What a file of this package registers: one format."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str:
        """What people choose it by."""
        ...

    def why_not(self, modalities: Mapping[str, Modality]) -> str | None:
        """Why items of these modalities cannot be written so, with what to do; None where they can."""
        ...

    def alone(self, modalities: Mapping[str, Modality]) -> bool:
        """Whether one file holds everything; else it is a zip."""
        ...

    def write(self, source: Source, archive: Archive) -> None:
        """Write every item, and the classes where the format can hold them."""
        ...


EXPORTERS: Registry[Exporter] = Registry("format")


def formats() -> tuple[Exporter, ...]:
    """Every format that labels are exported in, the one for spreadsheets first."""
    discover(__name__)
    return tuple(sorted(EXPORTERS, key=lambda exporter: exporter.name != "csv"))


def exporter_for(name: str, modalities: Mapping[str, Modality]) -> Exporter:
    """Raises NotFound for an unknown format, BadInput for one that cannot hold such items."""
    discover(__name__)
    found = EXPORTERS.get(name)
    why = found.why_not(modalities)
    if why is not None:
        raise BadInput(why, "Choose another format.")
    return found
