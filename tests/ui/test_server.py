from __future__ import annotations

import math
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.core.errors import BadInput
from studio.ui import launch
from studio.ui.server import FUNCTIONS, add_functions_route, add_media_route, free_port
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


def with_functions(*functions: Callable[[Any], Any]) -> FastAPI:
    """An app with one widget, number 1, of these functions."""
    app, demo = FastAPI(openapi_url=None), SimpleNamespace(blocks={1: SimpleNamespace(server_fns=functions)})
    add_functions_route(app, demo)  # type: ignore[arg-type]
    return app


def asked(name: str) -> dict[str, Any]:
    return {"component_id": 1, "fn_name": name, "data": {}}


@pytest.mark.parametrize("what", ["suggestions", "pictures"])
def test_an_act_does_not_wait_for_fifty_people_who_wait_for(what: str) -> None:
    over, waiting = Event(), list[int]()

    def suggest(payload: Any) -> dict[str, Any]:
        waiting.append(1)
        over.wait(60)
        return {}

    def act(payload: Any) -> dict[str, Any]:
        return {"ok": True}

    app = with_functions(suggest, act)
    add_media_route(app, SimpleNamespace(project=suggest))  # type: ignore[arg-type]

    async def fifty_and_one() -> Any:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://x", timeout=60) as client,
            anyio.create_task_group() as all,
        ):
            for _ in range(50):
                if what == "suggestions":
                    all.start_soon(lambda: client.post(FUNCTIONS, json=asked("suggest")))
                else:
                    all.start_soon(client.get, f"/studio/media/x/{'0' * 64}/96")
            try:
                while not waiting:
                    await anyio.sleep(0.01)
                await anyio.sleep(0.2)
                with anyio.fail_after(20):
                    return (await client.post(FUNCTIONS, json=asked("act"))).json()
            finally:
                over.set()

    assert anyio.run(fifty_and_one) == {"ok": True}


def test_an_answer_is_sent_whatever_numbers_and_characters_are_in_it() -> None:
    def look(payload: Any) -> dict[str, Any]:
        return {"loss": [math.nan, (1.5, -math.inf)], "of": {"half": "a\ud800b"}, "whole": "é"}

    answer = TestClient(with_functions(look)).post(FUNCTIONS, json=asked("look"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"loss": [None, [1.5, None]], "of": {"half": "a?b"}, "whole": "é"}


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
