"""A project's class prompts: its classes' phrases in its templates."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.errors import BadInput
from studio.core.interfaces import Task
from studio.data.kept import kept
from studio.data.project import Project


def templates_of(project: Project, task: Task) -> tuple[str, ...]:
    """The project's own templates, or its task's."""
    return kept(project.store, "templates", tuple[str, ...]) or tuple(task.templates)


def checked_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """The templates without empty ones. Raises BadInput where there is none, or one has not exactly one `{}`."""
    clean = tuple(template.strip() for template in templates if template.strip())
    if not clean:
        raise BadInput("There is no prompt template.", "Write one, as in 'a photo of a {}.'.")
    for template in clean:
        if template.count("{}") != 1 or "{" in template.replace("{}", "") or "}" in template.replace("{}", ""):
            raise BadInput(f"{template!r} does not say where the class goes.", "Put {} there once, as in 'a photo of a {}.'.")
    return clean


def class_prompts(
    project: Project, task: Task, phrases: Sequence[str] | None = None, templates: Sequence[str] | None = None
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """(class names, for each its prompts); empty for tasks whose classes cannot be said.

    Raises BadInput where `phrases` are not one a class or a template lacks `{}`.
    """
    if not task.classifies:
        return (), ()
    classes = project.store.classes()
    said = [c.phrase for c in classes] if phrases is None else list(phrases)
    if len(said) != len(classes):
        raise BadInput(f"There are {len(said)} phrases for {len(classes)} classes.", "Give one phrase a class, in their order.")
    used = tuple(templates) if templates else templates_of(project, task)
    for template in used:
        if "{}" not in template:
            raise BadInput(f"The template {template!r} has no {{}}.", "Write {} where the class goes, as in 'a photo of a {}.'.")
    return tuple(c.name for c in classes), tuple(tuple(t.replace("{}", phrase) for t in used) for phrase in said)
