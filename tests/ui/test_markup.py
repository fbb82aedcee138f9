from __future__ import annotations

import pytest

from studio.ui.widgets.markup import Markup, interval, join, percent, plural, tag

HOSTILE = "<img src=x onerror=alert(1)> ${alert(2)} {{value}} \"'`\\"


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", HOSTILE).count("<") == 2
    assert tag("p", tag("b", "x")) == "<p><b>x</b></p>"
    assert join(["<", Markup("<br>")]) == "&lt;<br>"


def test_attributes_are_escaped() -> None:
    assert '"><script' not in tag("img", alt='"><script>')
    assert tag("i", title=HOSTILE).count('"') == 2


def test_attribute_names_and_absent_values() -> None:
    made = tag("input", class_="a", data_id=3, checked=True, disabled=False, title=None)
    assert made == '<input class="a" data-id="3" checked>'


@pytest.mark.parametrize(("share", "words"), [(0.6334, "63.3 %"), (None, "–"), (1.0, "100.0 %")])
def test_shares_are_said_in_percent(share: float | None, words: str) -> None:
    assert percent(share) == words


def test_intervals_and_plurals() -> None:
    assert interval((0.581, 0.682)) == "58.1–68.2 %"
    assert interval(None) == ""
    assert (plural(1, "item"), plural(1204, "item")) == ("1 item", "1,204 items")
