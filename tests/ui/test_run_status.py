from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest

from studio.core.types import ImportOptions, ItemFilter, RunSnapshot, TrainEvent
from studio.ui import theme
from studio.ui.answers import answering
from studio.ui.shell import lacking, no_project
from studio.ui.widgets.run_status import MOST_POINTS, Monitor, curves, in_focus, log
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

RUN = RunSnapshot("run-1", "done", "image-classification", "hf:m", "lora", {}, 0.0)
ABSENT = "open_clip:ViT-B-32/laion2b_s34b_b79k"


def event(kind: Any, step: int, **values: Any) -> TrainEvent:
    return TrainEvent(kind, step, 100, 1.0, values)


@pytest.fixture
def labelled(project: OpenProject) -> OpenProject:
    for item in project.labelling.page(ItemFilter()).items:
        project.labelling.label(item.id, item.name[:3])
    return project


def test_the_running_run_is_shown_before_a_newer_one() -> None:
    runs = (replace(RUN, id="run-3", status="queued"), replace(RUN, id="run-2", status="running"), RUN)
    assert in_focus(runs) == runs[1]
    assert in_focus(runs[2:]) == RUN
    assert in_focus(()) is None


def test_curves_hold_training_and_validation_apart() -> None:
    found = curves([event("step", 1, loss=2.0), event("eval", 1, loss=2.5, accuracy=0.4)])
    assert found == {"loss": [[1, 2.0]], "val_loss": [[1, 2.5]], "accuracy": [[1, 0.4]]}


def test_a_diverged_loss_is_left_out() -> None:
    found = curves([event("step", 1, loss=float("nan")), event("step", 2, loss=float("inf")), event("step", 3, loss=1.0)])
    assert found["loss"] == [[3, 1.0]]
    json.dumps(found, allow_nan=False)


def test_a_long_curve_is_thinned_and_keeps_its_end() -> None:
    points = curves([event("step", n, loss=1.0) for n in range(10 * MOST_POINTS + 3)])["loss"]
    assert len(points) <= MOST_POINTS + 1
    assert points[-1][0] == 10 * MOST_POINTS + 2


def test_the_log_says_looks_and_messages_but_not_steps() -> None:
    lines = log([event("step", 1, loss=1.0), event("eval", 2, accuracy=0.5), event("log", 2, message="Loading")], "accuracy")
    assert [line["text"] for line in lines] == ["step 2: validation accuracy 50.0 %", "Loading"]


def test_without_a_project_the_monitor_says_so(workspace: Workspace) -> None:
    assert answering(Monitor(workspace).since)({}) == {"ok": True, "project": None}


def test_without_a_run_there_is_nothing_to_show(workspace: Workspace, project: OpenProject) -> None:
    answer = answering(Monitor(workspace).since)({})
    assert answer["ok"] and answer["run"] is None and answer["runs"] == []


@pytest.mark.parametrize(
    ("split", "model", "said", "link"),
    [
        (None, ABSENT, "Nothing has been imported yet.", "/data"),
        ("train", "hf:/no/such/folder", "There is no model folder /no/such/folder.", "/models"),
        ("test", ABSENT, "There is no item in the training split.", "/data"),
        ("train", ABSENT, "No labelled item in the training split.", "/label"),
    ],
)
def test_before_the_first_run_what_is_missing_is_said_once_and_where_to_get_it(
    workspace: Workspace, picture_folder: Path, split: Any, model: str, said: str, link: str
) -> None:
    project = workspace.create_project("Pets", "image-classification")
    project.choose_model(model)
    if split:
        project.labelling.import_data(str(picture_folder), ImportOptions(split=split, keep_labels=False))
    answer = answering(Monitor(workspace).since)({})
    assert (answer["missing"][0], answer["missing"][2][0][0]) == (said, link)
    assert "missing" not in answering(Monitor(workspace).since)({"digest": answer["digest"], "project": project.id})


def test_labels_of_the_test_split_alone_are_said_to_be_no_use_for_training(workspace: Workspace, picture_folder: Path) -> None:
    project = workspace.create_project("Pets", "image-classification")
    project.labelling.add_class("cat")
    for name, split in (("cat", "train"), ("dog", "test")):
        project.labelling.import_data(str(picture_folder / name), ImportOptions(split=split, keep_labels=False))
    for item in project.labelling.page(ItemFilter(split="test")).items:
        project.labelling.label(item.id, "cat")
    why = project.training.plan(ABSENT).why_not
    assert why == "None of the 3 labels is in the training split. Label at least one item in each of two classes."
    missing = project.training.missing(ABSENT)
    assert missing is not None and missing.why == why


def test_where_no_model_can_be_chosen_the_way_leads_to_the_models(labelled: OpenProject) -> None:
    for missing in (labelled.training.missing(None), labelled.testing.missing(None)):
        assert missing is not None and lacking(missing)[2] == [("/models", "Go to Models")]


def test_where_nothing_is_missing_start_is_what_is_left(workspace: Workspace, labelled: OpenProject) -> None:
    labelled.choose_model(ABSENT)
    assert answering(Monitor(workspace).since)({})["missing"] is None


def test_the_pages_have_one_wording_for_no_project() -> None:
    said = re.search(r"const noProject = (.*)", theme.script("dom"))
    assert said and all(escape(words) in no_project() for words in re.findall('"([^"]+)"', said[1]))


@pytest.mark.parametrize("payload", [None, [], {"run": 7}, {"run": "x" * 1000}])
def test_what_is_no_question_is_refused(workspace: Workspace, project: OpenProject, payload: Any) -> None:
    assert answering(Monitor(workspace).since)(payload)["ok"] is False


@pytest.mark.parametrize("act", ["stop", "keep", "resume", "delete", None])
def test_an_act_on_a_run_that_is_not_there_is_refused(workspace: Workspace, project: OpenProject, act: Any) -> None:
    answer = answering(Monitor(workspace).act)({"project": project.id, "run": "../../run-9", "act": act})
    assert answer["ok"] is False and answer["hint"]


def test_a_page_of_another_project_cannot_act(workspace: Workspace, project: OpenProject) -> None:
    answer = answering(Monitor(workspace).act)({"project": "other", "run": "run-1", "act": "stop"})
    assert answer["ok"] is False and "another project" in answer["error"]


def test_a_failed_run_shows_its_error_and_hint_and_old_lines_are_not_sent_twice(
    workspace: Workspace, labelled: OpenProject
) -> None:
    ask = answering(Monitor(workspace).since)
    run = labelled.training.start(ABSENT)
    for _ in range(1200):
        answer = ask({"run": run})
        if answer["run"]["status"] not in ("queued", "running"):
            break
        time.sleep(0.05)
    assert answer["run"]["status"] == "failed"
    assert answer["run"]["model_title"] == answer["runs"][0]["model_title"] == "CLIP ViT-B/32 (LAION-2B)"
    assert answer["run"]["error"] and answer["run"]["hint"]
    assert answer["log"]
    again = ask({"run": run, "since": answer["next"], "digest": answer["digest"], "project": labelled.id})
    assert again["log"] == [] and "runs" not in again
