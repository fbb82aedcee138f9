"""A sample from its card to labels: one click each, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.walk import field, go, too_wide

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_card_opens_a_copy_that_labels_itself_and_takes_it_back(page: Any) -> None:
    go(page, "")
    page.locator(".sm-card[data-name=messages]").click()
    page.wait_for_url("**/label")
    page.locator(".lb-done", has_text="104 of 300 labelled").wait_for()
    page.get_by_role("button", name="Label 8 per class for me").click()
    page.locator(".lb-done", has_text="168 of 300 labelled").wait_for()
    page.get_by_role("button", name="Label 8 per class for me").click()
    page.locator(".lb-toast", has_text="Labelled").wait_for()
    page.locator(".lb-done", has_text="232 of 300 labelled").wait_for()
    page.locator(".lb-toast").get_by_role("button", name="Undo").click()
    page.locator(".lb-done", has_text="168 of 300 labelled").wait_for()
    assert page.locator(".lb-toast > *").count() == 0
    page.reload()
    page.locator(".lb-done", has_text="168 of 300 labelled").wait_for()
    page.keyboard.press("Backspace")
    page.locator(".lb-done", has_text="104 of 300 labelled").wait_for()
    page.keyboard.press("Control+y")
    page.locator(".lb-done", has_text="168 of 300 labelled").wait_for()


def test_every_class_that_has_a_key_is_in_sight(page: Any) -> None:
    go(page, "")
    page.locator(".sm-card[data-name=messages]").click()
    page.wait_for_url("**/label")
    page.locator(".lb-classes button").nth(7).wait_for()
    lowest = "buttons => Math.max(...buttons.map((one) => one.getBoundingClientRect().bottom))"
    assert page.locator(".lb-classes button, .lb-acts button").evaluate_all(lowest) <= 900
    assert page.locator(".lb-classes").evaluate("list => list.scrollHeight - list.clientHeight") <= 0
    page.get_by_text("Press 1–9 to label").wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_text("Tap a class").wait_for()
    page.get_by_text("Press 1–9 to label").wait_for(state="hidden")


def test_an_empty_project_is_led_to_its_data(page: Any) -> None:
    go(page, "")
    field(page, "new-name").fill("Empty")
    page.click("#new-create")
    page.wait_for_url("**/data")
    for name in ("train", "test", "compare"):
        page.goto(f"/{name}")
        page.locator(".st-empty", has_text="Nothing has been imported yet.").get_by_role("link", name="Go to Data").wait_for()
        assert page.locator("#train-start:enabled, #compare-start:enabled").count() == 0


def test_undo_takes_labels_in_the_order_in_which_they_came(page: Any) -> None:
    go(page, "")
    page.locator(".sm-card[data-name=messages]").click()
    page.wait_for_url("**/label")
    page.get_by_role("button", name="Label 8 per class for me").click()
    page.locator(".lb-done", has_text="168 of 300 labelled").wait_for()
    page.keyboard.press("1")
    page.locator(".lb-live", has_text="Saved").wait_for()
    page.keyboard.press("Backspace")
    page.locator(".lb-live", has_text="Undone").wait_for()
    assert page.inner_text(".lb-done").startswith("168 of ")
    page.keyboard.press("Backspace")
    page.locator(".lb-done", has_text="104 of 300 labelled").wait_for()


def test_the_cards_fit_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    go(page, "")
    page.locator(".sm-card[data-name=messages]").wait_for()
    assert too_wide(page) == []
