"""Signing in and out, guessing, and the file that says who may."""

from __future__ import annotations

import asyncio
import stat
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import argon2
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from studio.core.errors import BadInput, NotFound, ProjectError
from studio.settings import Settings
from studio.ui import doorkeeper
from studio.ui.login import PATH, STARTED, TRIES, TRIES_OF_ALL, Login
from studio.workspace import Workspace
from studio.workspace.accounts import Accounts
from tests.web.conftest import NAME, PASSWORD, Served


def test_a_stranger_who_looks_at_a_page_is_shown_where_to_sign_in_and_comes_back_to_it(served: Served) -> None:
    answer = served.stranger.get("/label?x=1", headers={"accept": "text/html"})
    assert answer.status_code == 401 and 'value="/label?x=1"' in answer.text and 'type="password"' in answer.text
    assert served.sign_in(on="/label?x=1").headers["location"] == "/label?x=1"


@pytest.mark.parametrize(
    "on", ["https://evil.example", "//evil.example", "/\\evil.example", "/\r\nset-cookie: a=b", "javascript:1", ""]
)
def test_nobody_is_sent_elsewhere_after_signing_in(served: Served, on: str) -> None:
    assert served.sign_in(on=on).headers["location"] == "/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(served: Served) -> None:
    cookie = served.sign_in().headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie


def test_who_signs_out_is_out_with_that_session_alone(served: Served) -> None:
    other = served.sign_in().cookies
    with httpx.Client(base_url=served.url) as client:
        client.cookies.update(other)
        assert client.get("/").status_code == 200
        served.sign_in()
        assert client.post("/logout").headers["location"] == PATH
        client.cookies.update(other)
        assert client.get("/").status_code == 401
    assert served.inside.get("/").status_code == 200


def test_who_guesses_has_to_wait_and_the_right_password_too(served: Served) -> None:
    answers = [served.stranger.post(PATH, data={"name": NAME, "password": f"guess {n}"}).status_code for n in range(TRIES + 1)]
    assert answers == [401] * TRIES + [429]
    late = served.stranger.post(PATH, data={"name": NAME, "password": PASSWORD})
    assert late.status_code == 429 and int(late.headers["retry-after"]) > 0


def test_who_guesses_from_many_addresses_has_to_wait(tmp_path: Path) -> None:
    """Which address it is, a proxy says, and through a tunnel the one who asks."""
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.sign_in = lambda name, password: None  # type: ignore[method-assign]  # argon2 takes its time
    door = Login(PlainTextResponse("inside"), accounts, 1)
    for n in range(TRIES_OF_ALL):
        assert TestClient(door, client=(f"192.0.2.{n}", 1)).post(PATH, data={"name": NAME, "password": "x"}).status_code == 401
    assert TestClient(door, client=("198.51.100.1", 1)).post(PATH, data={"name": NAME, "password": PASSWORD}).status_code == 429


def test_who_asks_many_times_at_once_is_counted_each_time_and_one_password_is_tried_at_a_time(tmp_path: Path) -> None:
    accounts, at_work, most = Accounts(tmp_path / "accounts.json"), threading.Semaphore(1), TRIES + 5
    together: list[bool] = []

    def slowly(name: str, password: str) -> None:
        together.append(not at_work.acquire(blocking=False))
        time.sleep(0.01)
        at_work.release()

    accounts.sign_in = slowly  # type: ignore[method-assign]

    async def all_at_once() -> list[httpx.Response]:
        door = httpx.ASGITransport(Login(PlainTextResponse("inside"), accounts, 1), client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1") as client:
            return await asyncio.gather(*(client.post(PATH, data={"name": NAME, "password": str(n)}) for n in range(most)))

    answers = Counter(answer.status_code for answer in asyncio.run(all_at_once()))
    assert answers == {401: TRIES, 429: most - TRIES}
    assert together == [False] * TRIES


def test_a_name_that_nobody_has_takes_a_hash_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.set(NAME, PASSWORD)
    hashed, real = [], argon2.PasswordHasher.verify

    def verify(self: argon2.PasswordHasher, kept: str, password: str) -> bool:
        hashed.append(argon2.extract_parameters(kept))
        return real(self, kept, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    assert [accounts.sign_in(name, "a guess of mine") for name in (NAME, "nobody")] == [None, None]
    assert len(hashed) == 2 and hashed[0] == hashed[1]


def test_the_cookie_travels_over_tls_alone_where_there_is_tls(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.set(NAME, PASSWORD)
    form = {"name": NAME, "password": PASSWORD}
    for address, secure in (("https://studio.example.org", True), ("http://127.0.0.1", False)):
        client = TestClient(Login(PlainTextResponse("inside"), accounts, 1), base_url=address, follow_redirects=False)
        assert ("secure" in client.post(PATH, data=form).headers["set-cookie"].lower()) is secure


def test_a_form_that_is_no_name_and_password_is_refused(served: Served) -> None:
    for content in (b"&".join(b"a=b" for _ in range(9)), b"name=" + b"x" * 9_000):
        head = {"content-type": "application/x-www-form-urlencoded"}
        assert served.stranger.post(PATH, content=content, headers=head).status_code == 413


def test_what_stands_in_the_file_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "home" / "accounts.json"
    accounts = Accounts(path)
    accounts.set(NAME, PASSWORD)
    token = accounts.sign_in(NAME, PASSWORD)
    assert token and accounts.signed_in(token) == NAME
    kept = path.read_text("utf-8")
    assert PASSWORD not in kept and token not in kept and "$argon2id$" in kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert accounts.signed_in("") is None and accounts.signed_in("x") is None
    assert accounts.sign_in(NAME, PASSWORD + " ") is None and accounts.sign_in("ben", PASSWORD) is None


def test_sessions_outlast_a_restart_and_end_with_the_password_or_the_account(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    accounts, elsewhere = Accounts(path), Accounts(path)
    accounts.set(NAME, PASSWORD)
    token = accounts.sign_in(NAME, PASSWORD) or ""
    assert elsewhere.signed_in(token) == NAME
    elsewhere.set(NAME, "another password")
    assert accounts.signed_in(token) is None and accounts.sign_in(NAME, PASSWORD) is None
    token = accounts.sign_in(NAME, "another password") or ""
    elsewhere.remove(NAME)
    assert accounts.signed_in(token) is None and accounts.names() == ()
    with pytest.raises(NotFound):
        accounts.remove(NAME)


def test_no_more_sessions_are_kept_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.workspace.accounts.MOST_SESSIONS", 2)
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.set(NAME, PASSWORD)
    tokens = [accounts.sign_in(NAME, PASSWORD) or "" for _ in range(3)]
    assert [accounts.signed_in(token) for token in tokens] == [None, NAME, NAME]


def test_a_session_ends_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.set(NAME, PASSWORD)
    monkeypatch.setattr("studio.workspace.accounts.SESSION_S", -1)
    assert accounts.signed_in(accounts.sign_in(NAME, PASSWORD) or "") is None


@pytest.mark.parametrize("spoilt", [False, True])
def test_what_is_streamed_ends_with_the_session(tmp_path: Path, spoilt: bool) -> None:
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.set(NAME, PASSWORD)
    token = accounts.sign_in(NAME, PASSWORD)
    assert token is not None

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        async def piece(text: bytes) -> None:
            await send({"type": "http.response.body", "body": text, "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": []})
        await piece(b"before")
        (tmp_path / "accounts.json").write_text("?") if spoilt else accounts.sign_out(token)
        await piece(b"after")
        assert (await receive())["type"] == "http.disconnect"
        await piece(b"later")

    client = TestClient(Login(told, accounts, 1), cookies={"studio_session_1": token})
    assert client.get("/").text == "before"


@pytest.mark.parametrize(("name", "password"), [("ann", "short"), ("", PASSWORD), ("import", PASSWORD), ("ann", "x" * 1001)])
def test_what_is_no_account_is_refused(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(BadInput):
        Accounts(tmp_path / "accounts.json").set(name, password)
    assert not (tmp_path / "accounts.json").exists()


def test_a_spoilt_file_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text("{}")
    with pytest.raises(ProjectError, match="cannot be read"):
        Accounts(path).signed_in("x")
    client = TestClient(Login(PlainTextResponse("inside"), Accounts(path), 1), cookies={"studio_session_1": "x"})
    for answer in (client.get("/"), client.get(PATH), client.post(PATH, data={"name": NAME, "password": PASSWORD})):
        assert answer.status_code == 503 and "Traceback" not in answer.text


def test_what_gradio_asks_of_itself_is_asked_by_this_computer_alone(tmp_path: Path) -> None:
    guarded = Login(PlainTextResponse("inside"), Accounts(tmp_path / "accounts.json"), 1)
    assert TestClient(guarded, client=("192.0.2.7", 1)).get(STARTED).status_code == 401
    here = TestClient(guarded, client=("127.0.0.1", 1))
    assert [here.get(STARTED).status_code for _ in range(2)] == [200, 401]


@pytest.mark.parametrize(("host", "share"), [("0.0.0.0", False), ("192.0.2.1", False), ("127.0.0.1", True)])
def test_beyond_this_computer_it_demands_a_login(workspace: Workspace, host: str, share: bool) -> None:
    with pytest.raises(BadInput, match="login"):
        doorkeeper(Workspace(replace(workspace.settings, login=False)), host, share)


def test_a_public_address_is_not_for_who_stays_offline(workspace: Workspace) -> None:
    with pytest.raises(BadInput, match="offline"):
        doorkeeper(workspace, "127.0.0.1", share=True)


def test_the_first_account_is_made_and_its_password_shown_once(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    accounts = doorkeeper(workspace, "0.0.0.0", share=False)
    assert accounts is not None and accounts.names() == ("me",)
    password = capsys.readouterr().out.split("with the password ")[1].split(",")[0]
    assert accounts.sign_in("me", password)
    doorkeeper(workspace, "0.0.0.0", share=False)
    assert capsys.readouterr().out == ""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(Settings(home=tmp_path / "home", offline=True, login=True))
