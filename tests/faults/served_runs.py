"""The Train page over kills of the server: what it is told of a run, asked over HTTP as its script asks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.faults.labelling import component, post
from tests.faults.lives import App, begin, end, killed
from tests.faults.training import learnt, prepared, train

STEPS = 200
"""So many that no server ends a run before it is killed."""
LOOK_S = 0.1


class Tab:
    """One tab that shows one run."""

    def __init__(self, app: App, project: str, name: str) -> None:
        self._app, self._project, self._name = app, project, name
        self._widget = (0, 0)
        """The port of the server that was asked last, and the monitor's number there."""

    def ask(self, function: str, **payload: Any) -> dict[str, Any]:
        if self._widget[0] != self._app.port:
            self._widget = self._app.port, component(self._app.port, "run-monitor")
        body = {"data": {"project": self._project, **payload}, "component_id": self._widget[1]}
        return post(self._app.port, json.dumps({**body, "fn_name": function, "session_hash": self._name}))

    def run(self, run: str) -> dict[str, Any]:
        return dict(self.ask("since", run=run)["run"])


def kills_of_the_server(root: Path, kills: int) -> dict[str, int | float]:
    """A run that was killed is resumed on the page, and the server killed under it, so often; at last it ends."""
    workspace, project, model = prepared(root)
    given = (workspace.settings.home, project, model)
    assert end(begin(train, *given, None, None, STEPS)) == 0
    whole = learnt(project, "run-1")
    assert killed(begin(train, *given, None, ("event", 30, 0), STEPS))
    opened = workspace.project()
    assert opened is not None
    app = App(workspace.settings.home)
    one, other = Tab(app, opened.id, "one"), Tab(app, opened.id, "other")
    workspace.close()
    untrue = otherwise = not_resumable = 0
    for life in range(kills + 1):
        app.start()
        found = one.run("run-2")
        untrue += found["status"] != "interrupted"
        not_resumable += not (found["resumable"] and one.ask("act", act="resume", run="run-2")["ok"])
        otherwise += not _follow(one, other, None if life == kills else found["step"])
        if life < kills:
            app.kill()
    ended = other.run("run-2")["status"]
    app.kill()
    again = learnt(project, "run-2")
    return {
        "kills": kills,
        "not_seen_as_interrupted": untrue,
        "not_resumable": not_resumable,
        "told_otherwise": otherwise,
        "not_done": int(ended != "done"),
        "losses_differ": int(again["losses"] != whole["losses"]),
        "adapters_differ": int(again["adapter"] != whole["adapter"]),
    }


def _follow(one: Tab, other: Tab, beyond: int | None) -> bool:
    """Until the run is beyond that step, or to its end; whether both tabs were told all the time that it goes on."""
    until, same = time.monotonic() + 120, True
    while time.monotonic() < until:
        time.sleep(LOOK_S)
        first, second = one.run("run-2"), other.run("run-2")
        same = same and {first["status"], second["status"]} <= {"queued", "running", "done"}
        if second["status"] == "done" or (beyond is not None and second["step"] > beyond):
            break
    return same
