"""What every registered task promises; a new task is covered by being there."""

import pytest

from studio.core.interfaces import Task
from studio.core.types import Item
from studio.tasks import all_tasks, task


@pytest.fixture(params=[t.name for t in all_tasks()])
def any_task(request: pytest.FixtureRequest) -> Task:
    return task(request.param)


def item(task: Task, number: int, label: str | None = None) -> Item:
    return Item(number, {m: f"{m} {number}" for m in task.modalities}, "train", f"row {number}", label)


def test_it_says_what_is_missing_where_there_is_nothing(any_task: Task) -> None:
    reason = any_task.why_not([])
    assert reason and reason.endswith(".") and reason.count(".") >= 2  # what, and what to do


def test_it_can_run_with_two_items_that_differ(any_task: Task) -> None:
    labels = ("a", "b") if not any_task.fixed_classes else (None, None)
    assert any_task.why_not([item(any_task, n, label) for n, label in enumerate(labels)]) is None


def test_it_fits_a_model_of_all_modalities_and_none_of_no_modality(any_task: Task) -> None:
    assert any_task.fits(("image", "text"))
    assert not any_task.fits(())


def test_templates_say_where_the_class_goes(any_task: Task) -> None:
    assert all("{}" in template for template in any_task.templates)
    assert bool(any_task.templates) != bool(any_task.fixed_classes)


def test_one_class_alone_cannot_be_learnt() -> None:
    images = task("image-classification")
    reason = images.why_not([item(images, 1, "cat"), item(images, 2, "cat")])
    assert reason and "'cat'" in reason


def test_a_pair_that_does_not_match_is_left_out() -> None:
    pairs = task("image-text")
    assert pairs.trains_on(item(pairs, 1)) and pairs.trains_on(item(pairs, 1, "match"))
    assert not pairs.trains_on(item(pairs, 1, "no match"))
