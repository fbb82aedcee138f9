"""What to label next: what stands for many comes first, what is labelled never, and doubt counts once there are labels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from studio.learning.selection import MOST_OFFERED, herd, least_certain, uncertainty


def groups(sizes: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    """(unit features, group of each): tight groups around directions that are far from each other."""
    draw = torch.Generator().manual_seed(seed)
    of = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return normalize(one_hot(of, 8).float() + 0.05 * torch.randn(len(of), 8, generator=draw), dim=-1), of


def test_the_first_picks_take_one_of_each_group_the_largest_first() -> None:
    features, of = groups((10, 60, 30))
    picks = herd(features, torch.zeros(100, dtype=torch.bool), torch.full((100, 3), 1 / 3), 3)
    assert of[picks].tolist() == [1, 2, 0]


def test_what_a_label_is_near_to_is_left_for_later() -> None:
    features, of = groups((50, 50))
    labelled = torch.zeros(100, dtype=torch.bool)
    labelled[0] = True
    picks = herd(features, labelled, torch.full((100, 2), 0.5), 100)
    assert of[picks[0]] == 1 and 0 not in picks and len(set(picks.tolist())) == 99


def test_with_labels_of_every_class_doubt_decides() -> None:
    features, of = groups((40, 40, 40))
    labelled = torch.zeros(120, dtype=torch.bool)
    labelled[[0, 40, 80]] = True
    sure = torch.tensor([[0.98, 0.01, 0.01]]).repeat(120, 1)
    sure[of == 1] = torch.tensor([0.34, 0.33, 0.33])
    assert set(of[herd(features, labelled, sure, 5)].tolist()) == {1}


def test_the_same_seed_gives_the_same_items_also_of_a_large_pool() -> None:
    features, _ = groups((3 * MOST_OFFERED,))
    nothing = torch.zeros(len(features), dtype=torch.bool)
    first, second = (herd(features, nothing, torch.full((len(features), 2), 0.5), 4, seed=3) for _ in range(2))
    assert first.tolist() == second.tolist() and len(set(first.tolist())) == 4


@pytest.mark.parametrize("classes", [1, 2])
def test_where_nothing_is_left_nothing_is_chosen(classes: int) -> None:
    features, _ = groups((4,))
    every, said = torch.ones(4, dtype=torch.bool), torch.full((4, classes), 1 / classes)
    assert len(herd(features, every, said, 5)) == len(least_certain(every, said, 5)) == 0
    assert len(herd(features, ~every, said, 5)) == 4


def test_least_certain_is_where_two_classes_are_closest() -> None:
    said = torch.tensor([[0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.6, 0.3, 0.1]])
    assert least_certain(torch.tensor([False, False, False]), said, 2).tolist() == [1, 2]
    assert uncertainty(said).tolist() == pytest.approx([0.2, 1.0, 0.7])
