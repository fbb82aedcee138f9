from __future__ import annotations

import time
from typing import Any

import pytest

from studio.core.types import ImportOptions
from studio.ui.answers import answering
from studio.ui.widgets.check import Inspector
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.fixture
def inspector(workspace: Workspace) -> Inspector:
    return Inspector(workspace)


@pytest.fixture
def twice(workspace: Workspace, tmp_path: Any) -> OpenProject:
    """Three texts to learn from and two that judge, one of them nearly the same as a training one."""
    rows = ["Where is my parcel?,late,train", "I was charged twice,money,train", "It broke on day one,broken,train"]
    rows += ["where is my parcel,late,test", "My card was declined,money,test"]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    made = workspace.create_project("Twice", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    return made


def checked(inspector: Inspector, project: OpenProject) -> dict[str, Any]:
    """Check, and wait as the page does."""
    assert answering(inspector.start)({"project": project.id})["activity"]["title"] == "Checking the data"
    for _ in range(600):
        found = answering(inspector.look)({"project": project.id})
        if found["audit"] and not found["activity"]:
            return dict(found["audit"])
        time.sleep(0.05)
    raise AssertionError("the audit does not end")


def test_before_the_first_check_there_is_nothing(inspector: Inspector, project: OpenProject) -> None:
    found = answering(inspector.look)({})
    assert (found["audit"], found["activity"], found["all"]) == (None, None, 6)


def test_a_leak_is_shown_settled_and_taken_back(inspector: Inspector, twice: OpenProject) -> None:
    audit = checked(inspector, twice)
    (twins,) = audit["twins"]
    assert twins["leak"] and audit["leaks"] == 1 and audit["why_no_doubts"]
    assert [item["split"] for item in twins["items"]] == ["test", "train"]
    settle = answering(inspector.settle)
    shown = {"project": twice.id, "key": twins["key"], "act": "drop", "saw": twins["items"][1]["label"]}
    assert settle({**shown, "saw": "another"})["ok"] is False and twice.labelling.counts().labelled == 5
    assert settle(shown)["ok"]
    assert twice.labelling.counts().labelled == 4
    assert answering(inspector.look)({"project": twice.id})["audit"]["twins"] == []
    assert settle(shown)["ok"] is False
    undo, redo = answering(inspector.undo), answering(inspector.redo)
    assert undo({"project": twice.id}) == {"ok": True, "key": twins["key"], "stays": False}
    assert twice.labelling.counts().labelled == 5
    assert redo({"project": twice.id})["key"] == twins["key"] and twice.labelling.counts().labelled == 4
    assert redo({"project": twice.id})["key"] is None


@pytest.mark.parametrize("wrong", [{"act": "burn"}, {"act": "change"}, {"key": "twins/7/8"}, {"key": 7}, {"project": "other"}])
def test_what_cannot_be_settled_is_refused(inspector: Inspector, twice: OpenProject, wrong: dict[str, Any]) -> None:
    key = checked(inspector, twice)["twins"][0]["key"]
    assert answering(inspector.settle)({"project": twice.id, "key": key, "act": "keep", **wrong})["ok"] is False
    found = twice.auditing.last()
    assert found and found.leaks == 1


def test_without_a_project_it_says_so(inspector: Inspector) -> None:
    assert answering(inspector.look)({}) == {"ok": True, "project": None}
