"""A clock that is set back: what was done last stays last, and what is alive stays alive."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from studio.data.store import Store
from studio.runs.process import alive, identity
from studio.workspace.activities import Activities
from tests.data.test_enter import bring, candidates

DAY_S = 86_400.0


def test_undo_takes_back_what_was_done_last_whatever_the_clock_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, now = Store(tmp_path / "studio.db"), time.time()
    bring(store, candidates("ab", 4))
    for item, at in ((1, now), (2, now - DAY_S), (3, now - 2 * DAY_S)):
        monkeypatch.setattr(time, "time", lambda at=at: at)
        store.label(item, "b" if item != 2 else "a", "ann")
    revision = store.revision()
    assert [event.item for event in store.undo("ann")] == [3]
    assert [event.item for event in store.undo("ann")] == [2]
    assert [event.item for event in store.redo("ann")] == [2]
    assert store.revision() > revision
    assert [event.kind for event in store.history(2)] == ["import", "label", "undo", "redo"]
    store.close()


def test_a_process_is_known_again_after_the_clock_was_set() -> None:
    me = identity()
    assert alive({**me, "started": me["started"] + DAY_S, "boot": me["boot"] + DAY_S})
    assert not alive({**me, "started": me["started"] - DAY_S})


def test_the_time_left_of_an_activity_does_not_follow_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    activities, said = Activities(), list[float | None]()

    def work(progress: object) -> None:
        monkeypatch.setattr(time, "time", lambda: 0.0)
        progress(1, 2, "half")  # type: ignore[operator]
        said.append(activities.running()[0].eta_s)

    number = activities.start("work", "Work", work)
    while activities.get(number).state == "running":
        time.sleep(0.005)
    assert said and said[0] is not None and 0 <= said[0] < 60
