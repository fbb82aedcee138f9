"""The gate: the simplest rung that the evidence allows, and a sentence that says why."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from studio.learning.gate import Evidence, evidence, gate, judge
from studio.learning.ladder import climb
from studio.learning.out_of_fold import out_of_fold
from studio.learning.rungs import Rung, all_rungs, learn, rung
from studio.learning.support import Support, ranks
from studio.tasks.objectives.likelihood import sharpness
from tests.learning.supports import accuracy, cloud

NOISE = torch.randn(400, generator=torch.Generator().manual_seed(0))


def shown(name: str, order: int, mean: float, noise: float = 0.1, count: int = 400, head_start: float = 0.0) -> Evidence:
    centred = NOISE[:count] - NOISE[:count].mean()
    return Evidence(name, name.title(), order, mean + noise * order * centred, 0.5, head_start)


def test_a_clear_gain_leaves_zero_shot() -> None:
    verdict = judge([shown("zero", 0, -1.0), shown("more", 1, -0.5)])
    assert verdict.rung == "more"
    assert "0.500 on 400 labels" in verdict.reason and "0.500 ±" in verdict.reason


def test_a_gain_within_its_error_stays_with_the_simpler_rung() -> None:
    verdict = judge([shown("zero", 0, -1.0), shown("more", 1, -0.999)])
    assert verdict.rung == "zero"
    assert "not enough" in verdict.reason


def test_where_tuning_loses_best_is_zero_shot() -> None:
    verdict = judge([shown("zero", 0, -1.0), shown("more", 1, -1.2, head_start=0.2), shown("most", 2, -1.1)])
    assert verdict.rung == "zero"
    assert "nothing that learns does better" in verdict.reason


def test_between_rungs_that_learn_the_simpler_wins_a_tie() -> None:
    assert judge([shown("most", 2, -0.4995), shown("zero", 0, -1.0), shown("more", 1, -0.5)]).rung == "more"


def test_a_head_start_decides_where_labels_are_few_and_not_where_they_are_many() -> None:
    few = [shown("zero", 0, -1.0, count=8), shown("more", 1, -1.0, 0.5, count=8, head_start=0.2)]
    many = [shown("zero", 0, -1.0), shown("more", 1, -1.0, 0.5, head_start=0.2)]
    assert judge(few).rung == "more"
    assert judge(many).rung == "zero"


def test_a_rung_that_only_its_head_start_puts_first_is_not_said_to_gain() -> None:
    verdict = judge([shown("zero", 0, -1.0, count=8), shown("more", 1, -1.02, 2.0, count=8, head_start=0.02)])
    assert verdict.rung == "zero"
    assert "More, which gained most on other sets, is not better on these (-0.020 ±" in verdict.reason


def test_evidence_from_elsewhere_takes_part() -> None:
    few = cloud(6, off=0.4)
    seen = [e for one in all_rungs() if (e := evidence(one, few)) is not None]
    tuned = Evidence("lora", "Fine-tuned", 100, torch.full((len(few.labels),), -0.001), 1.0)
    verdict = judge([*seen, tuned])
    assert verdict.rung == "lora"
    assert [row.name for row in verdict.table][-1] == "lora"


def test_one_label_a_class_is_decided_by_a_recipe_that_says_so() -> None:
    two, many = gate(cloud(1, classes=2)), gate(cloud(1, classes=12))
    assert (two.rung, two.table) == ("zero_shot", ())
    assert many.rung == "linear" and "fixed choice" in many.reason


@pytest.mark.parametrize("one", all_rungs(), ids=lambda r: r.name)
def test_an_item_s_own_label_does_not_reach_its_out_of_fold_answer(one: Rung) -> None:
    few = cloud(4)
    few = few.part(torch.arange(16).reshape(4, 4).T.flatten())  # class 0, 1, 2, 3, 0, …: places in a class are kept below
    number = ranks(few.labels, few.seed)
    row = next(i for i in range(0, 16, 4) if number[i] == number[i + 1])
    labels = few.labels.clone()
    labels[row], labels[row + 1] = few.labels[row + 1], few.labels[row]  # both are held out together
    before, after = out_of_fold(one, few), out_of_fold(one, replace(few, labels=labels))
    assert before is not None and after is not None
    assert torch.equal(before[[row, row + 1]], after[[row, row + 1]])


def test_four_labels_are_too_few_to_leave_zero_shot() -> None:
    assert gate(cloud(2, classes=2, off=2.0)).rung == "zero_shot"


def test_no_fold_can_be_made_of_single_labels() -> None:
    assert out_of_fold(rung("linear"), cloud(1)) is None


def test_temperature_is_found() -> None:
    logits = torch.randn(2000, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.multinomial((2 * logits).softmax(-1), 1, generator=torch.Generator().manual_seed(1))[:, 0]
    assert 1.6 < sharpness(logits, labels) < 2.4


def test_the_ladder_fits_all_that_can_run_and_says_why_others_cannot() -> None:
    few, held = cloud(1, classes=8, off=0.3), cloud(50, classes=8, off=0.3, seed=1)
    ladder = climb(few)
    assert set(ladder.classifiers) | set(ladder.why_not) == {one.name for one in all_rungs()}
    assert "gda" in ladder.why_not
    best = ladder.classifiers[ladder.verdict.rung]
    assert best.logits(held.features, held.raw).shape == (len(held.labels), 8)


def test_items_that_are_all_alike_stop_no_rung() -> None:
    few = cloud(4)
    alike = replace(few, features=few.text[few.labels])  # texts that differ only in what the model does not see
    ladder = climb(alike)
    assert "gda" in ladder.classifiers and ladder.verdict.rung in ladder.classifiers


def test_rungs_that_keep_every_label_are_not_offered_for_many() -> None:
    few = cloud(4)
    many = few.part(torch.arange(len(few.labels)).repeat(1000))
    assert [one.name for one in all_rungs() if one.why_not(many)] == ["instant", "tip"]


def some_of(counts: tuple[int, ...]) -> Support:
    """A cloud's support set with so many labels of each class."""
    whole = cloud(max(counts), classes=len(counts), off=0.3)
    return whole.part(ranks(whole.labels, 0) < torch.tensor(counts)[whole.labels])


@pytest.mark.parametrize("one", all_rungs(), ids=lambda rung: rung.name)
def test_classes_without_a_label_keep_what_zero_shot_gives_them(one: Rung) -> None:
    few, held = some_of((6, 6, 6, 0, 0)), cloud(40, classes=5, off=0.3, seed=1)
    before = rung("zero_shot").fit(few).logits(held.features).softmax(1)
    after = learn(one, few).logits(held.features, held.raw).softmax(1)
    assert torch.allclose(after[:, 3:], before[:, 3:], atol=1e-5)
    without = learn(one, some_of((6, 0, 0, 0, 0))).logits(held.features, held.raw).softmax(1)
    assert torch.allclose(without, before, atol=1e-5)  # of one class there is nothing to tell apart


def test_what_is_best_by_some_of_the_classes_does_not_forget_the_others() -> None:
    few, held = some_of((6, 6, 0, 0, 0)), cloud(40, classes=5, off=0.3, seed=1)
    ladder = climb(few)
    assert ladder.verdict.rung != "zero_shot"
    best = accuracy(ladder.classifiers[ladder.verdict.rung].logits(held.features, held.raw), held)
    assert best >= accuracy(ladder.classifiers["zero_shot"].logits(held.features), held) - 0.01


def test_a_class_with_a_single_label_does_not_keep_the_others_from_being_judged() -> None:
    few = some_of((8, 8, 8, 1))
    assert len(gate(few).table) == len(all_rungs())


def test_where_one_class_alone_has_several_labels_nothing_is_learnt() -> None:
    verdict = climb(some_of((20, 1, 0, 0))).verdict
    assert verdict.rung == "zero_shot" and "fewer than two classes" in verdict.reason
