"""Lost power: what was published is old or new, whole, and a saved act was committed with a log that waits for the disk."""

from __future__ import annotations

import sqlite3
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest

from studio.data.store import Store
from tests.faults.power import Disk, power_cuts


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens no folders")
def test_wherever_the_power_goes_a_published_name_is_old_or_new(tmp_path: Path) -> None:
    found = power_cuts(tmp_path)
    assert found["states"] > 100
    assert (found["neither_old_nor_new"], found["lost_after_its_end"]) == (0, 0)


def test_the_model_loses_what_was_not_synced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    disk = Disk(tmp_path / "disk")
    with disk.recording():
        (tmp_path / "disk" / "card.json").write_text("new")
    disk.after(-1, "lost", "lost", tmp_path / "all lost")
    disk.after(-1, "kept", "lost", tmp_path / "content lost")
    disk.after(-1, "kept", "kept", tmp_path / "kept")
    assert not (tmp_path / "all lost" / "card.json").exists()
    assert (tmp_path / "content lost" / "card.json").read_text() == ""
    assert (tmp_path / "kept" / "card.json").read_text() == "new"


def test_the_one_writer_waits_for_the_disk_at_every_commit(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.db")
    asked = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
    found = store.write(lambda connection: [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in asked])
    assert found == ["wal", 2, 1, 0]  # 2 is FULL
    store.close()


@pytest.mark.parametrize("bulk", [False, True])
def test_an_act_is_answered_after_its_commit(tmp_path: Path, bulk: bool) -> None:
    store, seen = Store(tmp_path / "studio.db"), list[tuple[str, bool]]()
    said: list[int] = []

    def answered(future: Future[int]) -> None:
        other = sqlite3.connect(f"file:{tmp_path / 'studio.db'}?mode=ro", uri=True)
        said.append(other.execute("SELECT count(*) FROM meta WHERE key = 'k'").fetchone()[0])
        other.close()

    def act(connection: sqlite3.Connection) -> int:
        connection.set_trace_callback(lambda statement: seen.append((statement, future.done())))
        return connection.execute("INSERT INTO meta VALUES ('k', '1')").rowcount

    future: Future[int] = Future()
    gate: Future[None] = Future()
    store.submit(lambda connection: gate.result(10))  # the writer waits until the future below is known
    future = store._writer.submit(act, bulk)
    future.add_done_callback(answered)
    gate.set_result(None)
    assert future.result(10) == 1
    assert ("COMMIT", False) in seen
    store.close()  # with it the writer's thread has done what it does after an answer
    assert said == [1]
