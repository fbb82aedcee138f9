from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import BadInput, CannotRun
from studio.ui.pages.train import TrainPage
from studio.ui.widgets.train_form import FIELDS, TrainForm
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

MODEL = "open_clip:ViT-B-32/laion2b_s34b_b79k"


@pytest.mark.parametrize(
    "config",
    [TrainConfig(), TrainConfig(lora=LoraConfig(rank=4, layers="half"), lr=3e-5, shots=16, seed=7), TrainConfig(epochs=2.5)],
)
def test_the_form_shows_a_configuration_and_gives_it_back(config: TrainConfig) -> None:
    values = TrainForm.values(config)
    assert len(values) == FIELDS
    assert TrainConfig().with_settings(TrainForm.settings(values)) == config


def test_an_empty_field_leaves_the_preset() -> None:
    values = TrainForm.values(TrainConfig())
    values[4] = None
    assert "batch_size" not in TrainForm.settings(values)


def test_the_plan_says_beside_the_button_what_is_missing(workspace: Workspace, project: OpenProject) -> None:
    summary, start, command, _ = TrainPage(workspace).replan(project.id, MODEL, "lora", *TrainForm.values(TrainConfig()))
    assert start["interactive"] is False
    assert "lr-why" in summary
    assert f"--model {MODEL}" in command


def test_a_half_typed_setting_is_said_beside_the_button(workspace: Workspace, project: OpenProject) -> None:
    values = TrainForm.values(TrainConfig())
    values[0] = "twelve <b>"
    summary, start, _, _ = TrainPage(workspace).replan(project.id, MODEL, "lora", *values)
    assert start["interactive"] is False
    assert "is not a whole number" in summary and "<b>" not in summary


def test_only_lora_shows_the_settings_of_lora(workspace: Workspace, project: OpenProject) -> None:
    page = TrainPage(workspace)
    assert page.preset(project.id, MODEL, "lora")[-1]["visible"] is True
    assert page.preset(project.id, MODEL, "few-shot")[-1]["visible"] is False


def test_another_method_keeps_the_labels_per_class_and_the_seed(workspace: Workspace, project: OpenProject) -> None:
    _, _, *values = TrainPage(workspace).preset(project.id, MODEL, "few-shot", 16, 7)
    assert values[:2] == [16, 7]
    assert TrainPage(workspace).preset(project.id, MODEL, "lora", 16, None)[2:4] == [16, 0]


def test_a_run_does_not_start_without_labels(workspace: Workspace, project: OpenProject) -> None:
    project.choose_model(MODEL)
    with pytest.raises(CannotRun):
        TrainPage(workspace).start(project.id, MODEL, "lora", *TrainForm.values(TrainConfig()))
    assert project.training.runs() == ()


def test_a_model_that_is_not_on_the_list_is_refused(workspace: Workspace, project: OpenProject) -> None:
    with pytest.raises(BadInput, match="not on the list"):
        TrainPage(workspace).start(project.id, "hf:/etc", "lora", *TrainForm.values(TrainConfig()))


@pytest.mark.parametrize("data", [None, {}, {"run": 3}, {"run": "x" * 500}, {"run": "run-9"}, {"run": "../.."}])
def test_a_run_that_is_not_there_is_not_reused(workspace: Workspace, project: OpenProject, data: Any) -> None:
    with pytest.raises(BadInput):
        TrainPage(workspace).reuse(gr.EventData(None, data), project.id)


def test_without_a_project_the_form_is_hidden(workspace: Workspace) -> None:
    assert TrainPage(workspace).on_load()[0]["visible"] is False
