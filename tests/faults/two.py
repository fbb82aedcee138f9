"""Two Studios on one project at once, the one killed while both write."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from pathlib import Path

from studio.data.store import Store
from tests.data.test_enter import bring, candidates
from tests.faults.lives import begin, end, kill

ITEMS = 20_000


def _label(database: Path, name: str, said: Path, most: int) -> None:
    """Every item in order, each noted once it is acknowledged."""
    store = Store(database)
    with said.open("a", buffering=1) as file:
        for item in range(1, 1 + most):
            store.label(item, "a", name)
            file.write(f"{item}\n")
    store.close()


def _labelled(connection: sqlite3.Connection, name: str) -> list[int]:
    """The items that somebody labelled, in order."""
    return [row[0] for row in connection.execute("SELECT item FROM label_events WHERE author = ? ORDER BY id", (name,))]


def two_studios(root: Path, kills: int) -> dict[str, int | float]:
    """One labels on while others are killed beside it, so often; what either was told is saved has to be there once."""
    database = root / "studio.db"
    store = Store(database)
    bring(store, candidates("ab", ITEMS))
    staying = begin(_label, database, "stays", root / "stays", 150 * kills)
    names = [f"killed {n}" for n in range(kills)]
    for n, name in enumerate(names):
        life = begin(_label, database, name, root / name, ITEMS)
        while not (root / name).exists() or (root / name).stat().st_size < 40:
            assert life.is_alive()
            time.sleep(0.001)
        time.sleep(0.003 * (n % 20))
        kill(life)
    assert end(staying) == 0
    lost = twice = acknowledged = 0
    for name in ("stays", *names):
        told = [int(line) for line in (root / name).read_text().splitlines(keepends=True) if line.endswith("\n")]
        stored = store.write(partial(_labelled, name=name))
        acknowledged += len(told)
        lost += len(set(told) - set(stored))
        twice += len(stored) - len(set(stored))
    damaged = store.write(lambda connection: connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok")
    store.close()
    return {"kills": kills, "acknowledged": acknowledged, "lost": lost, "twice": twice, "damaged": int(damaged)}
