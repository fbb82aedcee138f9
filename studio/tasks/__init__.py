"""What learning means: one file a task, registered here. Importing this package imports no torch."""

from __future__ import annotations

from studio.core.interfaces import Task
from studio.core.registry import Registry, discover

TASKS: Registry[Task] = Registry("task")


def task(name: str) -> Task:
    """The registered task. Raises NotFound with the names there are."""
    if name not in TASKS:
        discover(__name__)
    return TASKS.get(name)


def all_tasks() -> tuple[Task, ...]:
    discover(__name__)
    return tuple(TASKS)
