"""What identifies an item stays what it was."""

from __future__ import annotations

import json

import pytest

from studio.data.content import canonical, content_key

ODD = ("", "a", 'quo"te', "back\\slash", "new\nline\ttab", "\x00\x1f\x7f", "é ß 日本 👩‍👩‍👧", "  ", "</script>")


@pytest.mark.parametrize("text", ODD)
def test_the_canonical_form_is_json_with_its_keys_in_order(text: str) -> None:
    content = {"text": text, "image": "f" * 64}
    assert canonical(content) == json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert json.loads(canonical(content)) == content


def test_equal_content_has_an_equal_key_whatever_the_order_of_its_entries() -> None:
    assert content_key({"text": "a", "image": "b"}) == content_key({"image": "b", "text": "a"})
    # the keys of every project that there is
    assert content_key({"text": "a"}) == "6193c97585a0f731ce7b500bb69d2476816afb14c8d95ac8e6e865f680e9e438"
