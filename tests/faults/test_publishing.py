"""An import, an export and whatever is published is there whole or not at all after a kill, and nothing of it is left over."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from studio.core.publish import clear_unfinished, unfinished
from tests.faults.lives import needs_kill, repeats
from tests.faults.publishing import kills_in_exports, kills_in_imports, kills_in_publishing

WRONG = ("partial", "orphans")


@needs_kill
@pytest.mark.slow
@pytest.mark.parametrize("tried", [kills_in_imports, kills_in_exports, kills_in_publishing])
def test_kills_leave_the_old_or_the_new_and_no_orphan(tmp_path: Path, tried: object) -> None:
    found = tried(tmp_path, repeats(5, 50))  # type: ignore[operator]
    assert {name: found[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert found["cut_off"] > 0


def test_what_a_living_process_writes_and_what_others_named_stays(tmp_path: Path) -> None:
    mine, foreign = unfinished(tmp_path / "card.json"), tmp_path / ".notes.tmp"
    for path in (mine, foreign):
        path.touch()
    clear_unfinished(tmp_path, psutil.pid_exists)
    assert set(tmp_path.iterdir()) == {mine, foreign}
    clear_unfinished(tmp_path, lambda pid: False)
    assert set(tmp_path.iterdir()) == {foreign}


def test_a_folder_that_was_put_aside_when_its_publisher_died_has_its_name_again(tmp_path: Path) -> None:
    aside = unfinished(tmp_path / "adapter", "old")
    aside.mkdir()
    clear_unfinished(tmp_path, lambda pid: False)
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]
