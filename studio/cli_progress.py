"""How a command's progress reads on stderr: one line that changes on a terminal, one line a change elsewhere."""

from __future__ import annotations

import sys

from studio.core.results.training import AutoState
from studio.core.types import RunSnapshot


def show_run(run: RunSnapshot, said: str) -> str:
    """Show how far a run is, unless that is what was `said` last; what is said now."""
    parts = [f"{run.id} {run.status}"]
    if run.step:
        parts.append(f"step {run.step}/{run.total}")
    parts += [f"loss {run.loss:.3f}"] if run.loss is not None else [run.note]
    parts += [f"validation {run.accuracy:.3f}"] if run.accuracy is not None else []
    parts += [f"{run.steps_per_s:.2f} steps/s"] if run.steps_per_s else []
    parts += [f"{run.eta_s:.0f} s left"] if run.eta_s else []
    return _show(" · ".join(parts), said)


def show_search(search: AutoState | None, said: str) -> str:
    """Show how far a search is; what is said now."""
    if search is None:
        return said
    losses = [row.loss for row in search.trials if row.loss is not None]
    parts = [f"{len(search.trials)} trials of {search.minutes:g} minutes"]
    parts += [f"best loss {min(losses):.3f}"] if losses else []
    parts += [f"{row.run} at work" for row in search.trials if row.state == "running"]
    return _show(" · ".join([*parts, *filter(None, [search.note])]), said)


def _show(line: str, said: str) -> str:
    if line != said:
        terminal = sys.stderr.isatty()
        print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
    return line
