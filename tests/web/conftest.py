"""The real app in a process of its own, with a login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from studio.workspace.accounts import Accounts
from tests.e2e.real_app import running_app

NAME, PASSWORD = "ann", "three plain words"


class Served:
    """The app's address, a client that is signed in and one that is not."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log
        self.stranger = httpx.Client(base_url=url, timeout=20)
        self.inside = httpx.Client(base_url=url, timeout=20)

    def sign_in(self, on: str = "/") -> httpx.Response:
        return self.inside.post("/login", data={"name": NAME, "password": PASSWORD, "next": on})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served") / "home"
    Accounts(home / "accounts.json").set(NAME, PASSWORD)
    with running_app(home, "--auth") as url:
        made = Served(url, home.with_name("home.log"))
        made.sign_in()
        yield made
        made.stranger.close()
        made.inside.close()
