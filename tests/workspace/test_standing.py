"""Which run answers as fine-tuned where nobody named one, and what is said of those that do not stand; on a tiny real model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core.results.comparison import Best
from studio.core.types import ImportOptions, ItemFilter
from studio.runs.result import JUDGED
from studio.settings import Settings
from studio.ui.widgets.model_choice import run_choices
from studio.workspace import Workspace
from studio.workspace.auto import Auto
from studio.workspace.open_project import OpenProject

pytestmark = pytest.mark.slow  # it trains

ADJECTIVES = "small big red blue one two three sky tree photo the a".split()
NOUNS = {"cat": ("cat", "dog"), "car": ("car", "house")}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[OpenProject]:
    """Messages of two classes: 20 of each to learn from, 4 to test with."""
    workspace = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    rows = ["text,label,split"]
    for label, nouns in NOUNS.items():
        said = [f"{adjective} {noun}" for noun in nouns for adjective in ADJECTIVES]
        rows += [f"{text},{label},{'train' if n < 20 else 'test'}" for n, text in enumerate(said)]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    made = workspace.create_project("Messages", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    yield made
    workspace.close()


def trained(project: OpenProject, model: str, trial: bool = False, **settings: object) -> str:
    run = project.training.start(model, settings={"steps": 2, **settings}, trial=trial)
    assert project.training.wait(run, 60)
    return run


def cut_short(project: OpenProject, model: str) -> str:
    run = project.training.start(model, settings={"steps": 100_000})
    while project.training.run(run).step < 1:
        project.training.wait(run, 0.02)
    project.training.stop(run, keep=True)
    assert project.training.wait(run, 60)
    assert project.training.run(run).status == "done"
    return run


def standing(project: OpenProject, model: str) -> str | None:
    found = project.testing._questions.run(model, None, None, None)
    return found.id if found else None


def make_sure(project: OpenProject, run: str) -> None:
    """Let the run have been right and sure of it on all its validation items."""
    file = project.training.folder(run).adapter / JUDGED
    labels = load_file(file)["labels"]
    save_file({"logits": 9.0 * torch.eye(2)[labels], "labels": labels}, file)


@pytest.mark.parametrize("tunes", [True, False])
def test_of_a_search_only_what_it_chose_stands(project: OpenProject, tiny_ids: dict[str, str], tunes: bool) -> None:
    model = tiny_ids["bert"]
    before = trained(project, model)

    def judge(model: str, run: str | None, seed: int) -> Best:
        return Best("lora", "Fine-tuned", "", run) if run and tunes else Best("linear", "Linear head", "")

    auto = Auto(project._project, project.training, judge)
    auto.start(model, 0.02)
    while not auto.wait():
        pass
    found = auto.state()
    assert found is not None and found.status == "done" and found.best_run
    assert standing(project, model) == (found.best_run if tunes else before)
    later = trained(project, model, trial=True)
    assert standing(project, model) == (found.best_run if tunes else before)
    assert project.testing._questions.run(model, later, None, None).id == later  # type: ignore[union-attr]
    newest = trained(project, model)
    assert standing(project, model) == newest


def test_a_comparison_does_not_take_a_trial_that_was_not_chosen(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = trained(project, tiny_ids["bert"], trial=True)
    lora = project.testing.compare(tiny_ids["bert"]).score("lora")
    assert lora is not None and lora.why_not and "choose a run" in lora.why_not
    named = project.testing.compare(tiny_ids["bert"], run).score("lora")
    assert named is not None and named.accuracy is not None
    assert [title for title, _ in run_choices(project.training.runs(), tiny_ids["bert"])][1].endswith("a trial")


def test_a_run_that_was_stopped_and_kept_neither_stands_nor_says_that_fine_tuning_does_not_help(
    project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    run = cut_short(project, tiny_ids["bert"])
    assert standing(project, tiny_ids["bert"]) is None
    found = project.testing.compare(tiny_ids["bert"], run)
    assert found.best is not None and found.curve is not None
    assert f"It was stopped after {project.training.run(run).step} of 100000 steps" in found.best.reason
    assert "is not known yet" in found.curve.advice


def test_asked_for_the_run_s_own_labels_a_comparison_weighs_it(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = trained(project, tiny_ids["bert"], shots=8, seed=1)
    for seed in (1, None):
        found = project.testing.compare(tiny_ids["bert"], shots=8, seed=seed)
        assert found.best is not None and found.curve is not None
        assert run in found.best.reason and "not weighed" not in found.best.reason
        assert "on 24 validation items" in found.curve.advice


def test_of_other_labels_than_the_run_s_it_is_said_that_it_is_not_weighed(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model, said = tiny_ids["bert"], "learnt other labels than these: it is not weighed"
    run = trained(project, model, shots=8)
    other = project.testing.compare(model, run, shots=4).best
    assert other is not None and said in other.reason
    everything = trained(project, model)
    own = project.testing.compare(model, everything, shots=0, seed=0).best
    assert own is not None and said not in own.reason
    (item, *_) = project.labelling.page(ItemFilter(split="train", label="cat")).items
    project.labelling.label(item.id, "car")
    since = project.testing.compare(model, everything, shots=0, seed=0).best
    assert since is not None and said in since.reason


def test_what_was_chosen_among_trials_on_the_same_items_says_so(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = trained(project, tiny_ids["bert"], trial=True, shots=4)
    make_sure(project, run)
    assert "trials" not in project.testing.best(tiny_ids["bert"], run).reason
    project.training.took(run, 9, chosen=False)
    found = project.testing.best(tiny_ids["bert"], run)
    assert (found.rung, found.run) == ("lora", run)
    assert "the best of 9 trials on these 32 items: expect a little less" in found.reason


def test_labels_that_came_after_a_run_are_said_to_be_left_out(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model, items = tiny_ids["bert"], project.labelling.page(ItemFilter(split="train")).items
    for item in items[:3]:
        project.labelling.label(item.id, None)
    run = trained(project, model)
    assert project.testing.compare(model).caution == ""
    for item in items[:3]:
        project.labelling.label(item.id, item.label)
    assert f"3 labels are newer than {run}, and no method here has learnt from them" in project.testing.compare(model).caution


def test_a_class_that_is_most_of_the_labels_and_half_of_the_held_out_items_is_said(
    project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    for item in project.labelling.page(ItemFilter(split="train", label="car")).items[5:]:
        project.labelling.label(item.id, None)
    said = project.testing.compare(tiny_ids["bert"]).caution
    assert "'cat' is 80 % of the labels learnt from and 50 % of these items" in said


def test_a_rung_that_is_trained_as_a_run_gives_no_label_away(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = project.training.start(tiny_ids["bert"], "linear")
    assert project.training.wait(run, 60)
    data, found = project.training.snapshot(project.training.folder(run)), project.training.run(run)
    assert (len(data.train), len(data.held_out)) == (40, 0)
    assert found.accuracy is not None and found.nll is not None  # out of fold


def test_classes_without_a_label_come_first_in_the_advice(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    project.labelling.add_class("bird")
    curve = project.testing.compare(tiny_ids["bert"]).curve
    assert curve is not None and curve.advice.startswith("Label 'bird' first: it has no label yet; ")
