"""Saying "not sure": from items outside learning, at the error rate that a project accepts, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from studio.core.errors import BadInput
from studio.core.results.comparison import Comparison
from studio.core.types import ImportOptions, ItemFilter
from studio.learning.calibration import calibrate, risk_coverage, threshold_for
from studio.runs.result import judged
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.doubt import NEVER_SURE, Held, abstention, threshold_of
from studio.workspace.open_project import OpenProject

pytestmark = pytest.mark.slow  # it trains

NOUNS = ("cat", "dog")
SIZES = ("a small", "a big", "the red", "the blue", "one", "two", "three")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[OpenProject]:
    """Texts of two classes: 12 to learn from or to validate on, and two to test."""
    workspace = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    made = workspace.create_project("Animals", "text-classification")
    rows = [
        {"text": f"{size} {noun}", "label": noun, "split": "test" if size == "three" else "train"}
        for size in SIZES
        for noun in NOUNS
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    made.labelling.import_data(str(tmp_path / "rows.jsonl"), ImportOptions())
    yield made
    workspace.close()


def sure_of(project: OpenProject, model: str, strength: float | None = None) -> dict[str, bool | None]:
    (table,) = project.testing.predict([{"text": "a cat"}], model, strength=strength)
    return {answer.method: answer.sure for answer in table.answers}


def noted(project: OpenProject, model: str, strength: float | None) -> str:
    (table,) = project.testing.predict([{"text": "a cat"}], model, strength=strength)
    return next(answer.note for answer in table.answers if answer.method == "lora")


def answers(right: int, wrong: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of two classes, the surer the earlier, and labels: the last `wrong` answers are wrong."""
    n = right + wrong
    margin = torch.linspace(4, 0.5, n)
    return torch.stack([margin, torch.zeros(n)], 1), torch.tensor([0] * right + [1] * wrong)


def test_only_answers_below_the_threshold_are_doubted() -> None:
    held = Held.of(*answers(80, 20))
    assert held is not None
    threshold = held.threshold(0.1)
    assert threshold is not None
    given = held.probabilities.amax(1) >= threshold
    assert 60 < given.sum() < 90 and held.labels[given].sum() <= 0.1 * given.sum()


def test_a_run_keeps_to_the_accepted_rate_on_new_items_with_nine_tenths_certainty() -> None:
    """Over 300 sets of 200 items with labels as probable as a softmax says, which the method is twice too sure of."""

    def drawn(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        logits = 4 * torch.randn(n, 5, generator=generator)
        return 2 * logits, torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)

    generator = torch.Generator().manual_seed(0)
    new, truth = drawn(20_000)
    broken = given = 0
    for _ in range(300):
        held = Held.of(*drawn(200))
        threshold = held.threshold(0.1) if held else None
        if held and threshold is not None:
            sure = (new.double() / held.temperature).softmax(1)
            wrong = (sure.argmax(1) != truth)[sure.amax(1) >= threshold].double().mean()
            given, broken = given + 1, broken + int(wrong > 0.1)
    assert given > 250 and broken <= 30


def test_without_an_accepted_rate_nothing_is_doubted() -> None:
    held = Held.of(*answers(80, 20))
    assert held is not None and held.threshold(None) is None


def test_a_few_right_answers_make_no_threshold() -> None:
    held = Held.of(*answers(10, 30))  # the ten surest are right: too few to speak of one error in five
    assert held is not None
    assert held.threshold(0.2) == NEVER_SURE
    assert held.threshold(0.3) is not None


def test_a_method_of_which_nothing_is_known_is_never_sure_once_a_rate_is_accepted() -> None:
    assert threshold_of(None, 0.3) == NEVER_SURE and threshold_of(None, None) is None


def test_where_no_threshold_can_be_given_no_method_claims_to_be_sure(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    run = project.training.start(model, settings={"steps": 4})
    while not project.training.wait(run):
        pass
    assert sure_of(project, model) == {"zero_shot": None, "few_shot": None, "lora": None}
    project.testing.accept_errors(0.01)  # no twelve labels vouch for that
    assert sure_of(project, model) == {"zero_shot": False, "few_shot": False, "lora": False}


def test_a_single_item_calibrates_nothing() -> None:
    assert Held.of(torch.tensor([[1.0, 0.0]]), torch.tensor([0])) is None


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.19, 0.5])
def test_a_stored_curve_says_the_same_as_the_answers_behind_it(rate: float) -> None:
    logits, labels = answers(80, 20)
    found = calibrate(logits, labels)
    probabilities = (logits.double() / found.temperature).softmax(1)
    stored = Comparison("m", "test", ("a", "b"), (), "", calibration=found, risk=risk_coverage(probabilities, labels))
    assert abstention(stored, rate) == threshold_for(rate, probabilities, labels)


def test_without_evidence_there_is_nothing_to_abstain_by() -> None:
    assert abstention(Comparison("m", "test", ("a", "b"), (), ""), 0.05) is None


def test_the_accepted_rate_is_kept_and_forgotten(project: OpenProject) -> None:
    assert project.testing.accepted_errors() is None
    project.testing.accept_errors(0.1)
    assert project.testing.accepted_errors() == 0.1
    project.testing.accept_errors(None)
    assert project.testing.accepted_errors() is None


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_what_is_no_rate_is_refused(project: OpenProject, rate: float) -> None:
    with pytest.raises(BadInput, match="error rate"):
        project.testing.accept_errors(rate)


def test_answers_say_whether_they_are_sure_once_a_rate_is_accepted(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    run = project.training.start(model, "lora", {"shots": 3, "steps": 2})
    while not project.training.wait(run):
        pass
    assert set(sure_of(project, model).values()) == {None}
    project.testing.accept_errors(0.9)
    sure = sure_of(project, model)
    assert all(isinstance(answer, bool) for answer in sure.values())

    swept = project.testing.strengths(model)
    assert swept is not None and swept.run == run
    assert swept.chosen in {row.strength for row in swept.rows}
    other = next(row.strength for row in swept.rows if row.strength != swept.chosen)
    assert sure_of(project, model, other)["lora"] is False  # nothing is known of it at another strength
    assert sure_of(project, model, swept.chosen) == sure
    assert noted(project, model, other).endswith(f"at strength {other:g} · calibrated")
    with pytest.raises(BadInput, match=r"strength 0\.6") as refused:
        sure_of(project, model, 0.6)
    assert refused.value.hint is not None and "0, 0.25, 0.5, 0.75, 1" in refused.value.hint

    ladder = project.testing.compare(model, run).ladder
    assert ladder is not None
    tuned = ladder.rows[-1]
    n = len(project.training.snapshot(project.training.folder(run)).held_out)
    assert tuned.rung == "lora" and tuned.nll is not None and tuned.seconds is not None and tuned.seconds > 0
    assert f"Fine-tuned on {n} validation items" in ladder.judged_on


def test_where_nothing_was_held_out_no_strength_is_called_calibrated(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    for item in project.labelling.page(ItemFilter(split="train")).items:
        if item.name not in {"row 1", "row 2", "row 3", "row 4"}:  # two a class: none can be spared
            project.labelling.label(item.id, None)
    run = project.training.start(tiny_ids["bert"], "lora", {"steps": 2})
    while not project.training.wait(run):
        pass
    assert not project.training.snapshot(project.training.folder(run)).held_out
    assert "calibrated" not in noted(project, tiny_ids["bert"], None)
    with pytest.raises(BadInput, match=r"not judged at strength 0\.5"):
        noted(project, tiny_ids["bert"], 0.5)


@pytest.mark.parametrize("method", ["few-shot", "linear"])
def test_a_rung_that_was_trained_as_a_run_is_calibrated_like_the_one_that_is_not(
    project: OpenProject, tiny_ids: dict[str, str], method: str
) -> None:
    model = tiny_ids["bert"]
    run = project.training.start(model, method, {"shots": 0})
    while not project.training.wait(run):
        pass
    assert project.training.run(run).status == "done"
    told = judged(project.training.folder(run))
    held = Held.of_run(project.training.folder(run))
    assert told is not None and held is not None and held.temperature != 1.0
    learnt = [i.label for i in project.training.snapshot(project.training.folder(run)).train]
    assert [project.training.folder(run).spec.classes[n] for n in told[1]] == learnt
    project.testing.accept_errors(0.9)
    (table,) = project.testing.predict([{"text": "a cat"}], model, run)
    answer = next(answer for answer in table.answers if answer.method == "few_shot")
    assert answer.probabilities is not None and isinstance(answer.sure, bool)


def test_with_one_label_a_class_nothing_is_sure(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    project.testing.accept_errors(0.9)
    (table,) = project.testing.predict([{"text": "a cat"}], tiny_ids["bert"], shots=1, seed=0)
    few_shot = next(answer for answer in table.answers if answer.method == "few_shot")
    assert few_shot.probabilities is not None and few_shot.sure is False


def test_one_label_a_class_is_compared_without_evidence(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    found = project.testing.compare(tiny_ids["bert"], shots=1, seed=0)
    assert found.best is not None and found.ladder is not None
    assert found.calibration is None and found.risk == () and found.curve is None
    assert project.testing.abstention(0.5) is None


def test_a_class_with_a_single_label_among_others_does_not_stop_a_comparison(
    project: OpenProject, tiny_ids: dict[str, str]
) -> None:
    for item in project.labelling.page(ItemFilter(split="train", label="dog")).items[1:]:
        project.labelling.label(item.id, None)
    assert project.testing.compare(tiny_ids["bert"]).curve is None


def test_also_where_shots_are_given_what_judged_the_run_is_known(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = project.training.start(tiny_ids["bert"])
    project.training.stop(run)
    asked = project.testing._questions.of(tiny_ids["bert"], run, shots=1, seed=0)
    assert asked.judged == tuple(project.training.snapshot(project.training.folder(run)).held_out) != ()


def test_a_run_of_other_classes_is_not_weighed_and_it_is_said(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = project.training.start(tiny_ids["bert"], settings={"steps": 2})
    while not project.training.wait(run):
        pass
    assert "other classes" not in project.testing.best(tiny_ids["bert"], run).reason
    project.labelling.add_class("bird")
    found = project.testing.best(tiny_ids["bert"], run)
    assert found.rung != "lora" and "learnt other classes" in found.reason


def test_without_a_run_there_is_no_strength_to_choose(project: OpenProject, tiny_ids: dict[str, str]) -> None:
    assert project.testing.strengths(tiny_ids["bert"]) is None
