from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import BadInput, StudioError
from studio.core.types import ImportOptions
from studio.ui.answers import answering
from studio.ui.pages.label import heading
from studio.ui.pages.start import Doors
from studio.ui.widgets.projects import Projects, href_of
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


def test_a_new_project_leads_to_its_data(workspace: Workspace) -> None:
    assert Doors(workspace).create(" Pets ", "image-classification", "") == "/data"
    current = workspace.project()
    assert current is not None and current.name == "Pets"


def test_a_project_with_items_leads_to_labelling(workspace: Workspace, project: OpenProject) -> None:
    assert answering(Projects(workspace).open_one)({"path": project.path}) == {"ok": True, "href": "/label"}


def test_pairs_need_no_labels_so_they_lead_to_the_step_after(workspace: Workspace, tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), "red").save(tmp_path / "a.png")
    (tmp_path / "rows.csv").write_text("image,caption\na.png,a red card\n", "utf-8")
    project = workspace.create_project("Pairs", "image-text")
    project.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    assert href_of(project) == "/models"
    project.choose_model("open_clip:ViT-B-32/laion2b_s34b_b79k")
    assert href_of(project) == "/train"
    assert "picture and caption match" in heading(workspace) and "model's answer" not in heading(workspace)


@pytest.mark.parametrize("name", ["", "   "])
def test_a_project_needs_a_name(workspace: Workspace, name: str) -> None:
    with pytest.raises(BadInput, match="name"):
        Doors(workspace).create(name, "image-classification", "")


def test_a_folder_that_is_no_project_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(StudioError):
        Doors(workspace).open_folder(str(tmp_path / "nowhere"))


def test_the_list_shows_cover_and_counts(workspace: Workspace, project: OpenProject) -> None:
    shown = Projects(workspace).projects({})
    card = shown["projects"][0]
    assert (shown["open"], card["name"], card["items"], card["labelled"]) == (project.path, "Pets", 6, 0)
    assert len(card["cover"]) == 64


def test_a_forgotten_project_keeps_its_folder(workspace: Workspace, project: OpenProject) -> None:
    assert answering(Projects(workspace).forget)({"path": project.path})["ok"]
    assert Projects(workspace).projects({})["projects"] == []
    assert Path(project.path).is_dir()


def test_a_project_that_is_not_there_is_refused(workspace: Workspace) -> None:
    assert answering(Projects(workspace).open_one)({"path": "nobody"})["ok"] is False
    assert answering(Projects(workspace).open_one)({"path": None})["ok"] is False
