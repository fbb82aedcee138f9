from __future__ import annotations

from studio.core.results.answers import Hit, Ranking
from studio.core.types import Item
from studio.ui.widgets.ranking import ranking_board

SHA = "a" * 64
ITEM = Item(1, {"image": SHA, "text": "a <dog>"}, "test", "dog.jpg")


def test_pictures_are_found_by_hash_and_captioned() -> None:
    html = ranking_board("p1", [Ranking("zero_shot", "Before tuning", (Hit(ITEM, 0.3123),), 12.0)], "image")
    assert f"/studio/media/p1/{SHA}/240" in html
    assert "1. 0.312" in html
    assert "<dog>" not in html


def test_texts_are_listed() -> None:
    assert "a &lt;dog&gt;" in ranking_board("p1", [Ranking("lora", "After tuning", (Hit(ITEM, 0.3),), 12.0)], "text")


def test_a_column_that_cannot_answer_says_why() -> None:
    assert "No run yet." in ranking_board("p1", [Ranking("lora", "After tuning", (), 0.0, "No run yet.")], "image")
