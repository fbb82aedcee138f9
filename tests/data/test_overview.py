"""What a card says of a project that nobody opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.data.content import canonical
from studio.data.enter import Candidate, enter
from studio.data.overview import overview
from studio.data.project import Project

ZERO = {"method": "zero_shot", "title": "Zero-shot", "accuracy": 0.4, "recall": None}
LINEAR = {"method": "linear", "title": "Linear head", "accuracy": 0.7, "recall": None}
LORA = {"method": "lora", "title": "Fine-tuned", "accuracy": 0.6, "recall": None}
PAIRS = {"method": "zero_shot", "title": "Before", "accuracy": None, "recall": {"image_to_text@1": 0.25}}


def score_of(tmp_path: Path, comparison: Any) -> Any:
    with Project.create(tmp_path / "p", "P", "image-classification") as project:
        project.store.set_meta("comparison", comparison)
    card = overview(tmp_path / "p", 0.0)
    assert card.problem is None
    return card.score


def test_the_score_is_that_of_the_method_that_was_chosen_not_of_the_highest(tmp_path: Path) -> None:
    found = score_of(tmp_path, {"scores": [ZERO, LINEAR, LORA], "best": {"rung": "lora"}})
    assert found == {"method": "Fine-tuned", "value": 0.6, "measure": "accuracy"}


def test_pairs_have_their_recall(tmp_path: Path) -> None:
    assert score_of(tmp_path, {"scores": [PAIRS], "best": None}) == {"method": "Before", "value": 0.25, "measure": "recall@1"}


@pytest.mark.parametrize("stored", [{}, [], {"scores": [{}]}, {"scores": [{**ZERO, "accuracy": None}]}, {"scores": 3}])
def test_what_cannot_be_read_is_no_score_and_no_problem(tmp_path: Path, stored: Any) -> None:
    assert score_of(tmp_path, stored) is None


def test_a_project_of_texts_is_quoted_and_one_of_pictures_shows_one(tmp_path: Path) -> None:
    texts, pairs = ("t", "text-classification", {"text": "a " * 99}), ("p", "image-text", {"image": "0" * 64, "text": "a"})
    for name, task, content in (texts, pairs):
        with Project.create(tmp_path / name, "P", task) as project:
            row = Candidate(canonical(content), "train", "one", None, "rows.csv", 2)
            enter(project.store, [row], keep_labels=True, add_classes=True)
    assert (overview(tmp_path / "t", 0.0).cover, overview(tmp_path / "t", 0.0).quote) == (None, "a " * 60)
    assert (overview(tmp_path / "p", 0.0).cover, overview(tmp_path / "p", 0.0).quote) == ("0" * 64, "a")


def test_before_the_first_comparison_there_is_none(tmp_path: Path) -> None:
    Project.create(tmp_path / "p", "P", "image-classification").close()
    assert overview(tmp_path / "p", 0.0).score is None
