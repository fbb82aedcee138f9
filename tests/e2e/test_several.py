"""The Label page of a multi-label project in a real browser: keys choose classes and take them off, and none is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from studio.core.types import ImportOptions
from studio.data.store import Store
from studio.settings import Settings
from studio.workspace import Workspace
from tests.e2e.walk import go

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXTS = 24
APART_MS = 25


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of 24 texts and three classes, which the app opens as the last one."""
    (tmp_path / "rows.csv").write_text("text\n" + "".join(f"What is said in text {n}\n" for n in range(TEXTS)), "utf-8")
    workspace = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    made = workspace.create_project("Requests", "text-multi-label")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions(split="train"))
    for name in ("urgent", "billing", "thanks"):
        made.labelling.add_class(name)
    made.picking.set_order("imported")
    workspace.close()
    return Path(made.path)


@pytest.fixture
def desk(project: Path, page: Any) -> Any:
    go(page, "label")
    page.locator(".lb-box .lb-text").wait_for()
    return page


def labels(project: Path) -> list[str | None]:
    """As they are on disk."""
    connection = sqlite3.connect(f"file:{project / 'studio.db'}?mode=ro", uri=True)
    rows = connection.execute("SELECT c.name FROM items i LEFT JOIN classes c ON c.id = i.class ORDER BY i.id").fetchall()
    connection.close()
    return [row[0] for row in rows]


CHOSEN = '.lb-classes [aria-pressed="true"] .c'
PRESSED = "([css, names]) => names === [...document.querySelectorAll(css)].map((c) => c.textContent).join()"


def pressed(page: Any, *names: str) -> None:
    """Just these classes are, once the item is drawn."""
    page.wait_for_function(PRESSED, arg=[CHOSEN, ",".join(names)])


def at(page: Any, n: int) -> None:
    page.locator(".lb-at", has_text=f"{n} / {TEXTS}").wait_for()


def done(page: Any, n: int) -> None:
    page.locator(".lb-done", has_text=f"{n} of {TEXTS}").wait_for()


def saved(page: Any) -> None:
    page.locator(".lb-live", has_text="Saved").wait_for()


def test_keys_choose_classes_and_enter_goes_on(desk: Any, project: Path) -> None:
    desk.keyboard.type("13\n2\n01221\n321\n", delay=APART_MS)
    at(desk, 6)
    done(desk, 4)
    saved(desk)
    assert labels(project)[:6] == ["urgent | thanks", "billing", "none of these", None, "urgent | billing | thanks", None]
    assert [desk.locator(".lb-classes [data-k] .n").nth(k).inner_text() for k in range(3)] == ["2", "2", "2"]
    desk.keyboard.press("2")
    pressed(desk, "billing")
    desk.keyboard.press("ArrowLeft")
    pressed(desk, "urgent", "billing", "thanks")
    desk.keyboard.type("2", delay=APART_MS)
    pressed(desk, "urgent", "thanks")
    at(desk, 5)
    for shown in (["urgent", "billing", "thanks"], [], ["billing", "thanks"], ["thanks"], []):  # the sixth's comes between
        desk.keyboard.press("Backspace")
        pressed(desk, *shown)
    for shown in (["thanks"], ["billing", "thanks"], ["urgent", "billing", "thanks"]):
        desk.keyboard.press("Control+Shift+Z")
        pressed(desk, *shown)
        at(desk, 5)
    done(desk, 4)
    while labels(project)[4] != "urgent | billing | thanks":  # what is on its way at a reload is lost to this page
        desk.wait_for_timeout(50)
    desk.reload()
    done(desk, 4)
    desk.keyboard.press("Control+Shift+Z")  # what only the server knows
    desk.locator(".lb-live", has_text="Done again").wait_for()
    pressed(desk, "billing")
    assert labels(project)[4:6] == ["urgent | billing | thanks", "billing"]


def test_many_keys_at_once_lose_no_label(desk: Any, project: Path) -> None:
    sets = [[k for k in (1, 2, 3) if (n >> (k - 1)) & 1] for n in range(1, 8)] * 3
    desk.keyboard.type("".join("".join(map(str, keys)) + "\n" for keys in sets), delay=APART_MS)
    at(desk, 22)
    done(desk, 21)
    names = ("urgent", "billing", "thanks")
    wanted = [" | ".join(names[k - 1] for k in keys) for keys in sets]
    for _ in range(100):  # the page says "Saved" of each act, and others are still on their way
        if labels(project)[:21] == wanted:
            break
        desk.wait_for_timeout(100)
    assert labels(project)[:21] == wanted


def test_classes_are_typed_one_after_the_other(desk: Any, project: Path) -> None:
    field = desk.get_by_label("Find or add a class")
    field.click()
    field.type("bill\nURG\nrude\n")
    desk.locator(".lb-classes [data-k]", has_text="rude").wait_for()
    desk.locator(".lb-live", has_text="as urgent, billing, rude").wait_for()
    field.type("billing\n")
    desk.locator(".lb-live", has_text="as urgent, rude").wait_for()
    field.press("Enter")
    at(desk, 2)
    assert labels(project)[0] == "urgent | rude"
    desk.keyboard.press("Escape")
    desk.keyboard.press("?")
    assert "Next item" in desk.locator("dialog.lb-keys").inner_text()


def test_on_a_phone_classes_are_tapped(desk: Any, project: Path) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    for name in ("thanks", "urgent"):
        desk.locator(".lb-classes button", has_text=name).click()
    pressed(desk, "urgent", "thanks")
    saved(desk)
    for selector in (".lb-classes button", ".lb-on"):
        box = desk.locator(selector).first.bounding_box()
        assert box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    desk.locator(".lb-on").click()
    at(desk, 2)
    desk.locator('.lb-classes [data-act="none"]').click()
    at(desk, 3)
    done(desk, 2)
    assert labels(project)[:2] == ["urgent | thanks", "none of these"]
    assert desk.evaluate("document.documentElement.scrollWidth") <= 390


def test_enter_takes_the_models_answer_where_nothing_is_chosen(desk: Any, project: Path) -> None:
    said = {"title": "Few-shot", "note": "", "label": "urgent | thanks", "probability": 0.8, "why_not": None}

    def answer(route: Any) -> None:
        if "suggest" in (route.request.post_data or ""):
            route.fulfill(json={"ok": True, "model": "A model", "answers": [said]})
        else:
            route.continue_()

    desk.route(lambda address: "component_server" in address, answer)
    desk.reload()
    desk.locator(".lb-on", has_text="Take urgent, thanks").wait_for()
    desk.keyboard.press("Enter")
    at(desk, 2)
    desk.locator(".lb-said", has_text="right 1 of 1 times").wait_for()  # said of this item
    desk.keyboard.press("2")
    desk.locator(".lb-said.wrong", has_text="urgent, thanks").wait_for()
    assert desk.inner_text(".lb-on span") == "Next item"
    desk.keyboard.press("Enter")
    at(desk, 3)
    done(desk, 2)
    saved(desk)
    assert labels(project)[:3] == ["urgent | thanks", "billing", None]
    desk.locator(".lb-said", has_text="right 1 of 2 times").wait_for()


def test_who_labels_what_another_has_labelled_meanwhile_goes_on_with_their_own_classes(desk: Any, project: Path) -> None:
    elsewhere = Store(project / "studio.db")
    elsewhere.label(1, "billing", "ben", saw=None)
    desk.keyboard.type("13", delay=APART_MS)
    desk.locator(".lb-live", has_text="as urgent, thanks. It stays billing").wait_for()
    pressed(desk, "urgent", "thanks")
    desk.keyboard.press("Backspace")
    desk.locator(".lb-live", has_text="Undone").wait_for()
    pressed(desk, "urgent")
    desk.keyboard.press("2")
    desk.locator(".lb-live", has_text="as urgent, billing").wait_for()
    done(desk, 1)
    assert labels(project)[0] == "billing"
    assert {o.author: o.said for o in elsewhere.opinions(1)} == {"ben": "billing", "me": "urgent | billing"}
    assert elsewhere.disputes() == 1
    elsewhere.close()
