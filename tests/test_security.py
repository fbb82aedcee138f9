"""SECURITY.md promises nothing that no test holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [line for line in (ROOT / "SECURITY.md").read_text("utf-8").splitlines() if line.startswith("| ") and "`tests/" in line]


def test_every_promise_has_a_row() -> None:
    table = (ROOT / "SECURITY.md").read_text("utf-8").split("## Promises and their tests")[1]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 20 and rows == ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_the_test_of_each_row_is_there(row: str) -> None:
    named = re.findall(r"`(tests/[\w/.]+?\.py)(?:::(\w+))?`", row)
    assert named
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
        assert tests and (not test or test in tests), (file, test)
