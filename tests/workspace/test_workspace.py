import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.config import TrainConfig
from studio.core.errors import BadInput, NotFound, ProjectError
from studio.core.types import ImportOptions
from studio.runs.folder import RunFolder, RunSpec
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


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


def filled(workspace: Workspace, folder: Path, *texts: str) -> OpenProject:
    """A project of texts in `folder`."""
    made = workspace.create_project("Waste", "text-classification", str(folder))
    (folder.parent / "rows.csv").write_text("\n".join(["text", *texts]))
    made.labelling.import_data(str(folder.parent / "rows.csv"), ImportOptions())
    return made


def listed(workspace: Workspace) -> dict[str, tuple[str, int]]:
    return {Path(card.path).name: (card.id, card.items) for card in workspace.projects()}


def test_a_copied_project_opens_beside_its_original(workspace: Workspace, settings: Settings, tmp_path: Path) -> None:
    original = filled(workspace, tmp_path / "original", "one", "two")
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copy = workspace.open_project(str(tmp_path / "copy"))
    copy.labelling.add_class("glass")
    assert copy.id != original.id
    assert workspace.project(copy.id) is copy and workspace.project(original.id) is original
    assert workspace.project() is copy
    assert [c.name for c in original.labelling.classes()] == []
    assert listed(workspace) == {"original": (original.id, 2), "copy": (copy.id, 2)}
    workspace.close()
    again = Workspace(settings)
    assert again.open_project(str(tmp_path / "original")).id == original.id
    reopened = again.open_project(copy.id)
    assert (reopened.id, [c.name for c in reopened.labelling.classes()]) == (copy.id, ["glass"])
    again.close()


def test_a_moved_project_keeps_its_id(workspace: Workspace, settings: Settings, tmp_path: Path) -> None:
    original = filled(workspace, tmp_path / "here", "one")
    workspace.close()
    (tmp_path / "here").rename(tmp_path / "there")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    again = Workspace(settings)
    assert again.open_project(str(tmp_path / "there")).id == original.id
    assert again.open_project(str(tmp_path / "link")).id == original.id
    again.close()


def test_two_known_projects_of_one_id_become_two_once_the_second_is_opened(
    workspace: Workspace, settings: Settings, tmp_path: Path
) -> None:
    # a copy that was opened while its original's disk was away, and an original that then came back
    filled(workspace, tmp_path / "original", "one", "two")
    workspace.close()
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    (tmp_path / "original").rename(tmp_path / "away")
    again = Workspace(settings)
    copy = again.open_project(str(tmp_path / "copy"))
    (tmp_path / "away").rename(tmp_path / "original")
    assert {project_id for project_id, _ in listed(again).values()} == {copy.id}
    original = again.open_project(str(tmp_path / "original"))
    assert original.id != copy.id and again.project(copy.id) is copy
    again.forget_project(original.path)
    assert listed(again) == {"copy": (copy.id, 2)}
    again.close()


def test_a_run_that_was_copied_at_work_is_at_work_in_the_original_alone(workspace: Workspace, tmp_path: Path) -> None:
    original = filled(workspace, tmp_path / "original", "one")
    spec = RunSpec("text-classification", "hf:x/y", "lora", TrainConfig(), ("a",), (("a",),), "python …", 1.0)
    RunFolder.create(tmp_path / "original" / "runs", spec).update(status="running")
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copy = workspace.open_project(str(tmp_path / "copy"))
    assert [run.status for run in original.training.runs()] == ["running"]
    assert [(run.status, run.resumable) for run in copy.training.runs()] == [("interrupted", True)]


def test_what_is_no_project_says_so(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no project 'nothing'"):
        workspace.open_project("nothing")
    for named in ("x" * 300, f"{tmp_path}/{'x' * 300}/y", "a\0b"):
        with pytest.raises(NotFound):
            workspace.open_project(named)
        with pytest.raises(NotFound):
            workspace.restore(named)
    with pytest.raises(ProjectError, match="not a Studio project"):
        workspace.open_project(str(tmp_path))
    with pytest.raises(NotFound, match="no task named 'cooking'"):
        workspace.create_project("Soup", "cooking")
    with pytest.raises(BadInput, match="needs a name"):
        workspace.create_project("  ", "image-text", str(tmp_path / "x"))


def test_a_project_whose_folder_went_away_is_listed_with_its_problem(workspace: Workspace, tmp_path: Path) -> None:
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
