from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from studio.core.errors import CannotRun, UnreadableItem
from studio.core.results.comparison import Comparison, Score
from studio.core.types import ImportOptions
from studio.ui.shell import done, empty, header_html
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

ROOT = Path(__file__).resolve().parents[2]

SERVE_EVERY_PAGE = """
import sys
from pathlib import Path
import gradio as gr
import httpx
from studio.settings import Settings
from studio.ui import PAGES, launch
from studio.workspace import Workspace

workspace = Workspace(Settings(home=Path(sys.argv[1]), offline=True))
demo = launch(workspace, block=False, warm_up_after_s=3600)
client = httpx.Client(base_url=demo.local_url, follow_redirects=True, timeout=30)
for path in ["", *(page.PATH for page in PAGES)]:
    answer = client.get("/" + path)
    assert answer.status_code == 200, (path, answer.status_code)
    assert "Studio" in answer.text
assert client.get("/", headers={"host": "evil.example"}).status_code == 403
assert client.post("/gradio_api/component_server", headers={"origin": "http://evil.example"}).status_code == 403
assert client.get("/studio/media/a/b/c").text == "There is no such picture."
assert "paths" not in client.get("/openapi.json").text
assert client.get("/docs").status_code == 404 or "swagger" not in client.get("/docs").text
numbers = [block for block in demo.blocks.values() if isinstance(block, gr.Number)]
# a field that refuses a number itself is a server's error, and no handler can say what is wrong
assert len(numbers) > 10 and all(number.preprocess(wrong) == wrong for number in numbers for wrong in (-1.5, 1e9))
assert [block.interactive for block in demo.blocks.values() if block.elem_id == "import-start"] == [False]
heavy = sorted({"torch", "transformers", "open_clip", "peft", "datasets"} & set(sys.modules))
assert not heavy, heavy
demo.close()
workspace.close()
print("every page served")
"""


def test_every_page_is_served_without_importing_torch(tmp_path: Path) -> None:
    # in a process of its own: the other tests may have imported torch
    ran = subprocess.run(
        [sys.executable, "-c", SERVE_EVERY_PAGE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert "every page served" in ran.stdout


def test_the_stepper_says_what_is_done_and_what_is_next(workspace: Workspace, project: OpenProject) -> None:
    assert done(project) == {"data": "6 items"}
    project.labelling.label(1, "cat")
    assert done(project)["label"] == "1 labelled"
    assert 'href="/label" aria-current="page"' in header_html(workspace, "label")


def test_labels_of_the_test_split_alone_are_nothing_to_learn_from(workspace: Workspace) -> None:
    project = workspace.open_sample("messages")
    assert "label" not in done(project)
    project.labelling.label_for_me(per_class=1)
    assert done(project)["label"] == "8 labelled"


def test_testing_is_done_once_a_method_answered_also_in_another_process(
    workspace: Workspace, project: OpenProject, picture_folder: Path, tiny_ids: dict[str, str]
) -> None:
    picture = {"image": (picture_folder / "cat" / "cat0.png").read_bytes()}
    with pytest.raises(UnreadableItem):
        project.testing.predict([{"image": b"no picture"}], tiny_ids["open_clip-vit"])
    assert "test" not in done(project)
    headless = Workspace(workspace.settings)
    headless.open_project(project.path).testing.predict([picture], tiny_ids["open_clip-vit"])
    headless.close()
    assert done(project)["test"] == "tried"


def test_a_search_that_found_something_counts_as_a_test(
    workspace: Workspace, picture_folder: Path, tmp_path: Path, tiny_ids: dict[str, str]
) -> None:
    project = workspace.create_project("Pairs", "image-text")
    with pytest.raises(CannotRun):
        project.testing.search("a cat", tiny_ids["open_clip-vit"])
    assert "test" not in done(project)
    (picture_folder / "captions.csv").write_text("image,caption\ncat/cat0.png,a small cat\n")
    project.labelling.import_data(str(picture_folder / "captions.csv"), ImportOptions())
    project.testing.search("a cat", tiny_ids["open_clip-vit"])
    assert done(project)["test"] == "tried"


@pytest.mark.parametrize(("why_not", "said"), [("No run.", None), (None, "verdict")])
def test_a_verdict_takes_something_that_learnt(
    workspace: Workspace, project: OpenProject, why_not: str | None, said: str | None
) -> None:
    scores = (Score("zero_shot", "Zero-shot", "", 6), Score("lora", "Fine-tuned", "", 6, why_not=why_not))
    project._project.store.set_meta("comparison", asdict(Comparison("m", "test", ("cat", "dog"), scores, "")))
    assert done(project).get("compare") == said


@pytest.mark.parametrize(("task", "following"), [("image-classification", "Label"), ("image-text", "Train")])
def test_labelling_is_a_step_where_there_are_classes_and_optional_for_pairs(
    workspace: Workspace, picture_folder: Path, task: str, following: str
) -> None:
    project = workspace.create_project("Steps", task)
    (picture_folder / "captions.csv").write_text("image,caption\ncat/cat0.png,a small cat\n")
    source = picture_folder / "captions.csv" if task == "image-text" else picture_folder
    project.labelling.import_data(str(source), ImportOptions(keep_labels=False))
    project.choose_model("open_clip:ViT-B-32/laion2b_s34b_b79k")
    html = header_html(workspace, "data")
    assert f"<b>{following}</b><small>next</small>" in html
    assert ("<b>Label</b><small>optional</small>" in html) == (task == "image-text")


def test_a_projects_name_is_shown_as_text(workspace: Workspace) -> None:
    workspace.create_project("<script>alert(1)</script>", "text-classification")
    assert "<script" not in header_html(workspace, "data")
    assert "<b>" not in empty("<b>", "<b>", [("/", "<b>")])
