"""AutoML of one project: trials as ordinary runs within a time budget, then the gate. One search a project at a time.

Its whole state is the list of its runs and their settings, kept in the project's database: a search whose process died is
resumed from it. Owns when a trial starts and ends; refuses to choose anything on the test split.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from studio.core.errors import CannotRun, RunError, StudioError
from studio.core.results import AutoState, TrialRow
from studio.core.types import RunSnapshot
from studio.data.project import Project
from studio.workspace.training import Training

if TYPE_CHECKING:
    from studio.learning.search import Search, Trial

LEAST_SHOTS = 16
"""Labels of the rarest class below which settings cannot be told apart: then only the rungs are compared."""
LOOKS = 9
"""Looks at the validation items in a trial, so that there is one wherever trials are compared on their way."""
POLL_S = 0.3
KEY = "auto"
log = logging.getLogger(__name__)


class Auto:
    """Starts, follows, stops and resumes the project's search."""

    def __init__(self, project: Project, training: Training, conclude: Callable[[str, str | None], tuple[str, str]]) -> None:
        """`conclude(model, run)` names the best rung, given the best run, and says why."""
        self._project, self._training, self._conclude = project, training, conclude
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self, model: str, minutes: float, seed: int = 0) -> AutoState:
        """Begin a search in the background. Raises CannotRun where one works or nothing can be learnt, BadInput."""
        from studio.runs.process import identity

        if self._working():
            raise CannotRun("A search is at work already.", "Stop it first, or wait for its end.")
        plan = self._training.plan(model, "lora", {"seed": seed})
        if plan.why_not:
            raise CannotRun(plan.why_not)
        shots = min(plan.per_class.values(), default=0)
        self._save(
            AutoState(
                model=model,
                minutes=minutes,
                seed=seed,
                status="running",
                started=time.time(),
                trials=(),
                process=identity(),
                note="" if shots >= LEAST_SHOTS else _too_few(shots),
            )
        )
        self._run()
        return self.state() or self._load()

    def resume(self) -> None:
        """Go on with a search that was stopped or whose process died. Raises CannotRun."""
        from studio.runs.process import identity

        found = self.state()
        if found is None or found.status not in {"stopped", "interrupted"}:
            raise CannotRun("There is no search to resume.", "Start one.")
        self._change(status="running", process=identity())
        self._run()

    def stop(self) -> None:
        """Stop the running trial and propose no further one; what was found stays."""
        if not self._working():
            raise CannotRun("No search is at work.", "There is nothing to stop.")
        self._stopping.set()

    def wait(self, timeout_s: float = 0.5) -> bool:
        """Wait a moment for the search of this process; True once it is over."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self._working()

    def state(self) -> AutoState | None:
        """The newest search, also after a restart; one whose process died is `interrupted`."""
        from studio.runs.process import alive

        if self._project.store.meta(KEY) is None:
            return None
        found = self._load()
        if found.status == "running" and not alive(found.process):
            self._change(status="interrupted")
        return self._load()

    def _working(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._drive, name=f"auto-{self._project.id}", daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        try:
            found = self._load()
            shots = min(self._training.plan(found.model, "lora").per_class.values(), default=0)
            run = self._search(found) if shots >= LEAST_SHOTS else None
            if self._stopping.is_set():
                self._change(status="stopped")
                return
            self._change(note="Comparing the rungs")
            rung, reason = self._conclude(found.model, run)
            self._change(status="done", best=rung, best_run=run, reason=reason, note="")
        except StudioError as error:
            self._change(status="failed", note=str(error))
        except Exception as error:  # shown to the person; the log has the rest
            log.exception("the search failed")
            self._change(status="failed", note=f"{type(error).__name__}: {error}")

    def _search(self, found: AutoState) -> str | None:
        """Trials until the budget is spent; the best one's run."""
        search = self._resumed(found)
        while not self._stopping.is_set() and (settings := search.propose()) is not None:
            number = len(search.trials)
            run = self._begin(found, number, settings)
            self._row(TrialRow(number, settings, None, 0.0, "running", run))
            search.told(self._follow(run, settings, search))
            if self._stopping.is_set():  # this trial is resumed with the search
                return None
            last = search.trials[-1]
            self._row(TrialRow(number, settings, last.loss, last.seconds, last.state, run))
        best = search.best()
        rows = self._load().trials
        return next((row.run for row, trial in zip(rows, search.trials, strict=False) if trial is best), None)

    def _begin(self, found: AutoState, number: int, settings: Mapping[str, Any]) -> str:
        """The trial's run: the one that was cut off with the search, else a new one."""
        cut = next((row.run for row in found.trials if row.number == number and row.state == "running"), None)
        if cut is not None and self._training.run(cut).resumable:
            self._training.resume(cut)
            return cut
        looks = {"evaluate_every": max(1, int(settings["steps"]) // LOOKS)}
        return self._training.start(found.model, "lora", {**settings, **looks, "seed": found.seed})

    def _resumed(self, found: AutoState) -> Search:
        from studio.learning.search import Search, Trial, lora_space, preset_settings

        preset = self._training.plan(found.model, "lora").config
        two = len(self._training.modalities_of(found.model)) > 1
        space = lora_space(two, sorted({max(20, preset.steps // 2), preset.steps, preset.steps * 2}))
        past = [Trial(row.settings, row.loss, row.seconds, row.state) for row in found.trials if row.state != "running"]
        return Search(space, preset_settings(space, preset), found.seed, 60 * found.minutes, past)

    def _follow(self, run: str, settings: Mapping[str, Any], search: Search) -> Trial:
        """Wait for one trial; ends it early where others did better at the same step, or where the time is over."""
        from studio.learning.search import RUNGS, Trial

        started, looks, cut = time.monotonic(), dict[str, float](), False
        while not self._training.wait(run, POLL_S):
            now = self._training.run(run)
            for n, share in enumerate(RUNGS):
                if str(n) not in looks and now.nll is not None and now.total and now.step >= share * now.total:
                    looks[str(n)] = now.nll
                    cut = cut or not search.goes_on(n, now.nll)
            late = time.monotonic() - started > search.left_s
            if self._stopping.is_set() or cut or late:
                self._end(run, keep=late and not cut)
        now, seconds = self._training.run(run), time.monotonic() - started
        state = "pruned" if cut and now.status == "stopped" else "done" if now.status == "done" and now.nll else "failed"
        return Trial(settings, _loss(now), seconds, state, looks)  # type: ignore[arg-type]

    def _end(self, run: str, keep: bool) -> None:
        try:
            self._training.stop(run, keep)
        except RunError:  # it ended in the meantime
            return

    def _row(self, row: TrialRow) -> None:
        self._change(trials=(*(r for r in self._load().trials if r.number != row.number), row))

    def _load(self) -> AutoState:
        return AutoState.from_json(self._project.store.meta(KEY))

    def _save(self, state: AutoState) -> None:
        self._project.store.set_meta(KEY, state.as_json())

    def _change(self, **values: Any) -> None:
        self._save(self._load().changed(**values))


def _loss(run: RunSnapshot) -> float | None:
    return run.nll if run.nll is not None and run.nll < float("inf") else None


def _too_few(shots: int) -> str:
    return (
        f"The rarest class has {shots} labels. Below {LEAST_SHOTS}, settings cannot be told apart: only the rungs are compared."
    )
