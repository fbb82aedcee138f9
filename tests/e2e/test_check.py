"""Check the data in a real browser: found, kept, dropped and taken back by keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.walk import go, new_project
from tests.modalities.test_fingerprints import picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six pictures, one of the training ones again in the test split, smaller, and one twice, cropped."""
    for split, seeds in (("train", (0, 1, 2, 3)), ("test", (4, 5))):
        for seed in seeds:
            folder = tmp_path / "source" / split / "ab"[seed % 2]
            folder.mkdir(parents=True, exist_ok=True)
            picture(seed).save(folder / f"{seed}.png")
    picture(0).resize((200, 150)).save(tmp_path / "source" / "test" / "a" / "again.png")
    picture(3).crop((8, 6, 312, 234)).save(tmp_path / "source" / "train" / "b" / "cropped.png")
    return tmp_path / "source"


def test_what_is_there_twice_is_settled_by_keys(page: Any, source: Path) -> None:
    new_project(page, "Twice", source, labels=True)
    page.get_by_role("link", name="Check the data").click()
    cards, status = page.locator(".ck-card"), page.locator(".st-live")
    cards.nth(1).wait_for()
    assert "In both training and test" in cards.nth(0).inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    status.filter(has_text="Kept").wait_for()
    assert cards.count() == 1
    page.keyboard.press("d")
    status.filter(has_text="Dropped").wait_for()
    page.locator("text=No two of the").wait_for()
    page.keyboard.press("Backspace")
    status.filter(has_text="Taken back").wait_for()
    assert cards.count() == 1
    go(page, "data")
    page.locator(".gd-cell", has_text="0.png").first.wait_for()
