"""Kills at exact points of a training, and runs that are cancelled at any moment. A small real model, on one thread."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import psutil

from studio.core.types import ImportOptions
from studio.runs.folder import RunFolder
from studio.settings import Settings
from studio.ui.widgets.run_status import Monitor
from studio.workspace import Workspace
from tests import tiny_models
from tests.faults.lives import begin, end, killed
from tests.faults.publishing import pictures

SETTINGS = {"batch_size": 4, "checkpoint_every": 5, "precision": "fp32", "dropout": 0.2, "lr": 0.01}
ITEMS = 18
IN_SAVES = tuple(("save", save, place) for save in (1, 3) for place in (1, 2, 4, 5))
"""(what, which save, before which of its operations): fsync of a file, of the other, the rename, the fsync after it."""
AT_EVENTS = 22
LIMIT_S = 5.0
"""A cancelled run has to stop within it."""

Point = tuple[str, int, int]


def points(events: int) -> list[Point]:
    """22 spread over all events of the run, from its loading to its end, and 8 inside saves, in turn."""
    at = [("event", 1 + (2 * n + 1) * events // (2 * AT_EVENTS), n % 2) for n in range(AT_EVENTS)]
    return [point for pair in zip_longest(IN_SAVES, at) for point in pair if point is not None]


def _die_at(point: Point) -> None:
    """From now on this process kills itself there: it counts what the run writes, and what a save asks of the disk."""
    kind, which, place = point
    append, publish = RunFolder.append, RunFolder.publish_checkpoint
    fsync, rename = os.fsync, os.rename
    counted = {"event": 0, "save": 0, "operation": 0}

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def appended(self: RunFolder, event: Any) -> None:
        counted["event"] += 1
        here = kind == "event" and counted["event"] == which
        if here and place == 0:
            die()
        append(self, event)
        if here:
            die()

    def published(self: RunFolder, write: Any, step: int) -> None:
        counted["save"] += 1
        counted["operation"] = 0
        publish(self, write, step)

    def before(work: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any) -> Any:
            counted["operation"] += 1
            if kind == "save" and counted["save"] == which and counted["operation"] == place:
                die()
            return work(*given)

        return counting

    RunFolder.append, RunFolder.publish_checkpoint = appended, published  # type: ignore[method-assign]
    os.fsync, os.rename = before(fsync), before(rename)


def train(home: Path, project: str, model: str, run: str | None, point: Point | None, steps: int = 40) -> None:
    """Start a run, or go on with one, to its end."""
    import torch

    torch.set_num_threads(1)
    if point is not None:
        _die_at(point)
    workspace = Workspace(Settings(home=home, device="cpu", offline=True))
    training = workspace.open_project(project).training
    if run is None:
        run = training.start(model, settings={**SETTINGS, "steps": steps})
    else:
        training.resume(run)
    training.wait(run, 300)
    workspace.close()


def prepared(root: Path) -> tuple[Workspace, str, str]:
    """(workspace, path of a project of labelled pictures, a small model)."""
    (root / "model").mkdir()
    vision = {"image_size": tiny_models.SIDE, "layers": 3, "width": 32, "head_width": 16, "patch_size": 8}
    whole = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": tiny_models.TEXT_CFG}
    model = tiny_models.write_open_clip(root / "model", whole)
    workspace = Workspace(Settings(home=root / "home", device="cpu", offline=True))
    project = workspace.create_project("Runs", "image-classification")
    project.labelling.import_data(str(pictures(root / "pictures", 0, ITEMS)), ImportOptions(test_share=0))
    return workspace, project.path, model


def kills_in_trainings(root: Path, kills: int) -> dict[str, int | float]:
    """Each in a run of its own, which is then resumed and held against the one that nobody killed."""
    workspace, project, model = prepared(root)
    given = (workspace.settings.home, project, model)
    assert end(begin(train, *given, None, None)) == 0
    whole = learnt(project, "run-1")
    names = ("kills", "in_a_save", "not_seen_as_interrupted", "not_resumed", "losses_differ", "adapters_differ", "orphans")
    found: dict[str, int | float] = dict.fromkeys(names, 0)
    for n, point in enumerate(points(whole["events"])[:kills], start=2):
        run = f"run-{n}"
        found["kills"] += killed(begin(train, *given, None, point))
        found["in_a_save"] += point[0] == "save"
        found["not_seen_as_interrupted"] += _shown(workspace, run) != ("interrupted", True)
        assert end(begin(train, *given, run, None)) == 0
        again = learnt(project, run)
        found["not_resumed"] += _shown(workspace, run)[0] != "done"
        found["losses_differ"] += again["losses"] != whole["losses"]
        found["adapters_differ"] += again["adapter"] != whole["adapter"]
        found["orphans"] += again["orphans"]
    workspace.close()
    return found


def _shown(workspace: Workspace, run: str) -> tuple[str, bool]:
    """(status, whether Resume is offered) as a Train page of another process gets it."""
    project = workspace.project()
    assert project is not None
    answer = Monitor(workspace).since({"project": project.id, "run": run})
    return answer["run"]["status"], answer["run"]["resumable"]


def learnt(project: str, run: str) -> dict[str, Any]:
    folder = RunFolder.open(Path(project) / "runs", run)
    events, _ = folder.events()
    weights = folder.adapter / "adapter_model.safetensors"
    return {
        "events": len(events),
        "losses": {e.step: float(e.values["loss"]).hex() for e in events if e.kind == "step"},
        "adapter": hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else None,
        "orphans": sum(
            path.name.startswith(".") for path in chain(folder.path.iterdir(), (folder.path / "checkpoints").iterdir())
        ),
    }


def _cancel(home: Path, project: str, model: str, times: int, said: Path) -> None:
    """Start a run, cancel it at a random moment, so often; what it took."""
    import torch

    torch.set_num_threads(1)
    workspace, draw = Workspace(Settings(home=home, device="cpu", offline=True)), random.Random(4)
    training = workspace.open_project(project).training
    took, statuses = list[float](), list[str]()
    threads = 0
    for n in range(times):
        run = training.start(model, settings={**SETTINGS, "steps": 100_000})
        time.sleep(draw.uniform(0, 1.0))
        asked = time.monotonic()
        training.stop(run)
        training.wait(run, 60)
        took.append(time.monotonic() - asked)
        statuses.append(training.run(run).status)
        if n == 0:
            threads = threading.active_count()
    children = psutil.Process().children(recursive=True)
    found = {
        "longest_s": round(max(took), 2),
        "over_5_s": sum(one > LIMIT_S for one in took),
        "not_stopped": sum(status != "stopped" for status in statuses),
        "zombies": sum(child.status() == psutil.STATUS_ZOMBIE for child in children),
        "processes_left": len(children),
        "threads_more": max(0, threading.active_count() - threads),
    }
    workspace.close()
    said.write_text(json.dumps(found))


def cancels(root: Path, times: int) -> dict[str, int | float]:
    """Runs that would go on for ever, each cancelled somewhere between its start and its first steps."""
    workspace, project, model = prepared(root)
    life = begin(_cancel, workspace.settings.home, project, model, times, root / "said")
    while life.is_alive():
        life.join(1)
    found: dict[str, int | float] = json.loads((root / "said").read_text())
    stuck = sum(_shown(workspace, f"run-{n}")[0] in ("running", "queued") for n in range(1, times + 1))
    workspace.close()
    return {"cancels": times, **found, "stuck": stuck}
