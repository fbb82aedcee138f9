"""A run is a folder: whoever has it can resume, evaluate or reproduce the run. Owns its files; runs nothing.

config.json (frozen) · snapshot.json, snapshot.arrow (the items) · state.json (status now) · events.jsonl (append-only) ·
control.json (a wish to stop) · preflight.json (pace and memory) ·
checkpoints/ · adapter/ (PEFT form, manifest, head) · report.json
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import psutil

from studio.core.config import TrainConfig
from studio.core.errors import BadInput, NotFound, RunError
from studio.core.plain import parsed
from studio.core.publish import clear_unfinished, make_folder, new_folder, publish_text, sync_folder
from studio.core.results.training import Preflight
from studio.core.types import FINE_TUNING, RunSnapshot, RunStatus, TrainEvent
from studio.data.kept import checked
from studio.runs.process import alive, identity

Wish = Literal["stop", "keep"]
KEPT_CHECKPOINTS = 2
RUN_ID = re.compile(r"run-(\d{1,9})")
_NUMBER, _TEXT = (int, float, type(None)), (str, type(None))
_STATE: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("started", "ended", "loss", "accuracy", "nll", "steps_per_s", "eta_s", "memory_mb"), _NUMBER),
    **dict.fromkeys(("step", "total", "chosen_among", "trial"), (int,)),
    **dict.fromkeys(("device", "note"), (str,)),
    **dict.fromkeys(("error", "hint"), _TEXT),
}
"""What a state may say beside its status, and of what kind."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a run was asked to do; never changed after."""

    task: str
    model: str
    method: str
    train: TrainConfig
    classes: tuple[str, ...]
    prompts: tuple[tuple[str, ...], ...]
    """For each class its prompts."""
    command: str
    """The equivalent command line."""
    created: float
    """Seconds since 1970."""

    @property
    def tunes(self) -> bool:
        """Whether it changes the model, and is no rung on cached features."""
        return self.method == FINE_TUNING


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    @classmethod
    def create(cls, runs: Path, spec: RunSpec) -> RunFolder:
        """A new folder `run-N` under `runs`, claimed by making it."""
        make_folder(runs)
        number = 1 + max((int(m[1]) for p in runs.iterdir() if (m := RUN_ID.fullmatch(p.name))), default=0)
        while True:
            path = runs / f"run-{number}"
            try:
                path.mkdir()
                break
            except FileExistsError:  # another process claimed it a moment ago
                number += 1
        folder = cls(path)
        publish_text(path / "config.json", json.dumps(asdict(spec), indent=2))
        folder.update(status="queued", total=spec.train.steps)
        sync_folder(runs)
        return folder

    @classmethod
    def all(cls, runs: Path) -> list[RunFolder]:
        """Every run under `runs`, newest first; what is no run, or was cut off in the making, is left out."""
        found = [cls(p) for p in runs.iterdir() if RUN_ID.fullmatch(p.name)] if runs.is_dir() else []
        return sorted((f for f in found if f.readable()), key=lambda f: int(f.id.removeprefix("run-")), reverse=True)

    @classmethod
    def open(cls, runs: Path, run_id: str) -> RunFolder:
        """Raises NotFound for a name that is no run here."""
        path = runs / run_id
        if not RUN_ID.fullmatch(run_id) or not (path / "config.json").is_file():
            known = ", ".join(f.id for f in cls.all(runs)[:5]) or "none yet"
            raise NotFound(f"There is no run {run_id!r} in this project.", f"Newest runs: {known}.")
        return cls(path)

    @property
    def spec(self) -> RunSpec:
        """What the run was asked to do. Raises RunError where `config.json` cannot be read."""
        try:
            values = parsed((self.path / "config.json").read_text("utf-8"))
            values["train"] = TrainConfig.from_json(values["train"])
            values["classes"] = tuple(values["classes"])
            values["prompts"] = tuple(tuple(p) for p in values["prompts"])
            if not all(isinstance(text, str) for text in (values["task"], values["model"], values["method"], *values["classes"])):
                raise TypeError("task, model, method and classes are texts")
            if not abs(values["created"]) < LAST_S:
                raise ValueError("it was never created")
            return RunSpec(**values)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, BadInput) as error:
            raise RunError(f"The settings of {self.id} cannot be read ({error}).", "Start a new run.") from error

    def readable(self) -> bool:
        """Whether this is a run of this Studio, so that one damaged folder does not hide the others."""
        try:
            return bool(self.spec.model)
        except RunError:
            return False

    @property
    def adapter(self) -> Path:
        return self.path / "adapter"

    def state(self) -> dict[str, Any]:
        try:
            # null for a number that is none, as the loss of a training that diverged
            found = parsed((self.path / "state.json").read_text("utf-8"), parse_constant=lambda _: None)
        except (OSError, ValueError, RecursionError):
            found = None
        # never written, damaged, or not Studio's: what was learnt lies in the checkpoints
        return found if _is_state(found) else {"status": "interrupted"}

    def update(self, **values: Any) -> None:
        """Change some fields of the state and say which process did."""
        state = {**self.state(), **values, "process": {**identity(), "folder": str(self.path)}}
        publish_text(self.path / "state.json", json.dumps(state))

    def snapshot(self) -> RunSnapshot:
        """The run at this moment. What is dead is never shown as running."""
        spec, state = self.spec, self.state()
        status, process = state.pop("status"), state.pop("process", None)
        for_good = state.pop("for_good", False)
        if status in {"queued", "running"} and not (alive(process) and self._is_where(process)):
            status = "interrupted"
        return RunSnapshot(
            id=self.id,
            status=status,
            task=spec.task,
            model=spec.model,
            method=spec.method,
            config=spec.train.as_json(),
            created=spec.created,
            command=spec.command,
            resumable=status in {"stopped", "interrupted"} or (status == "failed" and not for_good),
            has_adapter=self.adapter.is_dir(),
            **state,
        )

    def _is_where(self, process: Mapping[str, Any]) -> bool:
        """Whether that process works here: a copied folder tells of a process that works on its original."""
        return str(process.get("folder", self.path)) == str(self.path)

    def seconds(self) -> float | None:
        """From its start to its end; None where it has not ended, or was resumed: nobody counts the time between."""
        state, events = self.state(), self.events()[0]
        once = sum(event.kind == "start" for event in events) == 1
        return state["ended"] - state["started"] if once and state.get("started") and state.get("ended") else None

    def append(self, event: TrainEvent) -> None:
        """One line more in `events.jsonl`."""
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(event)) + "\n")

    def events(self, since: int = 0) -> tuple[tuple[TrainEvent, ...], int]:
        """Events after the place `since`, and the place to ask for next; a line still being written waits for its end."""
        try:
            with (self.path / "events.jsonl").open("rb") as file:
                file.seek(since)
                data = file.read()
        except FileNotFoundError:
            return (), 0
        whole = data[: data.rfind(b"\n") + 1]
        found = []
        for line in whole.splitlines():
            try:
                event = TrainEvent(**parsed(line.decode()))
            except (ValueError, TypeError, RecursionError):  # a line torn by a kill, followed by a resumed run's
                continue
            if _is_event(event):
                found.append(event)
        return tuple(found), since + len(whole)

    def wish(self) -> Wish | None:
        """Whether somebody asked this run to stop."""
        try:
            found = json.loads((self.path / "control.json").read_text("utf-8"))["wish"]
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, RecursionError):
            return "stop"
        return "keep" if found == "keep" else "stop"

    def ask_to_stop(self, keep: bool) -> None:
        publish_text(self.path / "control.json", json.dumps({"wish": "keep" if keep else "stop", "at": time.time()}))

    def clear_wish(self) -> None:
        (self.path / "control.json").unlink(missing_ok=True)

    def publish_checkpoint(self, write: Mapping[str, bytes], step: int) -> None:
        """Files of one checkpoint, whole or not at all; older ones beyond two are removed."""
        root = self.path / "checkpoints"
        with new_folder(root / f"step-{step:08d}") as folder:
            for name, data in write.items():
                (folder / name).write_bytes(data)
        for old in sorted(root.glob("step-*"))[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)

    def clear_unfinished(self) -> None:
        """Remove what a kill left under temporary names. For the process that works on the run."""
        for folder in (self.path, self.path / "checkpoints"):
            if folder.is_dir():
                clear_unfinished(folder, psutil.pid_exists)

    def checkpoints(self) -> list[Path]:
        """Newest first."""
        return sorted((self.path / "checkpoints").glob("step-*"), reverse=True)

    def preflight(self) -> Preflight | None:
        """What was measured before the first step, so that a resumed run goes on in the same way."""
        try:
            return checked(json.loads((self.path / "preflight.json").read_text("utf-8")), Preflight)
        except (OSError, ValueError, RecursionError):
            return None

    def publish_preflight(self, found: Preflight) -> None:
        publish_text(self.path / "preflight.json", json.dumps(asdict(found)))

    def report(self) -> dict[str, Any]:
        """What the run said of itself at its end; empty before."""
        try:
            return dict(parsed((self.path / "report.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return {}

    def publish_report(self, report: Mapping[str, Any]) -> None:
        publish_text(self.path / "report.json", json.dumps(report, indent=2))


def _is_event(event: TrainEvent) -> bool:
    """Whether it is one that `append` writes."""
    counts = all(type(count) is int and abs(count) < LARGEST for count in (event.step, event.total))
    named = isinstance(event.kind, str) and isinstance(event.values, dict)
    if not (counts and named and isinstance(event.at, int | float) and abs(event.at) < LARGEST):
        return False
    return not any(type(value) is int and abs(value) >= LARGEST for value in event.values.values())


LAST_S = 10**11
"""Seconds since 1970 that a date can still say."""
LARGEST = 2**63
"""Of a state's and an event's numbers: Python's may have any number of digits, and no other."""


def _is_state(found: Any) -> bool:
    """Whether it is one that `update` writes: a run of a stranger's project may say anything."""
    if not isinstance(found, dict) or found.get("status") not in get_args(RunStatus):
        return False
    process = found.get("process")
    if not isinstance(process, dict | None):
        return False
    known = _STATE.keys() | {"status", "process", "for_good"}
    if any(isinstance(value, int | float) and abs(value) >= LARGEST for value in found.values()):
        return False
    return found.keys() <= known and all(isinstance(found[key], _STATE[key]) for key in _STATE.keys() & found.keys())
