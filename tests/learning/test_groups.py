from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.learning.groups import PER_GROUP, cluster, rows


def clouds(per_cloud: int, clouds: int = 5) -> tuple[Tensor, Tensor]:
    """Unit features around far-apart middles, and the cloud of each."""
    draw = torch.Generator().manual_seed(1)
    middles = torch.eye(8)[:clouds]
    of = torch.arange(clouds).repeat_interleave(per_cloud)
    return normalize(middles[of] + 0.05 * torch.randn(len(of), 8, generator=draw), dim=1), of


def test_what_lies_together_is_a_group() -> None:
    x, of = clouds(PER_GROUP)
    group, likeness = cluster(x)
    for cloud in range(5):
        assert len(group[of == cloud].unique()) == 1
    assert len(group.unique()) == 5
    assert float(likeness.min()) > 0.9


def test_items_near_the_middle_are_more_like_it() -> None:
    x, _ = clouds(PER_GROUP, 1)
    odd = normalize(x[:1] + 0.5 * torch.eye(8)[7], dim=1)
    _, likeness = cluster(torch.cat([x, odd]))
    assert int(likeness.argmin()) == len(x)


def test_groups_are_the_same_again_and_few_items_are_one() -> None:
    x, _ = clouds(9)
    assert torch.equal(cluster(x, 3)[0], cluster(x, 3)[0])
    assert len(cluster(x[:4])[0].unique()) == 1
    assert len(cluster(x[:1])[0]) == 1


def test_many_copies_of_one_item_do_no_harm() -> None:
    group, likeness = cluster(torch.eye(4)[torch.zeros(100, dtype=torch.long)])
    assert len(group) == 100 and torch.allclose(likeness, torch.ones(100))


def test_a_row_takes_the_class_of_all_together_and_marks_who_disagrees() -> None:
    x, of = clouds(PER_GROUP, 2)
    probabilities = torch.tensor([[0.9, 0.1], [0.3, 0.7]])[of]
    probabilities[3] = torch.tensor([0.2, 0.8])  # one of the first cloud
    first, second = rows(x, probabilities, PER_GROUP)
    assert (first.label, second.label) == (0, 1)  # 0.9 of 11/12 comes before 0.7 of all
    assert first.members[~first.agree].tolist() == [3] and bool(second.agree.all())
    assert abs(first.probability - 0.9) < 1e-6
    assert all(len(row.members) == 5 for row in rows(x, probabilities, 5))
