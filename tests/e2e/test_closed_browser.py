"""A run goes on when the browser that began it is closed, and every tab of the next one shows where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import watched
from tests.e2e.real_app import CHROMIUM, FLAGS, running_app
from tests.e2e.walk import go, start_lora, step
from tests.faults.training import prepared

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS = 600
BEYOND = "(at) => Number(document.querySelector('.lr-facts')?.innerText.match(/Step\\s+(\\d+) of/)?.[1]) > at"


def test_a_run_outlives_its_browser_and_every_tab_of_the_next_shows_it(browser: Any, tmp_path: Path) -> None:
    workspace, _, model = prepared(tmp_path)
    project = workspace.project()
    assert project is not None
    project.choose_model(model)
    workspace.close()
    # one of its own, as the tests share theirs
    first = browser.browser_type.launch(executable_path=str(CHROMIUM), args=FLAGS)
    with running_app(tmp_path / "home") as address:
        page = first.new_page(base_url=address)
        start_lora(page, steps=STEPS, batch_size=4)
        page.wait_for_function(BEYOND, arg=0)
        before = step(page)
        first.close()
        with watched(browser, address) as one:
            go(one, "train")
            one.locator(".lr-status.running").wait_for()
            one.wait_for_function(BEYOND, arg=before)  # it has gone on, and goes on
            other = one.context.new_page()
            go(other, "train")
            other.locator(".lr-status.running").wait_for()
            other.wait_for_function(BEYOND, arg=step(one))
            for tab in (one, other):
                tab.bring_to_front()
                tab.locator(".lr-status.done").wait_for(timeout=180_000)
                assert step(tab) == STEPS
                assert tab.locator("#run-monitor [data-run]").count() == 1
