from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import BadInput, CannotRun
from studio.ui.pages.train import TrainPage
from studio.ui.widgets.auto_search import MINUTES
from studio.ui.widgets.method_choice import METHODS, modes_measured, single_methods, title_of
from studio.ui.widgets.train_form import FIELDS, NAMES, TrainForm
from studio.workspace import Workspace
from studio.workspace.modes import Measured
from studio.workspace.open_project import OpenProject
from studio.workspace.training import methods

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


def test_an_empty_field_says_what_it_falls_back_to(workspace: Workspace, project: OpenProject) -> None:
    values = TrainForm.values(TrainConfig())
    full, *_ = TrainPage(workspace).replan(project.id, MODEL, "lora", "best", *values)
    values[3] = values[4] = None
    summary, *_ = TrainPage(workspace).replan(project.id, MODEL, "lora", "best", *values)
    assert "length 300 steps, batch size 32" in summary and "Empty" not in full


NUMBERS = ("seed", "length", "batch size", "rank", "alpha", "dropout", "weight decay", "warmup", "min crop", "views")


@pytest.mark.parametrize(
    ("name", "wrong"), [*((name, -1) for name in NUMBERS), ("length", 0), ("rank", 999), ("batch size", 2.5)]
)
@pytest.mark.parametrize("unit", ["steps", "epochs"])
def test_a_number_out_of_bounds_is_said_beside_the_button(
    workspace: Workspace, project: OpenProject, name: str, wrong: float, unit: str
) -> None:
    values = TrainForm.values(TrainConfig())
    values[NAMES.index("unit")] = unit
    values[NAMES.index(name)] = wrong
    summary, start, command, *_ = TrainPage(workspace).replan(project.id, MODEL, "lora", "best", *values)
    assert (start["interactive"], command) == (False, "")
    assert "lr-why" in summary and f"{wrong}" in summary


@pytest.mark.parametrize(("minutes", "seed"), [(0, 0), (-3, 0), (float("nan"), 0), (10, -1), (10, 1.5)])
def test_a_search_that_makes_no_sense_says_why_it_cannot_start(
    workspace: Workspace, project: OpenProject, minutes: float, seed: float
) -> None:
    _, note, search, command = TrainPage(workspace).about_model(project.id, MODEL, minutes, seed)
    assert (search["interactive"], command) == (False, "")
    assert "lr-why" in note and f"{minutes if seed == 0 else seed:g}" in note


def test_emptied_minutes_are_those_of_the_placeholder(workspace: Workspace, project: OpenProject) -> None:
    *_, command = TrainPage(workspace).about_model(project.id, MODEL, None, 0)
    assert command.endswith(f"--minutes {MINUTES}")


def test_the_plan_says_beside_the_button_what_is_missing(workspace: Workspace, project: OpenProject) -> None:
    values = TrainForm.values(TrainConfig())
    summary, start, command, *_ = TrainPage(workspace).replan(project.id, MODEL, "lora", "best", *values)
    assert start["interactive"] is False
    assert "lr-why" in summary
    assert f"--model {MODEL}" in command


def test_a_half_typed_setting_is_said_beside_the_button(workspace: Workspace, project: OpenProject) -> None:
    values = TrainForm.values(TrainConfig())
    values[0] = "twelve <b>"
    summary, start, *_ = TrainPage(workspace).replan(project.id, MODEL, "lora", "best", *values)
    assert start["interactive"] is False
    assert "is not a whole number" in summary and "<b>" not in summary


@pytest.mark.parametrize(("method", "seen"), [("lora", True), ("few-shot", False), ("best", False), ("prolip", False)])
def test_only_lora_shows_the_settings_of_lora(workspace: Workspace, project: OpenProject, method: str, seen: bool) -> None:
    planned = TrainPage(workspace).preset(project.id, MODEL, method)[-6:]
    assert [update["visible"] for update in planned[3:5]] == [seen, seen]


def test_every_method_of_a_run_can_be_chosen_and_has_the_title_of_its_rung() -> None:
    from studio.learning.rungs import all_rungs

    offered = dict(METHODS + single_methods())
    assert sorted(offered.values()) == sorted(methods())
    assert {rung.title for rung in all_rungs()} == {title_of(rung.name) for rung in all_rungs()}


def test_a_single_rung_joins_the_methods_when_it_is_chosen(workspace: Workspace, project: OpenProject) -> None:
    _, method, single, *_ = TrainPage(workspace).preset(project.id, MODEL, "prolip")
    assert (method["value"], single) == ("prolip", "prolip")
    assert ("Projection (ProLIP)", "prolip") in method["choices"]
    _, method, single, *_ = TrainPage(workspace).preset(project.id, MODEL, "best")
    assert (method["value"], single, len(method["choices"])) == ("best", None, 3)


@pytest.mark.parametrize("mode", ["fast", "best"])
def test_a_mode_sets_its_fields_and_is_known_by_them(workspace: Workspace, project: OpenProject, mode: str) -> None:
    values = TrainForm.values(TrainConfig(lora=LoraConfig(layers="half", rank=4), views=3))
    _, *rest = TrainPage(workspace).in_mode(project.id, MODEL, "lora", mode, *values)
    config = TrainConfig().with_settings(TrainForm.settings(rest[:FIELDS]))
    assert (config.modes(TrainConfig(lora=LoraConfig(rank=1)))[0], config.lora.rank, rest[-1]) == (mode, 4, mode)


def test_nothing_of_a_mode_stays_behind_when_another_is_chosen(workspace: Workspace, project: OpenProject) -> None:
    page = TrainPage(workspace)
    start = page.in_mode(project.id, MODEL, "lora", "best", *TrainForm.values(TrainConfig()))[1:]
    paper = page.in_mode(project.id, MODEL, "lora", "paper", *start[:FIELDS])[1:]
    assert paper[-1] == "paper"
    assert page.in_mode(project.id, MODEL, "lora", "best", *paper[:FIELDS])[1:] == start


def test_a_custom_mode_changes_nothing_and_stays(workspace: Workspace, project: OpenProject) -> None:
    values = TrainForm.values(TrainConfig())
    advanced, *rest = TrainPage(workspace).in_mode(project.id, MODEL, "lora", "custom", *values)
    assert advanced["open"] is True
    assert (rest[:FIELDS], rest[-1]) == (values, "custom")


def test_fields_that_are_no_mode_are_custom(workspace: Workspace, project: OpenProject) -> None:
    values = TrainForm.values(TrainConfig(lora=LoraConfig(layers="top-1")))
    assert TrainPage(workspace).replan(project.id, MODEL, "lora", "best", *values)[-1] == "custom"


def test_without_a_run_no_figure_is_said_of_a_mode(workspace: Workspace, project: OpenProject) -> None:
    measured, note, search, command = TrainPage(workspace).about_model(project.id, MODEL, 10, 0)
    assert not any(character.isdigit() for character in measured)
    assert "only the rungs are compared" in note
    assert search["interactive"] is True
    assert command.endswith(f"--model {MODEL} --minutes 10")


def test_what_a_mode_took_is_said_with_its_run() -> None:
    seen = {"fast": Measured("run-4", 60, 3.123, 41.0, 0.632), "custom": Measured("run-2", 8, None, None, None)}
    html = modes_measured(seen, "accuracy")
    assert "<b>Fast</b> 60 steps in 41 s, 3.12 steps/s, validation accuracy 63.2 % (run 4)" in html
    assert "<b>Custom</b> 8 steps (run 2)" in html
    assert "Best" not in html


@pytest.mark.parametrize(("task", "classifies", "pictures"), [("text-classification", True, False), ("image-text", False, True)])
def test_a_project_is_offered_what_it_has(workspace: Workspace, task: str, classifies: bool, pictures: bool) -> None:
    workspace.create_project("Other", task)
    *parts, modes = TrainPage(workspace).offered()
    assert [update["visible"] for update in parts] == [classifies] * 4 + [pictures, not pictures]
    assert "paper" not in dict(map(reversed, modes["choices"]))  # the recipe is one for classes of pictures


def test_what_was_not_found_cannot_be_used(workspace: Workspace, project: OpenProject) -> None:
    with pytest.raises(CannotRun, match="found anything"):
        TrainPage(workspace).use_found(project.id)


def test_another_method_keeps_the_labels_per_class_and_the_seed(workspace: Workspace, project: OpenProject) -> None:
    _, _, _, *values = TrainPage(workspace).preset(project.id, MODEL, "few-shot", 16, 7)
    assert values[:2] == [16, 7]
    assert TrainPage(workspace).preset(project.id, MODEL, "lora", 16, None)[3:5] == [16, 0]


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
