"""Saved means on disk, asked over HTTP: no kill of the server loses an acknowledged act, and none is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.labelling import kills_while_labelling
from tests.faults.lives import needs_kill, repeats


@needs_kill
@pytest.mark.slow
def test_kills_while_people_label_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = kills_while_labelling(tmp_path, repeats(3, 200))
    assert found["acknowledged"] > 20 * found["kills"]
    wrong = ("gone_after_a_kill", "lost", "twice", "people_whose_acts_differ", "refused")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
