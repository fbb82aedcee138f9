"""A load ends as whoever asked for it ends it, and whatever a library finds wrong is the files' fault."""

from __future__ import annotations

import pytest

from studio.core.errors import ModelError, NotFound
from studio.models import load_model
from studio.models.soundness import faults_of


class Enough(Exception):
    """Somebody asked it to stop."""


@pytest.mark.parametrize("kind", ["open_clip-vit", "bert", "hf-clip"])
def test_a_load_that_is_stopped_says_what_it_was_stopped_by(kind: str, tiny_ids: dict[str, str]) -> None:
    def progress(done: int, total: int, what: str) -> None:
        if done >= 2:
            raise Enough

    with pytest.raises(Enough):
        load_model(tiny_ids[kind], offline=True, progress=progress)


def test_a_librarys_panic_is_the_files_fault_and_an_own_error_stays() -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    with pytest.raises(ModelError, match="It breaks: at once"), faults_of("It breaks"):
        raise panic("at once\nand more")
    with pytest.raises(NotFound), faults_of("It breaks"):
        raise NotFound("There is none.", "Look elsewhere.")
    with pytest.raises(KeyboardInterrupt), faults_of("It breaks"):
        raise KeyboardInterrupt
