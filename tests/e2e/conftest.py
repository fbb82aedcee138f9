"""A browser page on the real app, and what must never happen on it: script errors, console errors, calls to elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.real_app import CHROMIUM, chromium, running_app

LEAVING = (
    "AbortError: signal is aborted",
    "AbortError: BodyStreamBuffer was aborted",
    "Unexpected error Connection errored out.",
)
"""What Gradio logs when a page is left while a question of its own is open; a server's error is logged in other words."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    with chromium() as opened:
        yield opened


@pytest.fixture
def studio(browser: Any, tmp_path: Path) -> Iterator[str]:
    """The app's address; an empty home of its own, offline, and the network closed to it: one that tries fails the test.

    Asks for the browser first: without one nothing is started.
    """
    calls = tmp_path / "calls"
    with running_app(tmp_path / "home", calls=calls) as address:
        yield address
    assert calls.read_text() == "", "the app called out"


@pytest.fixture
def page(browser: Any, studio: str) -> Iterator[Any]:
    with watched(browser, studio) as opened:
        yield opened


@contextmanager
def watched(browser: Any, address: str) -> Iterator[Any]:
    """A desktop page that collects faults, and what it or a tab beside it asks elsewhere.

    Raises AssertionError at its end where there was one.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address)
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(f"script: {error}"))
    opened.on("console", lambda said: faults.append(f"console: {said.text}") if _is_fault(said) else None)
    context.on("request", lambda request: None if _inside(request.url, address) else faults.append(f"called out: {request.url}"))
    yield opened
    context.close()
    assert not faults, "\n".join(faults)


def _is_fault(said: Any) -> bool:
    return said.type == "error" and not said.text.startswith(LEAVING)


def _inside(url: str, studio: str) -> bool:
    return url.startswith((f"{studio}/", "data:", "blob:"))
