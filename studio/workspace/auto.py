"""AutoML of one project: trials as ordinary runs within a time budget, then the gate. One search a project at a time.

Its whole state is the list of its trials and their runs, kept in the project's database: a search whose process died is
resumed from it. Owns what is tried and when the search ends; refuses to choose anything on the test split.
"""

from __future__ import annotations

import logging
import os
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from studio.core.errors import BadInput, CannotRun, StudioError
from studio.core.results.comparison import Best
from studio.core.results.training import AutoState, TrialRow
from studio.core.types import FINE_TUNING
from studio.data.project import Project
from studio.workspace.libraries import libraries
from studio.workspace.training import Training
from studio.workspace.trials import TrialRuns

if TYPE_CHECKING:
    from studio.learning.search import Search, Trial

LEAST_SHOTS = 16
"""Labels of the rarest class below which settings cannot be told apart: then only the rungs are compared."""
TOO_FEW = f"Fewer than {LEAST_SHOTS} labels of a class: settings cannot be told apart, so only the rungs are compared."
COMPARING = "Comparing the methods"
LEAST_SHARE = 0.5
"""Of the budget, for trials, however long the rungs take."""
MOST_MINUTES = 24 * 60.0
KEY, STOP = "auto", "auto-stop"
log = logging.getLogger(__name__)

Judge = Callable[[str, str | None, int], Best]
"""`judge(model, run, seed)` is the gate: the method to use, given the best trial's run, or among the rungs alone without one."""


class _CutOff(Exception):
    """A trial was ended with the search, not by its own end."""


class Auto:
    """Starts, follows, stops and resumes the project's search."""

    def __init__(self, project: Project, training: Training, judge: Judge) -> None:
        self._project, self._training, self._judge = project, training, judge
        self._thread: threading.Thread | None = None
        self._closing, self._ended = threading.Event(), threading.Event()
        self._lock = threading.RLock()

    def start(self, model: str, minutes: float, seed: int = 0) -> AutoState:
        """Begin a search in the background. Raises CannotRun where one works or nothing can be learnt, BadInput."""
        from studio.runs.process import identity

        _check(minutes)
        # the gate needs classes, and a trial labels
        for method in ("best", FINE_TUNING):
            if why := self._training.plan(model, method, {"seed": seed}).why_not:
                raise CannotRun.saying(why)
        with self._lock:
            if (now := self.state()) and now.status == "running":
                raise CannotRun("A search is at work already.", "Stop it first, or wait for its end.")
            made = AutoState(model, minutes, seed, "running", time.time(), (), identity())
            self._save(made)
            self._run()
        return made

    def resume(self) -> None:
        """Go on with a search that was stopped or whose process died. Raises CannotRun."""
        from studio.runs.process import identity

        with self._lock:
            found = self.state()
            if found is not None and found.status == "running":
                raise CannotRun("The search is at work.", "Wait for its end.")
            if found is None or found.status not in {"stopped", "interrupted"}:
                raise CannotRun("There is no search to resume.", "Start one.")
            self._change(status="running", process=identity(), note="")
            self._run()

    def stop(self) -> None:
        """Stop the running trial and propose no further one, also in another process; what was found stays."""
        found = self.state()
        if found is None or found.status != "running":
            raise CannotRun("No search is at work.", "There is nothing to stop.")
        self._project.store.set_meta(STOP, True)

    def close(self, timeout_s: float = 30.0) -> None:
        """The project closes: the search of this process ends and stays resumable."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def wait(self, timeout_s: float = 0.5) -> bool:
        """Wait a moment for the search of this process; True once it is over."""
        # not by `join`: a KeyboardInterrupt inside it makes a thread that works look as if it had ended
        return self._ended.wait(timeout_s) if self._thread is not None else True

    def state(self) -> AutoState | None:
        """The newest search, also after a restart; one whose process died is `interrupted`."""
        from studio.runs.process import alive

        with self._lock:
            try:
                found = self._load()
            except ValueError:  # none yet, or stored by another version
                return None
            here = (found.process or {}).get("pid") == os.getpid()
            if found.status == "running" and not (self._working() if here else alive(found.process)):
                found = self._change(status="interrupted", note="")
            return found

    def only_rungs(self) -> str | None:
        """Why a search would try no settings, where it would not."""
        labels = (by_split.get("train", 0) for by_split in self._project.store.counts().by_class.values())
        fewest = min(filter(None, labels), default=0)  # a class without labels is not learnt
        return TOO_FEW if fewest < LEAST_SHOTS else None

    def command(self, model: str, minutes: float, seed: int = 0) -> str:
        """The equivalent command line. Raises BadInput for minutes that `start` would refuse."""
        _check(minutes)
        words = ["python", "-m", "studio", "auto", str(self._project.root), "--model", model, "--minutes", f"{minutes:g}"]
        return shlex.join([*words, *(["--seed", str(seed)] if seed else [])])

    def _working(self) -> bool:
        return self._thread is not None and not self._ended.is_set()

    def _run(self) -> None:
        self._project.store.set_meta(STOP, False)
        self._ended.clear()
        self._thread = threading.Thread(target=self._drive, name=f"auto-{self._project.id}", daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        libraries()
        try:
            found = self._load()
            too_few = self.only_rungs()
            run = None if too_few else self._search(found, self._for_trials(found))
            if self._over():
                self._change(status="interrupted" if self._closing.is_set() else "stopped")
                return
            self._change(note=too_few or COMPARING)
            best = self._judge(found.model, run, found.seed)
            if best.run:
                self._training.took(best.run, self._training.run(best.run).chosen_among, chosen=True)
            self._change(status="done", best=best, best_run=run, note=too_few or "")
        except _CutOff:  # which the closing queue may do before this search is told
            asked = bool(self._project.store.meta(STOP))
            self._change(status="stopped" if asked else "interrupted")
        except StudioError as error:
            self._change(status="failed", note=str(error))
        except Exception as error:  # shown to the person; the log has the rest
            log.exception("the search failed")
            self._change(status="failed", note=f"{type(error).__name__}: {error}")
        finally:
            self._ended.set()

    def _for_trials(self, found: AutoState) -> float:
        """Seconds of the budget that trials may take: the rungs are compared before them, which reads the features and says
        how long it will take again after them."""
        self._change(note=COMPARING)
        started = time.monotonic()
        self._judge(found.model, None, found.seed)
        self._change(note="")
        budget = 60 * found.minutes
        return max(budget - 2 * (time.monotonic() - started), LEAST_SHARE * budget)

    def _search(self, found: AutoState, budget_s: float) -> str | None:
        """Trials until the budget is spent; the run of the one that is taken."""
        search, runs = self._resumed(found, budget_s), TrialRuns(self._training, self._over, self._keep)
        cut = next((row for row in found.trials if not row.ended), None)
        while not self._over() and (settings := cut.settings if cut else search.propose()) is not None:
            row = runs.begin(found.model, found.seed, cut or TrialRow(1 + len(search.trials), settings, None, 0.0, "queued"))
            self._keep(row)
            ended, cut = runs.follow(row, search), None
            if ended is None:
                raise _CutOff
            self._keep(ended)
            search.told(_trial(ended))
        rows = [row for row in self._load().trials if row.ended]
        best = search.best([runs.losses(row) for row in rows])
        taken = next((row.run for row in rows if best is not None and _trial(row) == best), None)
        if taken:
            self._training.took(taken, sum(row.loss is not None for row in rows), chosen=False)
        return taken

    def _resumed(self, found: AutoState, budget_s: float) -> Search:
        from studio.learning.search import Search, lora_space, preset_settings

        preset = self._training.plan(found.model, FINE_TUNING).config
        both = len(self._training.modalities_of(found.model)) > 1 and preset.lora.towers != "text"
        space = lora_space(both, sorted({max(20, preset.steps // 2), preset.steps, preset.steps * 2}))
        past = [_trial(row) for row in found.trials if row.ended]
        return Search(space, preset_settings(space, preset), found.seed, budget_s, past)

    def _over(self) -> bool:
        """Whether somebody wants the search to end before its time."""
        return self._closing.is_set() or bool(self._project.store.meta(STOP))

    def _keep(self, row: TrialRow) -> None:
        self._change(trials=(*(r for r in self._load().trials if r.number != row.number), row))

    def _load(self) -> AutoState:
        """Raises ValueError where there is none."""
        return _stored().validate_python(self._project.store.meta(KEY))

    def _save(self, state: AutoState) -> None:
        self._project.store.set_meta(KEY, asdict(state))

    def _change(self, **values: Any) -> AutoState:
        with self._lock:
            changed = replace(self._load(), **values)
            self._save(changed)
            return changed


def _check(minutes: float) -> None:
    if not 0 < minutes <= MOST_MINUTES:
        raise BadInput(f"A search takes more than 0 and up to {MOST_MINUTES:g} minutes, not {minutes:g}.", "Correct it.")


@cache
def _stored() -> TypeAdapter[AutoState]:
    """Built once: pages look every second."""
    return TypeAdapter(AutoState)


def _trial(row: TrialRow) -> Trial:
    from studio.learning.search import Trial

    if row.state == "queued" or row.state == "running":
        raise ValueError(f"trial {row.number} has not ended")
    return Trial(row.settings, row.loss, row.seconds, row.state, row.looks)
