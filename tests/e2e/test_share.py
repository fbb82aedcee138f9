"""Downloads of the Share page in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from studio.settings import Settings
from studio.workspace import Workspace
from tests.e2e.walk import go, too_wide

pytestmark = pytest.mark.browser


def test_each_click_saves_one_file_made_then(page: Any, tmp_path: Path) -> None:
    workspace = Workspace(Settings(home=tmp_path / "home", offline=True))
    project = workspace.open_sample("messages")
    saved: list[Any] = []
    page.on("download", lambda one: saved.append(one))
    go(page, "share")
    assert page.locator(".sr-missing a").all_inner_texts() == ["Go to Train", "Go to Compare"]
    assert too_wide(page) == []
    labelled = []
    for count in (1, 2):
        with page.expect_download():
            page.click("#share-labels")
        page.locator(".st-steps", has_text="exported").wait_for()
        with Path(saved[-1].path()).open(encoding="utf-8-sig", newline="") as file:
            labelled.append(sum(bool(row["label"]) for row in csv.DictReader(file)))
        assert [one.suggested_filename for one in saved] == ["support-messages-labels.csv"] * count
        project.labelling.label_for_me(1)
    workspace.close()
    assert labelled[1] == labelled[0] + 8
