"""A folder of pictures: `split/class/name.png`, without a class `split/name.png`, with none of them `split/none of these/`.

What is of several classes lies in a folder of just these, and `classes.json` says which they are. Other programs read it as it
is. It holds no notes, and not what was skipped; texts are no files, so it refuses them.
"""

from __future__ import annotations

from collections.abc import Mapping

from studio.core.interfaces import Modality
from studio.core.types import NONE_OF_THESE
from studio.data.exported import SIDECAR, write_sidecar
from studio.data.exporters import EXPORTERS, Source, of_none
from studio.data.exporters.archive import Archive, plain_file_name, suffix_of
from studio.data.outgoing import Outgoing


class FolderExporter:
    """For items that are one file each."""

    name, title = "folder", "Folder of pictures, without notes"

    def why_not(self, modalities: Mapping[str, Modality]) -> str | None:
        if len(modalities) > 1:
            return f"A folder holds one file an item, and these items have {' and '.join(modalities)}."
        inline = next((name for name, modality in modalities.items() if modality.inline), None)
        return f"A folder holds files, and each item of this project is a {inline} in itself." if inline else None

    def alone(self, modalities: Mapping[str, Modality]) -> bool:
        return False

    def write(self, source: Source, archive: Archive) -> None:
        (part,) = source.modalities
        suffixes = source.modalities[part].suffixes
        classes = source.classes()
        taken: set[str] = {NONE_OF_THESE}
        folders = {c.name: _free(plain_file_name(c.name), "", taken) for c in classes}
        sets: dict[str, str] = {}
        files: set[str] = set()
        several = source.several()
        for out in source.items():
            data = source.media.read(out.item.content[part])
            stem, suffix = _named(out, data, suffixes)
            label = out.item.label
            if several and label and len(out.item.labels) > 1 and label not in folders:
                folders[label] = sets[label] = _free(plain_file_name(" + ".join(out.item.labels)), "", taken)
            within = NONE_OF_THESE if of_none(out.item) else folders.get(label or "")
            above = f"{out.item.split}/{within}/" if within else f"{out.item.split}/"
            archive.put(_free(above + stem, suffix, files), data)
        archive.write_text(SIDECAR, write_sidecar(classes, folders, sets))


def _named(out: Outgoing, data: bytes, suffixes: frozenset[str]) -> tuple[str, str]:
    """(name, suffix): its own where that says what it is."""
    name = plain_file_name(out.item.name)
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and dot + suffix.lower() in suffixes else (name, suffix_of(data, name))


def _free(path: str, suffix: str, taken: set[str]) -> str:
    """The path with its suffix, with a number where another one has it already, whatever its letters' case."""
    number, found = 1, path + suffix
    while found.casefold() in taken:
        number += 1
        found = f"{path} ({number}){suffix}"
    taken.add(found.casefold())
    return found


EXPORTERS.register(FolderExporter.name, FolderExporter())
