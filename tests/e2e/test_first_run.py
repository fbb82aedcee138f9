"""The guided first run: a newcomer without GPU, network or data, from the start page to the verdict, on what came with Studio."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from studio.models.catalog import DEMO
from tests.e2e.real_app import ROOT
from tests.e2e.walk import READY, go, too_wide

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not list(DEMO.glob("*.safetensors")), reason="the demo model's weights are not made yet"),
]

MOST_CLICKS = 12
PHONE = {"width": 390, "height": 844}
PICTURE = next((ROOT / "assets" / "samples" / "parts" / "pictures").iterdir())
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


class Person:
    """Clicks, and counts it."""

    def __init__(self, page: Any) -> None:
        self.page, self.clicks = page, 0

    def click(self, target: Any) -> None:
        target.click()
        self.clicks += 1


def suggestions(page: Any) -> str:
    return str(page.inner_text(".lb-suggest"))


def test_from_the_start_page_to_the_verdict_in_a_dozen_clicks_with_the_network_closed(page: Any) -> None:
    person = Person(page)
    go(page, "")
    person.click(page.locator(".sm-card[data-name=parts]"))
    page.wait_for_url("**/label")
    page.locator(".lb-said", has_text="Zero-shot").wait_for()
    page.locator(".lb-said", has_text="None of the 120 labels is in the training split").wait_for()
    # few-shot appears with the labels and changes with them
    seen = set()
    for n in range(10):
        page.keyboard.press(str(n % 6 + 1))
        page.locator(".lb-at", has_text=f"{n + 2} /").wait_for()
        page.locator(".lb-suggest:not(.busy)", has_text=f"of {n + 1} times").wait_for()
        seen.add(suggestions(page).partition("Few-shot")[2])
    assert len(seen) > 3
    page.locator(".st-steps .done", has_text="10 labelled").wait_for()  # without a reload
    for n in reversed(range(10)):  # these were no answers
        page.keyboard.press("Backspace")
        page.locator(".lb-done", has_text=f"{120 + n} of 300").wait_for()
    person.click(page.get_by_role("button", name="Label 8 per class for me"))
    page.locator(".lb-done", has_text="168 of 300").wait_for()
    person.click(page.get_by_role("link", name="Go on to Train"))
    page.locator("#train-start:not([disabled])").wait_for()
    assert page.locator("#train-start").bounding_box()["y"] < 900  # seen without scrolling
    page.get_by_label("Length").fill("30")  # what a newcomer's run takes is measured by the benches
    page.wait_for_function("document.querySelector('#train-command textarea').value.includes('steps=30')")
    person.click(page.locator("#train-start"))
    page.locator(".lr-status.running .st-bar.unknown").wait_for()  # it measures before the first step
    page.locator(".lr-status.done").wait_for(timeout=300_000)
    page.locator(".st-steps", has_text="1 done").wait_for()
    page.get_by_text("steps in").first.wait_for()  # what the mode took, without a reload
    person.click(page.locator(".lr-status").get_by_role("link", name="Compare"))
    person.click(page.locator("#compare-start:not([disabled])"))
    page.locator(".lr-report .ch-kind").first.wait_for(timeout=120_000)
    figures = page.locator(".lr-report .lr-figure").all_inner_texts()
    assert [figure.split()[0] for figure in figures] == ["Zero-shot", "Few-shot", "Fine-tuned"]
    assert person.clicks <= MOST_CLICKS
    an_upload_unmarks_what_was_clicked(page)
    faults = [fault for scheme in ("light", "dark") for name in READY for fault in faults_of(page, name, scheme)]
    page.set_viewport_size(PHONE)
    faults += [fault for name in READY for fault in faults_of(page, name, "dark")]
    assert not faults, "\n".join(faults)


def an_upload_unmarks_what_was_clicked(page: Any) -> None:
    """On the Test page."""
    go(page, "test")
    page.locator("#test-examples [data-pick]").first.click()
    page.locator("#test-answers .lr-subject").wait_for()
    assert page.locator("#test-examples [aria-current]").count() == 1
    page.set_input_files("#test-picture input[type=file]", str(PICTURE))
    page.locator("#test-answers .lr-subject").wait_for(state="detached")
    assert page.locator("#test-examples [aria-current]").count() == 0


def faults_of(page: Any, name: str, scheme: str) -> list[str]:
    """What axe finds on a page once it has settled, and what is wider than the screen."""
    page.emulate_media(color_scheme=scheme)
    go(page, name)
    for _ in range(4):
        found = Axe().run(page, options=RULES).response["violations"]
        if not found:
            break
        page.wait_for_timeout(500)  # a button that becomes enabled fades in: a fault that stays is one
    said = [f"/{name} {scheme}: {v['id']}: {v['nodes'][0]['html'][:200]} ({len(v['nodes'])} places)" for v in found]
    return [*said, *(f"/{name}: {wide}" for wide in too_wide(page))]
