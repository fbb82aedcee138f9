"""The general set of a run: a sample that came with Studio and has nothing to do with the project. Damaged samples are none."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from studio.core.errors import StudioError
from studio.core.interfaces import Task
from studio.core.results.projects import Sample
from studio.modalities import discover_modalities
from studio.tasks import task as task_named
from studio.workspace.samples import Samples

if TYPE_CHECKING:
    from studio.runs.general import General

MOST = 100
"""Items: each strength of an adapter embeds them all."""
AMONG = 10
"""Captions from which each picture's is chosen: among a hundred a small model finds hardly any, and has nothing to forget."""


def general_set(samples: Samples, task: Task, learnt: Collection[str]) -> General | None:
    """Items for the task's first modality; None where no sample serves. `learnt` are the keys of what the run learns from:
    a sample that holds one of them is the project's own world."""
    for sample in samples.all():
        try:
            found = None if sample.problem else _of(samples, sample, task.modalities[0], learnt)
        except StudioError:
            continue
        if found is not None:
            return found
    return None


def _of(samples: Samples, sample: Sample, modality: str, learnt: Collection[str]) -> General | None:
    from studio.runs.general import General

    theirs = task_named(sample.task)
    captioned = modality != "text" and theirs.modalities == (modality, "text")
    if not captioned and not (modality == "text" and theirs.classifies and theirs.modalities == (modality,)):
        return None
    rows = _distinct(samples.rows(sample.name), "text" if captioned else modality)
    raw = [samples.content(sample.name, row[modality], modality) for row in rows]
    if any(_key(one) in learnt for one in raw):
        return None
    read = discover_modalities().get(modality).read
    payloads = tuple(read(one, sample.name) for one in raw)
    name = f"the sample {sample.title}"
    if captioned:
        return General(name, payloads, tuple(range(len(rows))), tuple((row["text"],) for row in rows), AMONG)
    classes = sorted({row["label"] for row in rows})
    prompts = tuple(tuple(line.replace("{}", label) for line in theirs.templates) for label in classes)
    return General(name, payloads, tuple(classes.index(row["label"]) for row in rows), prompts)


def _distinct(rows: list[Mapping[str, str]], column: str) -> list[Mapping[str, str]]:
    """At most MOST, evenly over the table, no two with the same content of that column."""
    once = list({row[column]: row for row in rows}.values())
    return once[:: max(1, len(once) // MOST)][:MOST]


def _key(content: bytes | str) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else content
