"""JSON that somebody else may have written."""

from __future__ import annotations

import json
from typing import Any


def parsed(text: str, **how: Any) -> Any:
    """`json.loads`, which raises ValueError for half a character too: no page can show it."""
    found = json.loads(text, **how)
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()
    return found
