"""Texts come in clean, or are refused with a reason."""

from __future__ import annotations

import pytest

from studio.core.errors import UnreadableItem
from studio.modalities import discover_modalities

TEXT = discover_modalities().get("text")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_known_encodings_are_read(encoding: str) -> None:
    assert TEXT.read(" Grüße, café\n".encode(encoding)) == "Grüße, café"


@pytest.mark.parametrize(
    ("source", "reason"),
    [("", "empty"), (" \n", "empty"), (b"\0\1binary", "NUL"), ("x" * 100_001, "100,001"), ("half \ud800", "surrogate")],
)
def test_what_is_no_text_is_refused_with_its_reason(source: bytes | str, reason: str) -> None:
    with pytest.raises(UnreadableItem) as refused:
        TEXT.read(source, "row 3")
    assert reason in refused.value.reason


@pytest.mark.parametrize("text", ["👩‍👩‍👧 zero-width joiners", "مرحبا", "=HYPERLINK(1)", "<img onerror=x>"])
def test_any_script_stays_as_it_is(text: str) -> None:
    assert TEXT.read(text) == text
