"""A task is one file: one that no other part has heard of, with fixed classes, goes from import to verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.errors import BadInput
from studio.core.types import ImportOptions, ItemFilter
from studio.settings import Settings
from studio.tasks import TASKS
from studio.tasks.classification import Classification
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

NAME = "review-mood"
TEXTS = ("a warm and funny film", "dull from start to end", "we laughed and cried", "a waste of two hours")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    mood = Classification(
        NAME, "Mood of a review", "text", ("text",), ("this review is {}.",), True, fixed_classes=("good", "bad")
    )
    TASKS.register(NAME, mood)
    opened = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    yield opened
    opened.close()
    del TASKS._entries[NAME]  # other tests count the tasks


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> OpenProject:
    made = workspace.create_project("Reviews", NAME)
    rows = [
        {"text": f"{text}, number {n}", "label": ("good", "bad")[k % 2], "split": "test" if n > 3 else "train"}
        for n in range(6)
        for k, text in enumerate(TEXTS)
    ]
    (tmp_path / "reviews.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    made.labelling.import_data(str(tmp_path / "reviews.jsonl"), ImportOptions())
    return made


def test_it_is_imported_labelled_and_keeps_its_classes(project: OpenProject) -> None:
    assert [c.name for c in project.labelling.classes()] == ["good", "bad"]
    item = project.labelling.page(ItemFilter(), limit=1).items[0]
    assert project.labelling.label(item.id, "bad").after == "bad"
    with pytest.raises(BadInput, match="fixed"):
        project.labelling.add_class("middling")


@pytest.fixture
def text_encoder(tiny_ids: dict[str, str]) -> str:
    return tiny_ids["bert"]


def test_shots_count_labels_a_class(project: OpenProject, text_encoder: str) -> None:
    plan = project.training.plan(text_encoder, "lora", {"shots": 2})
    assert plan.per_class == {"good": 2, "bad": 2} and plan.why_not is None


def test_it_trains_predicts_and_compares(project: OpenProject, text_encoder: str) -> None:
    run = project.training.start(text_encoder, "lora", {"shots": 2, "steps": 2})
    while not project.training.wait(run):
        pass
    assert project.training.run(run).status == "done", project.training.run(run).error
    (table,) = project.testing.predict([{"text": "what a film"}], text_encoder)
    assert table.classes == ("good", "bad")
    assert all(answer.probabilities is not None for answer in table.answers)
    scores = project.testing.compare(text_encoder, run).scores
    assert scores[0].method == "zero_shot" and {s.n for s in scores} == {8}
    assert all(s.accuracy is not None for s in scores)
