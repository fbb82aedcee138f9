"""Sends odd values to every function of every page's widgets; a JSON object on stdout: how many functions, what they logged.

A process of its own: Gradio leaves event loops and sockets open.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import ui
from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, float("nan"), 2**70, "", "cat", "\x00", "\ud800", "x" * 100_000, "../../etc/passwd", "<b>", "1",
    [], [[]], [None], [1, "cat"], [2**70], ["cat"] * 20_000, {}, {"cat": {}}, {"__proto__": 1},
)  # fmt: skip
"""Values that a field is not meant to have."""
FIELDS = sorted({
    name
    for file in Path(ui.__file__).parent.rglob("*.py")
    for name in re.findall(r'payload(?:, |\.get\()"(\w+)"', file.read_text("utf-8"))
} - {"project"})  # fmt: skip
"""Every field that some function reads."""


class Logged(logging.Handler):
    """What was logged as an error, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(logging.Formatter().format(record))


def functions(workspace: Workspace) -> dict[str, Callable[[Any], dict[str, Any]]]:
    """{"element id/name": function} of every widget of every page."""
    blocks = ui.build(workspace).blocks.values()
    return {f"{block.elem_id}/{function.__name__}": function for block in blocks for function in getattr(block, "server_fns", ())}


def main() -> None:
    logged = Logged()
    logging.getLogger("studio").addHandler(logged)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "rows.csv").write_text("text,label\n" + "\n".join(f"text {n},{'cat' if n % 2 else 'dog'}" for n in range(8)))
        workspace = Workspace(Settings(home=root / "home", offline=True))
        project = workspace.create_project("Pets", "text-classification")
        project.labelling.import_data(str(root / "rows.csv"), ImportOptions())
        found = functions(workspace)
        answers = 0
        for function in found.values():
            for value in ODD:
                sent = [value, {"project": value, "author": "ann"}, {"project": project.id, **dict.fromkeys(FIELDS, value)}]
                for payload in (*sent, *({"project": project.id, field: value} for field in FIELDS)):
                    answer = function(payload)
                    json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()  # as it is sent
                    answers += isinstance(answer["ok"], bool)
        left = project.labelling.counts().total
        workspace.close()
    said = {"functions": len(found), "fields": len(FIELDS), "answers": answers, "failed": logged.said[:5], "items": left}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
