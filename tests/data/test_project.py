"""A project is a folder that is whole, or says why it cannot be opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.core.errors import BadInput, ProjectError
from studio.data.project import Project


def test_created_project_opens_again_with_what_was_in_it(tmp_path: Path) -> None:
    with Project.create(tmp_path / "waste", "Waste", "image-classification") as made:
        made.store.add_class("glass")
        sha = made.media.put(b"bytes")
    with Project.open(tmp_path / "waste") as project:
        assert (project.id, project.name, project.task) == (made.id, "Waste", "image-classification")
        assert [c.name for c in project.store.classes()] == ["glass"]
        assert project.media.read(sha) == b"bytes"


def test_folder_that_holds_something_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path, "Waste", "image-classification")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_empty_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        Project.create(tmp_path / "p", "  ", "image-classification")


def test_folder_without_a_card_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not a Studio project"):
        Project.open(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"schema": "1", "id": "", "name": "", "task": ""}'])
def test_damaged_card_is_a_project_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "project.json").write_text(text)
    with pytest.raises(ProjectError):
        Project.open(tmp_path)


def test_project_of_a_newer_studio_is_refused(tmp_path: Path) -> None:
    Project.create(tmp_path / "p", "Waste", "image-classification").close()
    card = json.loads((tmp_path / "p" / "project.json").read_text())
    (tmp_path / "p" / "project.json").write_text(json.dumps(card | {"schema": 99}))
    with pytest.raises(ProjectError, match="newer Studio"):
        Project.open(tmp_path / "p")


def test_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="cannot be written"):
        Project.create(tmp_path / "file" / "p", "Waste", "image-classification")
    with pytest.raises(ProjectError, match=r"not a Studio project|cannot be"):
        Project.open(tmp_path / "file")
