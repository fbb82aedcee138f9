"""What learning means: one file a task, registered here. Importing this package imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from studio.core.interfaces import Task
from studio.core.registry import Registry, discover
from studio.core.types import Item

TASKS: Registry[Task] = Registry("task")


def task(name: str) -> Task:
    """The registered task. Raises NotFound with the names there are."""
    if name not in TASKS:
        discover(__name__)
    return TASKS.get(name)


def known_to(task: Task, items: Iterable[Item], classes: Collection[str]) -> list[Item]:
    """Those of the labelled items that are of these classes and of no other."""
    return [item for item in items if item.label is not None and all(name in classes for name in task.said_of(item))]


def all_tasks() -> tuple[Task, ...]:
    discover(__name__)
    return tuple(TASKS)
