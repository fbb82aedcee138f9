"""Labels for many items at once in a real browser: in the Data page's grid, and in rows of what looks alike."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.walk import go

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def grid(page: Any) -> Any:
    """The grid of a fresh copy of the parts, 120 of 300 labelled."""
    go(page, "")
    page.locator(".sm-card[data-name=parts]").click()
    page.wait_for_url("**/label")
    page.locator(".lb-box img").wait_for()
    go(page, "data")
    return page


def bar(page: Any, words: str) -> None:
    page.locator(".gd-bar", has_text=words).wait_for()


def labelled(page: Any, n: int) -> None:
    page.locator(".gd-side td:nth-child(3)").filter(has_text=f"{n}").first.wait_for()


def test_a_range_is_selected_labelled_by_a_key_and_taken_back(grid: Any) -> None:
    cells = grid.locator(".gd-cell")
    cells.nth(2).click()
    cells.nth(9).click(modifiers=["Shift"])
    cells.nth(5).click()  # not that one
    bar(grid, "7 selected")
    grid.keyboard.press("4")
    bar(grid, "Labelled 7 items “rusty”")
    assert cells.nth(2).locator(".st-badge.on").inner_text() == "rusty"
    assert not cells.nth(5).locator(".st-badge.on").count()
    labelled(grid, 7)
    grid.locator("a[href='/label']", has_text="7").first.wait_for()  # the header counts along
    grid.get_by_role("button", name="Undo").click()
    bar(grid, "Undone: 7 labels")
    labelled(grid, 0)


def test_everything_that_matches_is_labelled_page_or_not(grid: Any) -> None:
    grid.set_viewport_size({"width": 740, "height": 900})  # there a page is shorter than what matches
    grid.reload()
    grid.get_by_text("Filter and search").click()
    grid.get_by_label("Labelled or not").select_option("no")
    grid.get_by_role("button", name="Select this page").click()
    bar(grid, "60 selected")
    grid.get_by_role("button", name="Select all 180").click()
    bar(grid, "180 selected")
    grid.locator(".gd-bar select").select_option("2")
    grid.get_by_role("button", name="Label", exact=True).click()
    bar(grid, "Labelled 180 items “good”")
    grid.locator(".gd .st-empty").wait_for()  # none is without a label


def test_items_like_a_text_come_first(grid: Any) -> None:
    grid.get_by_label("Which items").select_option("like")
    grid.get_by_label("Find items like this text").fill("a rusty part")
    grid.keyboard.press("Enter")
    grid.locator(".gd-cell").nth(20).wait_for(timeout=120_000)  # the model reads them first
    scores = [float(words) for words in grid.locator(".gd-cell .st-badge").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    grid.locator(".gd-cell").first.click()
    grid.keyboard.press("Escape")
    assert grid.locator(".gd-bar").inner_text() == ""


def test_a_row_gets_its_class_by_enter_another_by_a_digit_and_undo_takes_it_back(grid: Any) -> None:
    go(grid, "label")
    grid.get_by_role("button", name="Label 8 per class for me").click()
    grid.locator(".lb-toast", has_text="Labelled 48").wait_for()
    grid.get_by_role("link", name="Label in groups").click()
    grid.locator(".gp-row").first.wait_for(timeout=120_000)  # the model reads them first
    top, now = grid.locator(".gp-top span").first, grid.locator(".gp-row.now")
    assert top.inner_text().startswith("132 ")
    in_row = now.locator(".gp-item:not(.out)").count()
    now.locator(".gp-item:not(.out)").last.click()
    grid.keyboard.press("Escape")
    now.locator(".st-button.primary", has_text=str(in_row - 1)).wait_for()
    grid.locator("h1").click()
    grid.keyboard.press("Enter")
    grid.locator(".gp-given").wait_for()
    grid.locator(f"text={132 - in_row + 1} training items").wait_for()
    second = now.locator(".gp-item:not(.out)").count()
    grid.keyboard.press("2")
    grid.locator(".gp-given", has_text=f"{second} items “cracked”").wait_for()
    for _ in range(2):
        grid.keyboard.press("Backspace")
        grid.locator(".st-live", has_text="Undone").wait_for()
    grid.locator("text=132 training items").wait_for()
    assert not grid.locator(".gp-given").count()
