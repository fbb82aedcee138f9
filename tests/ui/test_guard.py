from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.ui.guard import Guard

PORT = 7860
HERE = f"127.0.0.1:{PORT}"


@pytest.fixture
def client() -> TestClient:
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse("served")

    guard = Middleware(Guard, port=lambda: PORT)
    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST", "PUT", "DELETE"])], middleware=[guard])
    return TestClient(app, base_url=f"http://{HERE}")


@pytest.mark.parametrize("host", [HERE, f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}"])
def test_loopback_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1:80", "127.0.0.1", "", "[::1", "127.0.0.1:x"])
def test_foreign_hosts_and_ports_are_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"http://evil.example:{PORT}", "null", "http://[", f"http://127.0.0.1:{PORT + 1}"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_foreign_origins_reach_nothing(client: TestClient, origin: str, method: str) -> None:
    assert client.request(method, "/", headers={"origin": origin}).status_code == 403


def test_the_same_origin_may_post(client: TestClient) -> None:
    assert client.post("/", headers={"origin": f"http://{HERE}"}).status_code == 200


def test_a_script_without_origin_may_post(client: TestClient) -> None:
    assert client.post("/").status_code == 200


def test_a_cross_site_post_without_origin_is_refused(client: TestClient) -> None:
    assert client.post("/", headers={"sec-fetch-site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/gradio_api/file=http://evil.example/x", "/file=HTTPS%3A//evil.example/x", "/gradio_api/proxy=http://evil.example"]
)
def test_remote_addresses_are_not_fetched(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 403


def test_answers_and_refusals_carry_security_headers(client: TestClient) -> None:
    for answer in (client.get("/"), client.get("/", headers={"host": "evil.example"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
