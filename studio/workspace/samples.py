"""Sample projects: which came with Studio, and filling a new project with one. The samples themselves are only read.

A sample is a folder: `sample.json` (title, task, description, cover, perhaps templates) and `items.csv`, with its pictures below.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from studio.core.errors import ImportFailed, NotFound, StudioError
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject, Sample
from studio.core.types import ImportOptions
from studio.data.importers.formats import read_table
from studio.modalities import discover_modalities
from studio.tasks import all_tasks, task
from studio.workspace.labelling import Labelling

ITEMS, CARD = "items.csv", "sample.json"
QUOTES = 3
COVER_SIZE = 480


class Samples:
    """The samples below one folder; there may be none."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def all(self) -> tuple[Sample, ...]:
        """Every sample, in the order of the tasks; a damaged one says so in its `problem`."""
        order = [t.name for t in all_tasks()]
        found = [self._shown(name) for name in self._names()]
        return tuple(sorted(found, key=lambda s: (order.index(s.task) if s.task in order else len(order), s.name)))

    def sample(self, name: str) -> Sample:
        """Raises NotFound, and ImportFailed for a damaged one."""
        self._known(name)
        card = self._card(name)
        rows = self.rows(name)
        texts = (row["text"] for row in rows if row.get("text")) if not card["cover"] else ()
        return Sample(name, card["title"], card["task"], card["description"], len(rows), tuple(islice(texts, QUOTES)))

    def rows(self, name: str) -> list[Mapping[str, str]]:
        """Its table. Raises like `sample`."""
        self._known(name)
        records = read_table(self._bytes(name, ITEMS), ITEMS)[1]
        return [{k: str(v) for k, v in record[1].items()} for record in records if not isinstance(record, Reject)]

    def content(self, name: str, cell: str, modality: str) -> bytes | str:
        """What a cell of its table holds or names, ready to be read. Raises like `sample`."""
        return cell if discover_modalities().get(modality).inline else self._bytes(name, cell)

    def cover(self, name: str) -> bytes | None:
        """A JPEG picture of at most 480 pixels a side; None where it has none. Raises like `sample`."""
        self._known(name)
        file = self._card(name)["cover"]
        return discover_modalities().get("image").thumbnail(self._bytes(name, file), COVER_SIZE) if file else None

    def fill(self, name: str, labelling: Labelling, progress: Progress | None = None) -> None:
        """Import it: the test split with its labels, the training split with hidden ones. Raises ImportFailed, ProjectError."""
        report = labelling.import_data(str(self._root / name / ITEMS), ImportOptions(hidden_split="train"), progress)
        if report.rejected:
            first = report.rejects[0]
            raise _damaged(name, f"{report.rejected} of its items cannot be read, the first because {first.file} {first.reason}")
        if templates := self._card(name)["templates"]:
            labelling.set_templates(templates)

    def _names(self) -> list[str]:
        if not self._root.is_dir():
            return []
        return sorted(path.name for path in self._root.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))

    def _known(self, name: str) -> None:
        names = self._names()
        if name not in names:  # also keeps paths out: only a name of the list is joined to the folder
            raise NotFound(f"There is no sample {name!r}.", f"There are: {', '.join(names) or 'none in this installation'}.")

    def _shown(self, name: str) -> Sample:
        try:
            return self.sample(name)
        except StudioError as error:
            return Sample(name, name.capitalize(), "", "", 0, (), str(error))

    def _card(self, name: str) -> dict[str, Any]:
        try:
            card = json.loads(self._bytes(name, CARD))
            said = {key: str(card[key]) for key in ("title", "task", "description")}
            task(said["task"])
            return {**said, "cover": card.get("cover"), "templates": list(card.get("templates") or ())}
        except (ValueError, TypeError, KeyError, AttributeError, NotFound) as error:
            raise _damaged(name, f"{CARD} does not say title, task and description ({error})") from error

    def _bytes(self, name: str, file: str) -> bytes:
        try:
            return (self._root / name / file).read_bytes()
        except OSError as error:
            raise _damaged(name, f"{file} cannot be read ({error.strerror or error})") from error


def _damaged(name: str, what: str) -> ImportFailed:
    return ImportFailed(
        f"The sample {name!r} is damaged: {what}.", f"Restore the folder assets/samples/{name}, or try another sample."
    )
