"""The libraries of models and learning, imported by one thread at a time.

They import their own parts late and in circles: of two threads that begin at once, one may find what the other has imported half
("cannot import name …"). Whoever is about to need them asks here first; once they are there, that takes a microsecond.
"""

from __future__ import annotations

import threading

_LOCK = threading.Lock()


def libraries() -> None:
    """Import torch, transformers, open_clip, peft, accelerate and what of Studio stands on them."""
    with _LOCK:
        import studio.models.hf_towers
        import studio.models.open_clip_towers
        import studio.models.text_towers
        import studio.runs.execution
        import studio.workspace.choosing  # noqa: F401
