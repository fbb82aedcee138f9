"""Learning from pairs: the loss against its formula, and which runs use it."""

import pytest
import torch
from torch.nn.functional import normalize

from studio.core.types import Item
from studio.tasks.classification import uses_pairs
from studio.tasks.objectives.contrastive import cosine_pairs


def unit(n: int, dim: int = 6) -> torch.Tensor:
    return normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(n)), dim=-1)


def test_the_loss_is_setfit_s_with_both_kinds_of_pairs_weighing_the_same() -> None:
    x, labels = unit(5), [0, 1, 0, 0, 1]
    pairs = [(i, j) for i in range(5) for j in range(i)]
    within = [(1 - float(x[i] @ x[j])) ** 2 for i, j in pairs if labels[i] == labels[j]]
    between = [float(x[i] @ x[j]) ** 2 for i, j in pairs if labels[i] != labels[j]]
    expected = sum(within) / len(within) / 2 + sum(between) / len(between) / 2
    assert float(cosine_pairs(x, torch.tensor(labels))) == pytest.approx(expected, rel=1e-5)


def test_classes_at_right_angles_have_no_loss() -> None:
    assert float(cosine_pairs(torch.eye(3)[[0, 0, 1, 1, 2]], torch.tensor([0, 0, 1, 1, 2]))) == 0


def test_a_batch_of_one_item_gives_no_loss_and_no_gradient() -> None:
    x = unit(1).requires_grad_()
    loss = cosine_pairs(x, torch.tensor([0]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert x.grad is not None and float(x.grad.abs().max()) == 0


def test_a_step_along_the_gradient_brings_a_class_together() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    x = unit(6).requires_grad_()
    cosine_pairs(x, labels).backward()
    moved = normalize(x - 0.05 * x.grad, dim=-1).detach()  # type: ignore[operator]
    same = labels[:, None] == labels[None, :]

    def gap(y: torch.Tensor) -> float:
        similarity = y @ y.T
        return float(similarity[same].mean() - similarity[~same].mean())

    assert gap(moved) > gap(x.detach())


def test_who_asks_for_pairs_gets_them_and_auto_goes_by_labels_per_class() -> None:
    def items(per_class: int) -> list[Item]:
        return [Item(n, {"text": str(n)}, "train", "", "ab"[n % 2]) for n in range(2 * per_class)]

    assert uses_pairs(items(2), "contrastive") and not uses_pairs(items(200), "head")
