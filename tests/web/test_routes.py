"""Every route of the running app, Gradio's own included: closed to strangers, to other sites and under other names."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from studio.settings import Settings
from studio.ui.guard import LARGEST_BODY, MEGABYTE, UPLOADS
from studio.ui.login import OUT, PATH
from studio.ui.server import FUNCTIONS
from tests.e2e.real_app import ROOT
from tests.web.conftest import Served

pytestmark = pytest.mark.slow  # starts the whole app

DOORS = (PATH, OUT)
CLOSED = {
    "default-src": "'self'",
    "script-src-attr": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
    "worker-src": "'self' blob:",
}


@pytest.fixture(scope="module")
def walked() -> list[tuple[str, str]]:
    # a process of its own: Gradio leaves event loops and sockets open
    made = subprocess.run([sys.executable, "-m", "tests.web.routes"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [(method, path) for method, path in json.loads(made.stdout) if path not in DOORS]
    assert len(found) > 80, "the walk has lost Gradio's own routes"
    assert ("GET", "/studio/media/x/x/x") in found and any(path.startswith("/gradio_api/queue") for _, path in found)
    return found


def test_no_route_is_open_to_a_stranger(served: Served, walked: list[tuple[str, str]]) -> None:
    for method, path in walked:
        refused = 403 if "/proxy=" in path else 401  # to nobody
        assert served.stranger.request(method, path).status_code == refused, (method, path)


def test_no_route_takes_a_request_of_another_site(served: Served, walked: list[tuple[str, str]]) -> None:
    for method, path in walked:
        answer = served.inside.request(method, path, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403, (method, path)


def test_no_route_answers_under_another_name(served: Served, walked: list[tuple[str, str]]) -> None:
    for method, path in [*walked, ("GET", PATH), ("POST", PATH)]:
        answer = served.inside.request(method, path, headers={"host": "evil.example"})
        assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize("path", ["/", "/gradio_api/component_server", "/gradio_api/queue/join"])
def test_what_a_browser_asks_before_a_request_of_another_site_is_refused_too(served: Served, path: str) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    here, there = served.url, "https://evil.example"
    for client in (served.stranger, served.inside):
        for headers in ({"origin": there}, {"origin": there, "host": "evil.example"}, {"origin": "http://localhost:1"}):
            answer = client.options(path, headers={**asked, **headers})
            assert answer.status_code == 403 and "default-src" in answer.headers["content-security-policy"], headers
            assert not [name for name in answer.headers if name.startswith("access-control")]
    assert served.stranger.options(path, headers={**asked, "origin": here}).status_code == 401


def test_who_is_signed_in_is_served(served: Served) -> None:
    for path in ("/", "/data", "/label", "/train", "/compare", "/config", "/theme.css"):
        assert served.inside.get(path).status_code == 200, path


def test_every_answer_says_what_its_page_may_load(served: Served) -> None:
    for client, path in ((served.inside, "/"), (served.inside, "/theme.css"), (served.stranger, "/"), (served.stranger, PATH)):
        policy = client.get(path).headers["content-security-policy"]
        said = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert "http" not in policy and "*" not in policy
        assert {name: said[name] for name in CLOSED} == CLOSED and set(said["connect-src"].split()) <= {
            "'self'",
            "data:",
            "blob:",
        }


def test_a_body_that_is_too_large_is_refused_whatever_it_says_of_itself(served: Served) -> None:
    path = "/gradio_api/component_server"
    assert served.inside.post(path, content=b" " * (LARGEST_BODY + 1)).status_code == 413
    sent, answer, piece = 0, b"", b"10000\r\n" + b" " * 65_536 + b"\r\n"
    with asking(served, path, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") as endless:
        while not answer and sent < 8 * LARGEST_BODY:
            endless.settimeout(20)
            try:
                endless.sendall(piece)
                sent += 65_536
                endless.settimeout(0.001)
                answer = endless.recv(64)
            except TimeoutError:  # it listens on
                continue
    assert b" 413 " in answer and LARGEST_BODY < sent < 8 * LARGEST_BODY
    assert served.inside.get("/").status_code == 200


@contextmanager
def asking(served: Served, path: str, headers: str) -> Iterator[socket.socket]:
    """A request of who is signed in, whose head alone has been sent."""
    with socket.create_connection(("127.0.0.1", urlsplit(served.url).port or 0), timeout=20) as opened:
        cookies = "; ".join(f"{name}={value}" for name, value in served.inside.cookies.items())
        head = f"POST {path} HTTP/1.1\r\nHost: {urlsplit(served.url).netloc}\r\nCookie: {cookies}\r\n"
        opened.sendall(f"{head}{headers}\r\n".encode())
        yield opened


def test_an_upload_that_is_too_large_is_refused_by_what_it_says_of_itself(served: Served) -> None:
    largest = Settings(home=Path("unused")).max_upload_mb * MEGABYTE
    for more, taken in ((-MEGABYTE, True), (2 * MEGABYTE, False)):
        said = f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {largest + more}\r\n"
        with asking(served, UPLOADS, said) as upload:
            upload.settimeout(2 if taken else 20)
            try:
                answer = upload.recv(64)
            except TimeoutError:  # it waits for the rest
                answer = b""
        assert (b" 413 " not in answer) is taken, answer


@pytest.mark.parametrize("slash", ["", "/"])
def test_what_a_widget_asks_is_answered_and_what_is_no_function_of_one_is_refused(served: Served, slash: str) -> None:
    blocks = served.inside.get("/config").json()["components"]
    number = next(one["id"] for one in blocks if one["props"].get("elem_id") == "labeler")
    other = next(one["id"] for one in blocks if one["type"] == "button")

    def ask(body: bytes) -> httpx.Response:
        return served.inside.post(f"{FUNCTIONS}{slash}", content=body, headers={"content-type": "application/json"})

    def call(component: object, function: object) -> httpx.Response:
        return ask(json.dumps({"data": {}, "component_id": component, "fn_name": function, "session_hash": "x"}).encode())

    assert call(number, "open_desk").json() == {"ok": True, "project": None}
    for component, function in ((number, "get_config"), (number, "fn"), (other, "open_desk"), (10**9, "act"), (None, None)):
        assert call(component, function).status_code == 404, (component, function)
    unnamed = b'{"component_id": [], "fn_name": {}, "data": 1}'
    for body in (b"", b"[", b"[]", b"null", b"{}", unnamed, b"[" * 100_000, b"\xff"):
        assert ask(body).status_code == 400, body[:20]
    assert call(number, "open_desk").status_code == 200


@pytest.mark.parametrize("path", [FUNCTIONS, PATH])
def test_a_request_that_breaks_off_is_no_fault_of_the_servers(served: Served, path: str) -> None:
    before = len(served.log.read_text())
    for length, begun in (("Content-Length: 1000", b"{"), ("Transfer-Encoding: chunked", b"5\r\n{")):
        with asking(served, path, f"Content-Type: application/json\r\n{length}\r\n") as broken:
            broken.sendall(begun)
            time.sleep(0.3)  # until it waits for the rest
    time.sleep(0.3)
    assert served.inside.get("/").status_code == 200
    assert "Traceback" not in served.log.read_text()[before:]
