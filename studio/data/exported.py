"""The form of exported items, as the export writes it and the import knows it again: a table's columns, and `classes.json`.

A file called `classes.json` that Studio did not write is none of these: it stays what it is, a table, say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from studio.core.types import NONE_OF_THESE, ClassInfo, classes_in, set_of

NAME, LABEL, SPLIT, STATE, NOTE, AUTHOR, AT, APOSTROPHES = (
    "name", "label", "split", "state", "note", "author", "at", "apostrophes"
)  # fmt: skip
"""Columns beside the content, each of which bears its modality's name. `author` and `at` tell of the label's newest act."""
OWN = frozenset({NAME, LABEL, SPLIT, STATE, NOTE})
"""A table with all of these was exported; in another one a `name` or `note` may mean anything."""
SKIPPED_STATE, NONE_STATE = "skipped", NONE_OF_THESE
"""What `state` may say; empty for any other item."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

SIDECAR = "classes.json"
_FORM = 1


@dataclass(frozen=True, slots=True)
class DescribedClass:
    """A class of the project that the items were exported from, also where no item has it."""

    name: str
    phrase: str = ""
    guideline: str = ""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What `classes.json` says."""

    classes: tuple[DescribedClass, ...]
    """In the project's order."""
    folders: Mapping[str, str]
    """{folder: class} where a class's name cannot be a folder's; {folder: classes} where it is of several."""


def with_apostrophes(cells: Mapping[str, str]) -> dict[str, str]:
    """A CSV row whose formulas a spreadsheet takes for texts; `apostrophes` names the cells that got one.

    Only what that column names loses it again, so that a text which begins with an apostrophe of its own keeps it.
    """
    marked = [column for column, cell in cells.items() if cell.startswith(FORMULA)]
    return {**cells, **{column: f"'{cells[column]}" for column in marked}, APOSTROPHES: " ".join(marked)}


def without_apostrophes(cells: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row as it was, whatever kind of table it stands in."""
    marked = str(cells.get(APOSTROPHES) or "").split()
    return {**cells, **{column: str(cells[column]).removeprefix("'") for column in marked if cells.get(column)}}


def write_sidecar(
    classes: Iterable[ClassInfo], folders: Mapping[str, str], sets: Mapping[str, str] = MappingProxyType({})
) -> str:
    """`folders` is {class: folder}, `sets` {classes: folder}."""
    described = [{"name": c.name, "phrase": c.phrase, "guideline": c.guideline} for c in classes]
    for entry in described:
        if folders.get(entry["name"], entry["name"]) != entry["name"]:
            entry["folder"] = folders[entry["name"]]
    of_sets = {"sets": [{"classes": classes_in(label), "folder": folder} for label, folder in sets.items()]} if sets else {}
    return json.dumps({"studio_export": _FORM, "classes": described, **of_sets}, ensure_ascii=False, indent=1) + "\n"


def read_sidecar(data: bytes) -> Sidecar | None:
    """None for a file that is no export's."""
    try:
        said = json.loads(data)
        if said["studio_export"] != _FORM:
            return None
        entries = [{key: str(value) for key, value in entry.items()} for entry in said["classes"]]
        classes = tuple(DescribedClass(e["name"], e.get("phrase", ""), e.get("guideline", "")) for e in entries)
        sets = {str(entry["folder"]): set_of(map(str, entry["classes"])) for entry in said.get("sets", ())}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    return Sidecar(classes, sets | {entry["folder"]: entry["name"] for entry in entries if "folder" in entry})
