"""Two people in two browsers at one project: names, a race, second opinions, settling; and what stands beside an item."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.walk import go

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def label(page: Any) -> Any:
    """The Label page of a fresh copy of the messages, as imported, so that two people get the same items."""
    go(page, "")
    page.locator(".sm-card[data-name=messages]").click()
    page.wait_for_url("**/label")
    page.locator(".lb-box .lb-text").wait_for()
    with page.expect_response(lambda answer: "open_desk" in (answer.request.post_data or "")):
        page.get_by_label("In which order").select_option("imported")
    page.wait_for_function("document.querySelector('.lb-choices select:nth-child(2)').value === 'imported'")
    page.locator(".lb-box .lb-text").wait_for()
    return page


def named(page: Any, name: str) -> None:
    page.locator(".lb-who").click()
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.locator(".lb-who", has_text=f"as {name}").wait_for()


def said(page: Any, words: str) -> None:
    page.locator(".lb-live", has_text=words).wait_for()


def test_two_people_hand_each_other_nothing_disagree_and_settle(label: Any) -> None:
    ann, ben = label, label.context.browser.new_context(base_url=label.url.removesuffix("label")).new_page()
    try:
        named(ann, "Ann")
        ben.goto("label")
        ben.locator(".lb-box .lb-text").wait_for()
        named(ben, "Ben")
        hers, his = ann.locator(".lb-name"), ben.locator(".lb-name")
        assert hers.inner_text() != his.inner_text()  # what she holds is not handed to him
        ann.get_by_label("Which items").select_option("all")
        ben.get_by_label("Which items").select_option("all")
        ann.locator(".lb-at", has_text="/ 300").wait_for()
        ben.locator(".lb-at", has_text="/ 300").wait_for()
        for page in (ann, ben):  # the first item without a label, at the same time
            while page.locator(".lb-classes [aria-pressed=true]").count():
                page.keyboard.press("ArrowRight")
                page.wait_for_timeout(60)
        name = hers.inner_text()
        assert name == his.inner_text()
        ann.keyboard.press("1")
        said(ann, f"Saved {name}")
        ben.keyboard.press("2")
        said(ben, "as Ann meanwhile said")
        ben.locator(".lb-toast", has_text=f"You say that {name} is").get_by_role("link", name="Settle it").click()
        ben.locator(".ag .ck-card", has_text=name).wait_for()
        ben.locator(".ag-pairs", has_text="agree on 0 % of 1 item").wait_for()
        ben.keyboard.press("2")
        ben.locator(".st-live", has_text=f"Settled {name}").wait_for()
        ben.locator("h2", has_text="To settle: 0").wait_for()
        ben.keyboard.press("Backspace")
        ben.locator("h2", has_text="To settle: 1").wait_for()
        ben.keyboard.press("Control+Shift+Z")
        ben.locator(".st-live", has_text=f"Done again: your act on {name}").wait_for()
        ben.locator("h2", has_text="To settle: 0").wait_for()
    finally:
        ben.context.close()


def test_two_browsers_of_one_name_are_told_so(label: Any) -> None:
    other = label.context.browser.new_context(base_url=label.url.removesuffix("label")).new_page()
    try:
        assert not label.locator(".lb-toast").inner_text()
        other.goto("label")
        other.locator(".lb-toast", has_text="in another browser too").get_by_role("button", name="Give a name").click()
        other.get_by_label("Your name").fill("Ben")
        other.get_by_role("button", name="Save").click()
        other.locator(".lb-who", has_text="as Ben · 1 other at work").wait_for()
        other.evaluate("localStorage.removeItem('studio.author')")
        other.reload()
        other.locator(".lb-toast", has_text="in another browser too").wait_for()
        label.keyboard.press("1")
        label.locator(".lb-toast", has_text="in another browser too").wait_for()
        label.locator(".lb-who", has_text="in two browsers").wait_for()
    finally:
        other.context.close()


def test_undo_does_not_take_back_another_act_than_the_one_that_is_meant(label: Any) -> None:
    ann, ben = label, label.context.browser.new_context(base_url=label.url.removesuffix("label")).new_page()
    try:
        named(ann, "Ann")
        for key in "12":
            name = ann.locator(".lb-name").inner_text()
            ann.keyboard.press(key)
            said(ann, f"Saved {name}")
        ben.goto("label")
        ben.locator(".lb-box .lb-text").wait_for()
        named(ben, "Ben")
        ben.get_by_label("Which items").select_option("all")
        ben.locator(".lb-at", has_text="/ 300").wait_for()
        while ben.locator(".lb-name").inner_text() != name:
            ben.keyboard.press("ArrowRight")
            ben.wait_for_timeout(60)
        ben.keyboard.press("3")  # he sees what she said, and says something else
        said(ben, f"Saved {name}")
        done = ann.locator(".lb-done").inner_text()
        ann.keyboard.press("Backspace")
        said(ann, f"since said something of {name}: nothing was taken back.")
        assert ann.locator(".lb-name").inner_text() == name and ann.locator(".lb-done").inner_text() == done
        third = ann.locator(".lb-classes [data-k] .c").nth(2).inner_text()
        ann.locator(".lb-classes [aria-pressed=true]", has_text=third).wait_for()
        ann.keyboard.press("Backspace")
        said(ann, "Undone: ")
        assert ann.locator(".lb-name").inner_text() != name
    finally:
        ben.context.close()


def test_what_stands_beside_an_item(label: Any) -> None:
    name, done = label.locator(".lb-name").inner_text(), int(label.locator(".lb-done").inner_text().split(" of ")[0])
    label.keyboard.press("n")
    label.get_by_label("Note: Enter saves").fill("ask Jo 123")  # digits in a field label nothing
    label.keyboard.press("Enter")
    said(label, "Saved the note")
    label.keyboard.press("0")
    said(label, f"Saved {name} as none of these")
    label.locator(".lb-done", has_text=f"{done + 1} of 300").wait_for()
    label.keyboard.press("Backspace")
    label.locator(".lb-done", has_text=f"{done} of 300").wait_for()
    label.keyboard.press("h")
    events = label.locator("dialog .lb-events li")
    events.nth(2).wait_for()
    assert [row.split("\n")[0].strip() for row in events.all_inner_texts()] == [
        "me noted “ask Jo 123”", "me said none of these", "me took back: “said none of these”",
    ]  # fmt: skip
    label.keyboard.press("Escape")
    label.keyboard.press("g")
    label.locator("dialog textarea").first.fill("Anything about the card itself")
    label.locator("dialog").get_by_role("button", name="Save").click()
    label.locator(".lb-classes small", has_text="Anything about the card itself").wait_for()
    label.get_by_label("Which items").select_option("search")
    label.get_by_label("Search in texts, names and notes").fill("no such words (")
    label.keyboard.press("Enter")
    label.locator(".lb-box .st-empty", has_text="Nothing has these words").wait_for()
    label.get_by_label("Search in texts, names and notes").fill("card")
    label.keyboard.press("Enter")
    label.locator(".lb-text mark").first.wait_for()
    assert {words.lower() for words in label.locator(".lb-text mark").all_inner_texts()} == {"card"}
