from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder

from studio.core.errors import BadInput
from studio.core.results.projects import ImportReport, Reject
from studio.ui.pages.data import KEEP, NAMES_ONLY, Imports, report_html
from studio.ui.widgets.upload import uploaded_path
from studio.workspace import Workspace


def imported(workspace: Workspace, source: str, keep: str = KEEP, split: str = "", columns: Mapping[str, str] = {}) -> Imports:
    imports, project = Imports(workspace), workspace.project()
    assert project is not None
    imports.start(project.id, source, None, keep, split, 20, *(columns.get(part, "") for part in imports.parts))
    for _ in range(200):
        activity = imports.activity()
        if activity is None or activity.state != "running":
            break
        time.sleep(0.05)
    return imports


def test_an_import_runs_in_the_background_and_ends_with_a_report(workspace: Workspace, picture_folder: Path) -> None:
    project = workspace.create_project("Pets", "image-classification")
    imports = imported(workspace, str(picture_folder))
    activity = imports.activity()
    assert activity is not None and activity.state == "done"
    report = project.labelling.last_report()
    assert report is not None and report.added == 6
    assert project.labelling.counts().labelled == 6


def test_class_names_only_and_a_chosen_split(workspace: Workspace, picture_folder: Path) -> None:
    project = workspace.create_project("Pets", "image-classification")
    imported(workspace, str(picture_folder), NAMES_ONLY, "test")
    counts = project.labelling.counts()
    assert (counts.labelled, dict(counts.by_split).get("test")) == (0, 6)
    assert [c.name for c in project.labelling.classes()] == ["cat", "dog"]


def test_columns_are_asked_for_by_what_the_project_holds(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.create_project("Mail", "text-classification")
    (tmp_path / "mail.csv").write_text("said,kind,part\nhello,a,train\nbye,b,test\n")
    imports = Imports(workspace)
    group, *fields = imports.columns(project.id, str(tmp_path / "mail.csv"), None)
    shown = {part: field.visible for part, field in zip(imports.parts, fields, strict=True)}
    assert group.visible and shown == {"image": False, "text": True, "label": True, "split": True}
    imported(workspace, str(tmp_path / "mail.csv"), columns={"text": "said", "label": "kind", "split": "part"})
    assert dict(project.labelling.counts().labelled_by_split) == {"train": 1, "val": 0, "test": 1}


def test_a_failed_import_keeps_its_reason_for_a_reload(workspace: Workspace, tmp_path: Path) -> None:
    workspace.create_project("Pets", "image-classification")
    activity = imported(workspace, str(tmp_path / "nothing")).activity()
    assert activity is not None and activity.state == "failed"
    assert activity.error and activity.hint


def test_the_import_button_works_once_the_page_knows_its_project(workspace: Workspace) -> None:
    *_, waiting, shown = Imports(workspace).opened()
    assert "interactive" not in waiting and shown == ""
    project = workspace.create_project("Pets", "image-classification")
    *_, go, shown = Imports(workspace).opened()
    assert (go.interactive, shown) == (True, project.id)


def test_nothing_given_is_said_at_once(workspace: Workspace) -> None:
    project = workspace.create_project("Pets", "image-classification")
    with pytest.raises(BadInput, match="nothing to import"):
        Imports(workspace).start(project.id, "  ", None, KEEP, "", 20, "", "", "", "")


def test_the_report_shows_names_and_reasons_as_text() -> None:
    rejects = (Reject("<img src=x onerror=alert(1)>.jpg", 3, "<script>alert(2)</script>"),)
    html = report_html(ImportReport("<b>source</b>", 1, 0, 1, rejects, {"train": 1}, {"<i>cat</i>": 1}, 0.1))
    for raw in ("<img", "<script", "<b>source", "<i>cat"):
        assert raw not in html
    assert "&lt;img src=x" in html


def test_the_report_names_at_most_a_hundred_rejects() -> None:
    rejects = tuple(Reject(f"file{k}", None, "broken") for k in range(300))
    html = report_html(ImportReport("source", 0, 0, 5000, rejects, {}, {}, 0.1))
    assert html.count("broken") == 100
    assert "4,900 more" in html


def test_an_upload_outside_of_the_uploads_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        uploaded_path({"path": "/etc/passwd", "name": "x.zip"})
    with pytest.raises(BadInput):
        uploaded_path({"path": f"{get_upload_folder()}/../../etc/passwd", "name": "x.zip"})
    assert uploaded_path(None) is None
    assert uploaded_path({"path": f"{get_upload_folder()}/abc/x.zip", "name": "x.zip"}) is not None


def test_a_multi_label_project_says_how_a_cell_names_several_classes(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "mail.csv").write_text("text,kind\na,x|y\n", "utf-8")
    said = {}
    for task in ("text-multi-label", "text-classification"):
        project = workspace.create_project("Mail", task)
        imports = Imports(workspace)
        _, *fields = imports.columns(project.id, str(tmp_path / "mail.csv"), None)
        said[task] = {part: field.info for part, field in zip(imports.parts, fields, strict=True)}
    assert "with | or ;" in said["text-multi-label"].pop("label")
    assert {*said["text-multi-label"].values(), *said["text-classification"].values()} == {None}
