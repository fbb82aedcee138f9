"""A second Studio on the same project: both write, and neither takes anything from the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.lives import needs_kill, repeats
from tests.faults.two import two_studios


@needs_kill
@pytest.mark.slow
def test_two_studios_on_one_project_lose_nothing_also_where_one_is_killed(tmp_path: Path) -> None:
    found = two_studios(tmp_path, repeats(3, 50))
    assert found["acknowledged"] > 0
    assert (found["lost"], found["twice"], found["damaged"]) == (0, 0, 0)
