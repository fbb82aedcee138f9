"""Load, for a minute: nothing is lost, memory stays within a wide bound. How long anything takes is measured by the script."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bench import annotators
from tests.faults import soak
from tests.faults.__main__ import judged
from tests.faults.server_memory import growth_mb_a_min
from tests.faults.table import PARTS

MINUTES = 1.25
MOST_MB_A_MIN = 60
"""In its first minute a server still fills its caches: 25. One that keeps a copy of each page that was opened grows by 80."""


@pytest.mark.slow
def test_fifty_people_at_once_lose_nothing_and_overwrite_nothing_unseen(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as own:  # the browser tests' event loop may be at work in this one
        found = own.submit(annotators.measure, tmp_path, pause=0.2, labels=20).result()
    assert (found["labels"], found["conflicts"]) == (1_000, 25)
    assert {name: found[name] for name in annotators.WRONG} == dict.fromkeys(annotators.WRONG, 0)


@pytest.mark.slow
def test_twenty_browsers_that_do_everything_lose_nothing_and_memory_is_bounded(tmp_path: Path) -> None:
    found = soak.soak(tmp_path, MINUTES)
    assert {name: found[name] for name in soak.WRONG} == dict.fromkeys(soak.WRONG, 0)
    assert min(found[name] for name in ("acts", "browsed", "searched", "exports", "reloads")) > 0
    assert found["grows_mb_a_min"] < MOST_MB_A_MIN


def test_growth_is_that_after_the_first_quarter() -> None:
    warming, then = [(s, 100.0 * s) for s in range(20)], [(s, 2000 + s / 30) for s in range(20, 80)]
    assert growth_mb_a_min([*warming, *then]) == pytest.approx(2)


def test_a_figure_that_misses_its_limit_is_written_as_missed() -> None:
    part = PARTS["fifty-people-beside-an-import"]
    found = {**dict.fromkeys(part.has_to_be_0, 0), "p95_ms": 199.9}
    said, good = judged(part, found)
    assert said.endswith("refused 0, p95 ms 199.9 (< 200)") and "**" not in said and good
    said, good = judged(part, {**found, "p95_ms": 200})
    assert said.startswith("**missed:** ") and "p95 ms **200 (< 200)**" in said and not good
    said, good = judged(part, {**found, "lost": 1})
    assert said.startswith("**wrong:** lost **1**") and not good
