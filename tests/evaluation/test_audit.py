from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from studio.evaluation.audit import doubted, doubted_sets, near_duplicates


def test_a_label_that_everything_speaks_against_is_doubted_first() -> None:
    labels = torch.arange(60) % 3
    logits = torch.linspace(1, 3, 60)[:, None] * one_hot(labels, 3)
    logits[7], logits[8] = 5.0 * one_hot(labels[7], 3), 4.0 * one_hot(labels[8], 3)  # surest of the first
    given = labels.clone()
    given[7] = (labels[7] + 1) % 3
    given[8] = (labels[8] + 1) % 3
    found = doubted(logits, given)
    assert [(row, other) for row, other, _ in found] == [(7, int(labels[7])), (8, int(labels[8]))]
    assert found[0][2] > found[1][2] > 0.5


def test_what_is_as_unsure_as_its_class_usually_is_is_not_doubted() -> None:
    labels = torch.arange(40) % 2
    logits = torch.zeros(40, 2)
    logits[:, 0] = 0.2  # always a little towards the first
    assert doubted(logits + 3.0 * one_hot(labels, 2), labels) == []


def test_a_class_without_labels_is_never_suggested() -> None:
    labels = torch.arange(20) % 2
    logits = torch.tensor([[0.0, 0.0, 5.0]]).repeat(20, 1)
    assert doubted(logits, labels) == []


def test_of_sets_the_most_doubtful_class_of_an_item_is_named() -> None:
    truth = (torch.arange(60)[:, None] % torch.tensor([2, 3, 5]) == 0).float()
    p = 0.1 + 0.8 * truth
    p[7] = torch.tensor([0.02, 0.97, 0.06])
    given = truth.clone()
    given[7] = torch.tensor([0.0, 0.0, 1.0])  # it has the second and not the third, of which less is known
    assert [(row, at) for row, at, _ in doubted_sets(p, given)] == [(7, 1)]
    assert doubted_sets(0.1 + 0.8 * truth, truth) == []


def prints(n: int, d: int = 64) -> Tensor:
    return normalize(torch.randn(n, 3, d, generator=torch.Generator().manual_seed(0)), dim=-1)


def test_the_whole_of_one_and_a_part_of_another_make_a_pair_once() -> None:
    rows = prints(50)
    rows[20, 0] = rows[3, 0]  # the same
    rows[30, 0] = normalize(rows[4, 0] + 0.9 * rows[5, 1], dim=-1)
    rows[4, 1] = rows[30, 0]  # a crop of the other, whose whole is only near
    found = near_duplicates(rows[:, 0], lambda row: rows[row], 0.95)
    assert [(a, b) for a, b, _ in found] == [(3, 20), (4, 30)]
    assert all(likeness >= 0.95 for *_, likeness in found)


def test_two_items_are_enough_and_one_has_no_twin() -> None:
    rows = prints(2)
    assert near_duplicates(rows[:, 0], lambda row: rows[row], 0.9) == []
    assert near_duplicates(rows[:1, 0], lambda row: rows[row], 0.9) == []
