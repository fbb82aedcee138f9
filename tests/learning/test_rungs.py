"""What every rung of the ladder promises, whatever it does inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from studio.core.errors import ModelError, NotFound
from studio.learning.classifier import FACTS, TENSORS, Classifier, gaussian
from studio.learning.rungs import Rung, all_rungs, rung
from studio.learning.rungs.instant import _left_out
from studio.learning.support import Support, ranks
from tests.learning.supports import accuracy, cloud

RUNGS = pytest.mark.parametrize("one", all_rungs(), ids=lambda r: r.name)
LEARNING = pytest.mark.parametrize("one", [r for r in all_rungs() if r.name != "zero_shot"], ids=lambda r: r.name)


def test_zero_shot_is_the_first_rung() -> None:
    assert next(r.name for r in all_rungs()) == "zero_shot"
    with pytest.raises(NotFound):
        rung("no such rung")


@LEARNING
def test_labels_improve_on_prompts_that_are_off(one: Rung) -> None:
    few, held = cloud(8, off=0.35), cloud(100, off=0.35, seed=1)
    zero_shot = accuracy(rung("zero_shot").fit(few).logits(held.features), held)
    assert accuracy(one.fit(few).logits(held.features, held.raw), held) > zero_shot + 0.03


@RUNGS
def test_few_labels_do_not_spoil_prompts_that_are_right(one: Rung) -> None:
    held = cloud(100, spread=0.3, off=0.0, seed=1)
    zero_shot = accuracy(rung("zero_shot").fit(held).logits(held.features), held)
    for shots in (1, 2):
        few = cloud(shots, spread=0.3, off=0.0)
        if one.why_not(few) is None:
            assert accuracy(one.fit(few).logits(held.features, held.raw), held) > zero_shot - 0.05


@pytest.mark.parametrize("one", [r for r in all_rungs() if r.name != "tip"], ids=lambda r: r.name)
def test_a_class_without_labels_is_still_answered_by_its_prompt(one: Rung) -> None:
    # Tip-Adapter is left out: its votes go to labelled classes alone
    whole, held = cloud(6, off=0.0, spread=0.1), cloud(50, off=0.0, spread=0.1, seed=1)
    few = whole.part(whole.labels != 2)
    answers = one.fit(few).logits(held.features, held.raw)
    third = held.labels == 2
    assert float((answers[third].argmax(1) == 2).float().mean()) > 0.5


@RUNGS
def test_the_same_support_set_gives_the_same_classifier_whatever_the_order_of_its_classes_counts(one: Rung) -> None:
    few = cloud(4)
    uneven = few.part(torch.tensor([0, 1, 2, 3, 4, 5, 8, 9, 10, 12]))  # 4, 2, 3 and 1 labels
    for support in (few, uneven):
        first, second = one.fit(support), one.fit(support)
        held = cloud(5, seed=3)
        assert torch.equal(first.logits(held.features, held.raw), second.logits(held.features, held.raw))


@RUNGS
def test_what_was_saved_answers_the_same(one: Rung, tmp_path: Path) -> None:
    few, held = cloud(4), cloud(10, seed=1)
    fitted = one.fit(few)
    fitted.save(tmp_path)
    again = Classifier.load(tmp_path)
    assert again is not None
    difference = again.logits(held.features, held.raw) - fitted.logits(held.features, held.raw)
    assert difference.abs().max() < 1e-4
    assert (again.rung, again.classes, again.chosen) == (one.name, few.classes, fitted.chosen)


def test_a_folder_without_a_classifier_has_none(tmp_path: Path) -> None:
    assert Classifier.load(tmp_path) is None


def test_saved_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    rung("linear").fit(cloud(4)).save(tmp_path)
    (tmp_path / FACTS).write_text((tmp_path / FACTS).read_text().replace('"class 3"', '"class 3", "class 4"'))
    with pytest.raises(ModelError):
        Classifier.load(tmp_path)
    (tmp_path / TENSORS).write_bytes(b"no tensors")
    with pytest.raises(ModelError):
        Classifier.load(tmp_path)


def test_prolip_needs_features_before_a_projection() -> None:
    few = replace(cloud(4), raw=None, projection=None)
    assert "projection" in str(rung("prolip").why_not(few))
    with pytest.raises(ModelError):
        rung("prolip").fit(cloud(4)).logits(few.features)


def test_a_discriminant_needs_two_labels_of_a_class() -> None:
    assert rung("gda").why_not(cloud(1)) is not None
    assert rung("gda").why_not(cloud(2)) is None


def test_left_out_answers_are_those_of_a_refit_without_the_block() -> None:
    few = cloud(5)
    x, block, beta, ridge = normalize(few.features.double(), dim=-1), ranks(few.labels, 0), 1.5, 0.3
    values = torch.randn(len(x), 3, generator=torch.Generator().manual_seed(2)).double()
    gram = gaussian(x, x, beta)
    residual = _left_out(gram, torch.tensor([ridge]).double(), values, block)[0]
    for number in range(5):
        out, kept = block == number, block != number
        weights = torch.linalg.solve(gram[kept][:, kept] + ridge * torch.eye(int(kept.sum())).double(), values[kept])
        between = (-beta * torch.cdist(x[out], x[kept]).square()).exp()
        assert (values[out] - between @ weights - residual[out]).abs().max() < 1e-8


def test_items_of_one_rank_hold_each_class_once() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])
    number = ranks(labels, 0)
    for rank in range(4):
        of_rank = labels[number == rank]
        assert len(of_rank) == len(of_rank.unique())
    assert sorted(number[labels == 2].tolist()) == [0, 1, 2, 3]


def test_choosing_on_a_part_of_many_labels_finds_what_zero_shot_misses() -> None:
    many, held = cloud(30, classes=40, spread=0.2, off=0.4), cloud(10, classes=40, spread=0.2, off=0.4, seed=1)
    zero_shot = accuracy(rung("zero_shot").fit(many).logits(held.features), held)
    assert accuracy(rung("instant").fit(many).logits(held.features), held) > zero_shot + 0.05


def _without_labels(few: Support) -> Support:
    return few.part(torch.zeros(len(few.labels), dtype=torch.bool))


def test_zero_shot_needs_no_label() -> None:
    held = cloud(5)
    assert accuracy(rung("zero_shot").fit(_without_labels(cloud(2))).logits(held.features), held) > 0.5
