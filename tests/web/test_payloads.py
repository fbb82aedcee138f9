"""What a stranger's script may send to each function of the pages: refused in words, never an error of Studio's own."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio import ui
from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

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


pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Workspace, OpenProject]]:
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(f"text {n},{'cat' if n % 2 else 'dog'}" for n in range(8)))
    workspace = Workspace(Settings(home=tmp_path / "home", offline=True))
    made = workspace.create_project("Pets", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    yield workspace, made
    workspace.close()


def functions(workspace: Workspace) -> dict[str, Callable[[Any], dict[str, Any]]]:
    """{"element id/name": function} of every widget of every page."""
    blocks = ui.build(workspace).blocks.values()
    return {f"{block.elem_id}/{function.__name__}": function for block in blocks for function in getattr(block, "server_fns", ())}


def test_no_payload_makes_a_function_fail(project: tuple[Workspace, OpenProject], caplog: pytest.LogCaptureFixture) -> None:
    workspace, opened = project
    found = functions(workspace)
    assert len(found) > 30 and len(FIELDS) > 30
    with caplog.at_level(logging.ERROR):
        for name, function in found.items():
            for value in ODD:
                assert isinstance(function(value)["ok"], bool), name
                for field in FIELDS:
                    function({"project": opened.id, field: value})
                function({"project": opened.id, **dict.fromkeys(FIELDS, value)})
                function({"project": value, "author": "ann"})
    assert not caplog.records, caplog.text[-3_000:]
    assert opened.labelling.counts().total == 8
