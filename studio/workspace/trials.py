"""One trial of a search as an ordinary run: begun or resumed, watched, ended early where others did better.

A trial is charged for the time in which its run works; what other runs take before it in the queue is theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.core.errors import RunError
from studio.core.results.training import TrialRow
from studio.core.types import FINE_TUNING, RunSnapshot
from studio.workspace.training import Training

if TYPE_CHECKING:
    from studio.learning.search import Search

LOOKS = 9
"""Looks at the validation items in a trial: the first is at, or just after, the first mark at which trials are compared."""
POLL_S = 0.3
SAVE_S = 1.0
"""How often the time that a trial has taken so far is kept: what a killed process does not count."""


class TrialRuns:
    """The trials of one search."""

    def __init__(self, training: Training, over: Callable[[], bool], save: Callable[[TrialRow], None]) -> None:
        """`over()`: whether the search is to end now; `save` keeps a trial as it stands."""
        self._training, self._over, self._save = training, over, save

    def begin(self, model: str, seed: int, row: TrialRow) -> TrialRow:
        """The trial with its run: a new one, or its own that was cut off with the search. Raises CannotRun."""
        if row.run is None:
            looks = {"evaluate_every": -(-int(row.settings["steps"]) // LOOKS)}
            return replace(row, run=self._training.start(model, FINE_TUNING, {**row.settings, **looks, "seed": seed}, True))
        if self._training.run(row.run).resumable:
            self._training.resume(row.run)
        return replace(row, state="queued")

    def follow(self, row: TrialRow, search: Search) -> TrialRow | None:
        """Wait for its end, or end it: where it lost against the others, or the time is over (what was learnt counts then).

        None where it was cut off with the search, and is to be resumed with it.
        """
        run, pruned, clock, saved = str(row.run), False, time.monotonic(), 0.0
        while not self._training.wait(run, POLL_S):
            now, before = time.monotonic(), clock
            clock = now
            if self._training.run(run).status != "running":
                self._end(run, keep=False, when=self._over())
                continue
            if row.state == "queued":
                self._save(row := replace(row, state="running"))
            looks = self._looks(run)
            pruned = pruned or any(not search.goes_on(int(n), x) for n, x in looks.items() if n not in row.looks)
            row = replace(row, seconds=row.seconds + now - before, looks=looks)
            late = row.seconds + self._finishing(run) > search.left_s
            self._end(run, keep=late and not pruned, when=late or pruned or self._over())
            if now - saved > SAVE_S:
                saved = now
                self._save(row)
        ended = self._training.run(run)
        row = replace(row, seconds=row.seconds + time.monotonic() - clock, looks=self._looks(run), steps=ended.step)
        return self._ended(row, ended, pruned)

    def losses(self, row: TrialRow) -> dict[int, float]:
        """{validation item: its loss} of a trial that came to a result, else empty."""
        from studio.runs.finish import Judged
        from studio.runs.result import judged

        if row.state != "done" or row.run is None:
            return {}
        folder = self._training.folder(row.run)
        told = judged(folder)
        if told is None:
            return {}
        classes = folder.spec.classes
        items = [item.id for item in self._training.judging(folder, classes)]
        return dict(zip(items, Judged(*told).losses.tolist(), strict=True))

    def _ended(self, row: TrialRow, run: RunSnapshot, pruned: bool) -> TrialRow | None:
        loss = run.nll if run.nll is not None and run.nll < float("inf") else None
        if run.status == "done" and loss is not None:
            return replace(row, state="done", loss=loss)
        if run.status == "interrupted" or (run.status == "stopped" and self._over() and not pruned):
            self._save(replace(row, steps=None))
            return None
        return replace(row, state="pruned" if run.status == "stopped" else "failed", loss=loss)

    def _looks(self, run: str) -> dict[str, float]:
        """Loss at each point of comparison that the run reached: its first look from there on."""
        from studio.learning.search import HALVINGS

        found: dict[str, float] = {}
        for event in self._training.events(run)[0]:
            loss = event.values.get("loss") if event.kind == "eval" else None
            if isinstance(loss, float):
                reached = (str(n) for n, share in enumerate(HALVINGS) if event.step >= share * event.total)
                found = {**{n: loss for n in reached}, **found}
        return found

    def _finishing(self, run: str) -> float:
        """Seconds that the run will take after its last step, as its pre-flight expects."""
        measured = self._training.folder(run).preflight()
        return measured.finish_s if measured else 0.0

    def _end(self, run: str, keep: bool, when: bool) -> None:
        try:
            if when:
                self._training.stop(run, keep)
        except RunError:  # it ended in the meantime
            return
