"""The Share page's handlers, and the report as a file of its own."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder

from studio.core.errors import BadInput, CannotRun
from studio.core.results.comparison import Answered, Changes, Comparison, Score
from studio.core.results.projects import Activity
from studio.core.types import ItemFilter
from studio.ui.pages.share import SharePage, labels_note
from studio.ui.report import report_page
from studio.ui.shell import done
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


@pytest.fixture
def compared(project: OpenProject) -> OpenProject:
    """With a comparison of which one picture is there and one is gone."""
    image = project.labelling.item(1).content["image"]
    changed = [Answered(1, name, {"image": sha}, "cat", "dog", "cat", 0.9) for name, sha in ((EVIL, image), ("gone", "0" * 64))]
    changes = Changes("Zero-shot", EVIL, 2, 0, tuple(changed), (), tuple(changed))
    score = Score("lora", "Fine-tuned", "LoRA r=8, run-1", 20, 0.8, (0.6, 0.9))
    found = Comparison(
        "hf:sentence-transformers/all-MiniLM-L6-v2", "test", ("cat", "dog"), (score,), f"It is better. {EVIL}", changes=changes
    )
    project._project.store.set_meta("comparison", asdict(found))
    return project


class Loads(HTMLParser):
    """What a page would run or fetch, and whether its sections are open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.folded = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "action")]
        assert not [name for name in given if name.startswith("on")]
        self.folded += tag == "details" and "open" not in given


def ended(page: SharePage) -> Activity:
    while (activity := page.activity("labels")) is None or activity.state == "running":
        time.sleep(0.01)
    return activity


def written(page: SharePage, project: OpenProject, format: str) -> Path:
    """The file of an export of labels, at its end."""
    page.start_labels(project.id, format)
    assert ended(page).state == "done"
    return Path(str(page.made(project.id, "labels")))


def test_without_a_project_the_page_says_so(workspace: Workspace) -> None:
    cards, empty, *_ = SharePage(workspace).on_load()
    assert cards["visible"] is False and "No project is open." in empty


def test_each_card_says_what_is_missing_and_where_to_do_it(workspace: Workspace) -> None:
    workspace.create_project("Empty", "text-classification")
    _, _, runs, *cards, _, format = SharePage(workspace).on_load()
    assert runs["visible"] is format["visible"] is False
    for note, button, path in zip(cards[::2], cards[1::2], ("train", "data", "compare"), strict=True):
        assert f'href="/{path}"' in note and button["visible"] is False


@pytest.mark.slow
def test_the_runs_are_offered_newest_first(workspace: Workspace, project: OpenProject, tiny_ids: dict[str, str]) -> None:
    for item in project.labelling.page(ItemFilter(split="train")).items:
        project.labelling.label(item.id, "cat" if item.name.startswith("cat") else "dog")
    for _ in range(2):
        run = project.training.start(tiny_ids["open_clip-vit"], settings={"steps": 1})
        while not project.training.wait(run):
            pass
    page = SharePage(workspace)
    _, _, runs, _, button, *_ = page.on_load()
    assert [run for _, run in runs["choices"]] == ["run-2", "run-1"] and runs["value"] == "run-2"
    assert runs["choices"][0][0].startswith("Run 2 · ") and button["visible"] is True
    assert Path(page.model(project.id, "run-1")).name == "pets-run-1.zip"
    assert Path(page.model(project.id, None)).name == "pets-run-2.zip"


def test_a_file_lies_where_gradio_serves_and_clears_it(workspace: Workspace, project: OpenProject) -> None:
    page = SharePage(workspace)
    first, second = written(page, project, "csv"), written(page, project, "csv")
    assert first.name == second.name == "pets-labels-csv.zip" and first.parent != second.parent
    assert first.is_relative_to(get_upload_folder()) and not first.is_relative_to(project.path)


def test_sharing_is_done_once_something_was_exported(workspace: Workspace, project: OpenProject) -> None:
    page = SharePage(workspace)
    assert "share" not in done(project)
    with pytest.raises(CannotRun, match="no comparison"):
        page.report(project.id)
    assert "share" not in done(project)
    written(page, project, "jsonl")
    assert done(project)["share"] == "exported" and "exported" in page.header()


def test_a_page_of_another_project_exports_nothing(workspace: Workspace, project: OpenProject) -> None:
    workspace.create_project("Other", "text-classification")
    with pytest.raises(BadInput, match="another project"):
        SharePage(workspace).start_labels(project.id, "csv")


def test_an_export_that_failed_saves_nothing(workspace: Workspace, project: OpenProject) -> None:
    page = SharePage(workspace)
    shutil.rmtree(Path(project.path) / "media")
    page.start_labels(project.id, "jsonl")
    assert ended(page).state == "failed" and page.made(project.id, "labels") is None and "share" not in done(project)


def test_only_formats_that_can_hold_the_items_are_offered(workspace: Workspace, project: OpenProject) -> None:
    *_, format = SharePage(workspace).on_load()
    assert format["value"] == "csv" and "folder" in [name for _, name in format["choices"]]


def test_the_report_is_one_file_that_runs_and_fetches_nothing(workspace: Workspace, compared: OpenProject) -> None:
    page = Path(SharePage(workspace).report(compared.id)).read_text("utf-8")
    found = Loads(page)
    assert not found.tags & {"script", "link", "iframe", "object", "base", "form"}
    assert found.addresses and all(address.startswith("data:") for address in found.addresses)
    assert not re.search(r"url\(|@import|https?:", page)
    assert found.folded == 0 and "details" in found.tags
    assert "default-src 'none'" in page


def test_the_report_says_what_it_is_about(compared: OpenProject) -> None:
    page = report_page(compared)
    for said in (
        "<h1>Pets</h1>",
        "6 items",
        "0 labelled",
        "Classes: 2",
        "80.0 %",
        "It is better.",
        "in learning. all-MiniLM-L6-v2",
    ):
        assert said in page


def test_what_people_wrote_is_text_in_the_report(workspace: Workspace, compared: OpenProject) -> None:
    compared.name = f"{EVIL}</title></style>"
    page = report_page(compared)
    assert EVIL not in page and page.count("</title>") == page.count("</style>") == 1


def test_what_is_of_no_class_is_counted_beside_what_was_skipped(project: OpenProject) -> None:
    project.labelling.none_of_these(1)
    project.labelling.skip(2)
    said, _ = labels_note(project)
    assert "6 items, 0 labelled, 1 of none of the classes, 1 skipped." in said
