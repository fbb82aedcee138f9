from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.errors import BadInput, NotFound, ProjectError
from studio.settings import Settings
from studio.workspace import Workspace


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", device="cpu", offline=True)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    opened = Workspace(settings)
    yield opened
    opened.close()


def test_the_last_project_is_open_again_after_a_restart(workspace: Workspace, settings: Settings) -> None:
    workspace.create_project("First", "image-classification")
    second = workspace.create_project("Second", "text-classification")
    workspace.open_project("First")
    workspace.open_project(second.id)
    workspace.close()
    again = Workspace(settings)
    current = again.project()
    assert current is not None and current.name == "Second"
    assert [card.name for card in again.projects()] == ["Second", "First"]
    again.close()


def test_a_project_is_found_by_id_name_and_path(workspace: Workspace, tmp_path: Path) -> None:
    made = workspace.create_project("Waste", "image-classification", str(tmp_path / "waste"))
    assert {workspace.open_project(ref).id for ref in (made.id, "Waste", str(tmp_path / "waste"))} == {made.id}


def test_two_projects_of_one_name_have_folders_of_their_own(workspace: Workspace) -> None:
    one, two = (workspace.create_project("Waste!", "image-text") for _ in range(2))
    assert one.path != two.path


def test_what_is_no_project_says_so(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no project 'nothing'"):
        workspace.open_project("nothing")
    with pytest.raises(ProjectError, match="not a Studio project"):
        workspace.open_project(str(tmp_path))
    with pytest.raises(NotFound, match="no task named 'cooking'"):
        workspace.create_project("Soup", "cooking")
    with pytest.raises(BadInput, match="needs a name"):
        workspace.create_project("  ", "image-text", str(tmp_path / "x"))


def test_a_project_whose_folder_went_away_is_listed_with_its_problem(workspace: Workspace, tmp_path: Path) -> None:
    import shutil

    workspace.create_project("Gone", "image-text", str(tmp_path / "gone"))
    workspace.close()
    shutil.rmtree(tmp_path / "gone")
    (card,) = workspace.projects()
    assert card.problem
    assert workspace.project() is None
    workspace.forget_project(card.id)
    assert workspace.projects() == []


def test_a_spoilt_list_of_projects_does_not_stop_the_start(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "projects.json").write_text("{not json")
    workspace = Workspace(settings)
    assert workspace.projects() == []
    workspace.create_project("New", "image-text")
    assert len(workspace.projects()) == 1
    workspace.close()


def test_the_chosen_model_is_remembered(workspace: Workspace, settings: Settings) -> None:
    workspace.create_project("Waste", "image-classification").choose_model("hf:a/b")
    workspace.close()
    again = Workspace(settings)
    assert again.open_project("Waste").model() == "hf:a/b"
    again.close()


def test_doctor_tells_versions_and_what_is_offline(workspace: Workspace) -> None:
    found = workspace.doctor()
    assert found["network"] == "off by choice"
    assert found["device"] == "cpu"
    assert {"torch", "gradio", "peft"} <= set(found["packages"])  # type: ignore[call-overload]
