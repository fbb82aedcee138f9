from __future__ import annotations

from pathlib import Path

import pytest

from studio.ui.widgets.model_choice import how_to_get_one
from studio.workspace import Workspace


def test_where_no_model_can_be_chosen_a_page_says_how_to_get_one(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.models.catalog.PACKAGED", "no_such_package")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    assert how_to_get_one(workspace) == ""
    project = workspace.create_project("Messages", "text-classification")
    said = how_to_get_one(workspace)
    assert "two ways to all-MiniLM-L6-v2" in said and 'href="/models"' in said
    project.choose_model("hf:sentence-transformers/all-MiniLM-L6-v2")
    assert how_to_get_one(workspace) == ""
