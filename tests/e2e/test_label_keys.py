"""The Label page's keys in a real browser: undo and redo without limit, faster than the server answers; own keys; the legend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.walk import go

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def done(page: Any, n: int) -> None:
    page.locator(".lb-done", has_text=f"{n} of 300").wait_for()


@pytest.fixture
def desk(page: Any) -> Any:
    """The Label page of a fresh copy of the messages, 104 of 300 labelled."""
    go(page, "")
    page.locator(".sm-card[data-name=messages]").click()
    page.wait_for_url("**/label")
    page.locator(".lb-box .lb-text").wait_for()
    return page


def name(page: Any) -> str:
    return str(page.inner_text(".lb-name"))


def test_undo_and_redo_without_limit_and_faster_than_the_server(desk: Any) -> None:
    names = [name(desk)]
    for n in range(12):
        desk.keyboard.press(str(n % 8 + 1))
        names.append(name(desk))
    assert len(set(names)) == 13
    for _ in range(12):
        desk.keyboard.press("Control+z")
    done(desk, 104)
    assert name(desk) == names[0]
    for _ in range(12):
        desk.keyboard.press("Control+Shift+Z")
    done(desk, 116)
    assert name(desk) == names[12]
    desk.locator(".lb-live", has_text=f"Done again: {names[11]}").wait_for()
    desk.keyboard.press("Backspace")
    desk.keyboard.press("9")  # a class that is not there: nothing
    desk.keyboard.press("1")
    desk.keyboard.press("Control+y")  # something new was done since: nothing left to do again
    desk.locator(".lb-live", has_text="nothing to do again").wait_for()
    done(desk, 116)


def test_undo_goes_on_after_a_reload_and_takes_back_many_labels_as_one(desk: Any) -> None:
    for key in "123":
        last = name(desk)
        desk.keyboard.press(key)
    desk.locator(".lb-live", has_text=f"Saved {last}").wait_for()  # the others came before it
    done(desk, 107)
    desk.reload()
    done(desk, 107)
    for _ in range(3):  # none is dropped while one is on its way
        desk.keyboard.press("Backspace")
    done(desk, 104)
    desk.keyboard.press("Control+Shift+Z")
    done(desk, 105)


def test_keys_can_be_chosen_and_the_legend_shows_them(desk: Any) -> None:
    desk.keyboard.press("?")
    keys = desk.locator("dialog.lb-keys")
    keys.wait_for()
    desk.keyboard.press("1")  # no label behind the legend
    keys.get_by_role("button", name="Skip: Space").click()
    desk.keyboard.press("s")
    keys.get_by_role("status").filter(has_text="“Skip” is S now").wait_for()
    first = str(desk.inner_text(".lb-classes button:first-child .c"))
    keys.get_by_role("button", name=f"{first}: 1").click()
    desk.keyboard.press("2")  # the second class gets the 1
    keys.get_by_role("button", name=f"{first}: 2").wait_for()
    desk.keyboard.press("Escape")
    keys.wait_for(state="detached")
    desk.reload()
    desk.locator(".lb-box .lb-text").wait_for()
    assert [desk.inner_text(f".lb-classes button:nth-child({n}) kbd") for n in (1, 2, 3)] == ["2", "1", "3"]
    assert desk.inner_text(".lb-acts [data-act=skip] kbd") == "S"
    skipped = name(desk)
    desk.keyboard.press("s")
    desk.locator(".lb-live", has_text=f"Skipped {skipped}").wait_for()
    labelled = name(desk)
    desk.keyboard.press("2")
    desk.locator(".lb-live", has_text=f"Saved {labelled} as {first}").wait_for()
    desk.locator(".lb-acts [data-act=legend]").click()
    keys.get_by_role("button", name="The usual keys").click()
    keys.get_by_role("button", name="Close").click()
    assert desk.inner_text(".lb-classes button:first-child kbd") == "1"
    done(desk, 105)


def test_the_model_picks_what_comes_next_and_every_item_comes_once(desk: Any) -> None:
    order = desk.get_by_label("In which order")
    assert order.input_value() == "pick"
    note = desk.locator(".lb-order-note", has_text="stands for most")
    note.wait_for(timeout=120_000)  # until then the model reads
    seen = []
    for n in range(35):
        seen.append(name(desk))
        desk.keyboard.press(str(n % 8 + 1))
    done(desk, 139)
    assert len(set(seen)) == 35
    order.select_option("imported")
    note.wait_for(state="detached")
    desk.locator(".lb-at", has_text="1 / 161").wait_for()
    desk.reload()
    desk.locator(".lb-box .lb-text").wait_for()
    assert order.input_value() == "imported"
