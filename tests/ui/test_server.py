from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.core.errors import BadInput
from studio.ui import launch
from studio.ui.server import add_media_route, free_port
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    app = FastAPI(openapi_url=None)
    add_media_route(app, workspace)
    return TestClient(app)


def sha_of_first(project: OpenProject) -> str:
    return project.labelling.item(1).content["image"]


@pytest.mark.parametrize("size", [96, 240, 768])
def test_a_picture_is_served_as_jpeg_for_ever(client: TestClient, project: OpenProject, size: int) -> None:
    answer = client.get(f"/studio/media/{project.id}/{sha_of_first(project)}/{size}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"
    assert {"immutable", "private"} <= set(answer.headers["cache-control"].split(", "))
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("size", ["0", "97", "-96", "96.0", "%20", "99999"])
def test_other_sizes_are_not_made(client: TestClient, project: OpenProject, size: str) -> None:
    assert client.get(f"/studio/media/{project.id}/{sha_of_first(project)}/{size}").status_code == 404


@pytest.mark.parametrize("sha", ["0" * 64, "A" * 64, "0" * 63, "..%2F..%2Fproject.json", "0" * 63 + "g", "picture.png"])
def test_what_is_no_picture_of_the_project_is_not_found(client: TestClient, project: OpenProject, sha: str) -> None:
    media = Path(project.path) / "media"
    known = sha_of_first(project)
    if sha != "0" * 64 and "%" not in sha:  # it lies where a picture of that name would, and is none all the same
        (media / sha[:2]).mkdir(exist_ok=True)
        shutil.copy(media / known[:2] / known, media / sha[:2] / sha)
    assert client.get(f"/studio/media/{project.id}/{sha}/96").status_code == 404


@pytest.mark.parametrize("other", ["nobody", "..", "%2e%2e", "a" * 65])
def test_other_projects_are_not_found(client: TestClient, project: OpenProject, other: str) -> None:
    assert client.get(f"/studio/media/{other}/{sha_of_first(project)}/96").status_code == 404


def test_a_port_in_use_is_refused_and_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"{port} is in use"):
            free_port("127.0.0.1", port)
        assert free_port("127.0.0.1", None, first=port, tries=20) > port


def test_beyond_loopback_it_does_not_start(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="login"):
        launch(workspace, host="0.0.0.0")
