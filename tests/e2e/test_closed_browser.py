"""A run goes on when the browser that began it is closed, and every tab of the next one shows where it is; one whose server died
is said to be interrupted, and goes on with the next server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.conftest import watched
from tests.e2e.real_app import CHROMIUM, FLAGS, free_port, running_app
from tests.e2e.walk import go, start_lora, step
from tests.faults.server_memory import server_at
from tests.faults.training import prepared

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS, FEW = 600, 150
BEYOND = "(at) => Number(document.querySelector('.lr-facts')?.innerText.match(/Step\\s+(\\d+) of/)?.[1]) > at"


def test_a_run_outlives_its_browser_and_every_tab_of_the_next_shows_it(browser: Any, tmp_path: Path) -> None:
    _project(tmp_path)
    # one of its own, as the tests share theirs
    first = browser.browser_type.launch(executable_path=str(CHROMIUM), args=FLAGS)
    with running_app(tmp_path / "home") as address:
        page = first.new_page(base_url=address)
        page.set_default_timeout(120_000)  # it loads a model first, and others may be at work
        start_lora(page, steps=STEPS, batch_size=4)
        page.wait_for_function(BEYOND, arg=0)
        before = step(page)
        first.close()
        with watched(browser, address) as one:
            one.set_default_timeout(120_000)
            go(one, "train")
            one.locator(".lr-status.running").wait_for()
            one.wait_for_function(BEYOND, arg=before)  # it has gone on, and goes on
            other = one.context.new_page()
            other.set_default_timeout(120_000)
            go(other, "train")
            other.locator(".lr-status.running").wait_for()
            other.wait_for_function(BEYOND, arg=step(one))
            for tab in (one, other):
                tab.bring_to_front()
                tab.locator(".lr-status.done").wait_for(timeout=180_000)
                assert step(tab) == STEPS
                assert tab.locator("#run-monitor [data-run]").count() == 1


def test_a_page_that_stays_open_tells_that_the_server_died_and_the_next_server_resumes_the_run(
    browser: Any, tmp_path: Path
) -> None:
    _project(tmp_path)
    port = str(free_port())
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}")
    page = context.new_page()
    page.set_default_timeout(120_000)
    try:
        with running_app(tmp_path / "home", "--port", port) as address:
            start_lora(page, FEW, batch_size=4)
            page.wait_for_function(BEYOND, arg=0)
            server = server_at(address)
            below = server.children(recursive=True)
            server.kill()
            psutil.wait_procs([server, *below], timeout=10)
        assert not [one for one in below if one.is_running()], "a killed server leaves a process"
        before = step(page)
        with running_app(tmp_path / "home", "--port", port):
            page.locator(".lr-status.interrupted").wait_for()
            page.locator("#run-monitor").get_by_role("button", name="Resume").click()
            page.locator(".lr-status.running").wait_for()
            page.wait_for_function(BEYOND, arg=before)
            page.locator(".lr-status.done").wait_for()
            assert step(page) == FEW
            assert page.locator("#run-monitor [data-run]").count() == 1
    finally:
        context.close()


def _project(root: Path) -> None:
    """Of pictures, with a small model chosen."""
    workspace, _, model = prepared(root)
    project = workspace.project()
    assert project is not None
    project.choose_model(model)
    workspace.close()
