"""Which run answers as fine-tuned where nobody named one, and what is said of those that do not stand; on a tiny real model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.results.comparison import Best
from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.ui.widgets.model_choice import run_choices
from studio.workspace import Workspace
from studio.workspace.auto import Auto
from studio.workspace.open_project import OpenProject

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


def standing(project: OpenProject, model: str) -> str | None:
    found = project.testing._questions.run(model, None, None, None)
    return found.id if found else None


@pytest.mark.parametrize("tunes", [True, False])
def test_of_a_search_only_what_it_chose_stands(project: OpenProject, tiny_ids: dict[str, str], tunes: bool) -> None:
    model = tiny_ids["bert"]
    before = trained(project, model)

    def judge(model: str, run: str | None, shots: int | None, seed: int | None) -> Best:
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
