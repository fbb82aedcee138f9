"""The libraries of models and learning, imported by one thread at a time.

They import their own parts late and in circles: of two threads that begin at once, one may find what the other has imported half
("cannot import name …"). Whoever is about to need them asks here first; once they are there, that takes a microsecond.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

NEVER = 1_000_000
"""Collections of the middle generation before one of all there is."""

_LOCK = threading.Lock()
_there = False


def libraries() -> None:
    """Import torch, transformers, open_clip, peft, accelerate and what of Studio stands on them.

    Whoever labels meanwhile is hardly held up: to load torch's code takes a quarter of a second in which no other thread runs,
    and so did each look for garbage among all that is being imported, and every later one. So the one is done where other
    threads run on, and what was imported is left out of the other for good.
    """
    global _there
    with _LOCK:
        if _there:
            return
        often = gc.get_threshold()
        gc.set_threshold(*often[:2], NEVER)
        try:
            _load_torch()
            import studio.models.hf_towers
            import studio.models.open_clip_towers
            import studio.models.text_towers
            import studio.runs.execution
            import studio.workspace.choosing  # noqa: F401
        finally:
            gc.freeze()
            gc.set_threshold(*often)
        _there = True


def _load_torch() -> None:
    """Have the linker load torch's code, as its import would. A call of a foreign function lets other threads run, an import
    does not. Where it cannot be done so, the import does it."""
    found = find_spec("torch")
    if "torch" in sys.modules or found is None or found.origin is None or sys.platform == "win32":
        return
    code = next(Path(found.origin).parent.glob("lib/libtorch_python.*"), None)
    with suppress(OSError, AttributeError):
        load = ctypes.CDLL(None).dlopen
        load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
        if code:
            load(str(code).encode(), 1)  # RTLD_LAZY, as safe as the import's own: what cannot be loaded is tried again there
