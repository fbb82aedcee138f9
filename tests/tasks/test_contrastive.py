"""Learning from pairs: the loss against its formula, and which runs use it."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from studio.core.types import Item
from studio.tasks.classification import uses_pairs
from studio.tasks.objectives.contrastive import supervised_contrastive


def unit(n: int, dim: int = 6) -> torch.Tensor:
    return normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(n)), dim=-1)


def test_the_loss_is_the_mean_over_items_and_their_positives() -> None:
    x, labels, temperature = unit(5), [0, 1, 0, 0, 1], 0.2
    rows = []
    for i in range(5):
        others = [j for j in range(5) if j != i]
        total = sum(math.exp(float(x[i] @ x[j]) / temperature) for j in others)
        of_pair = [-float(x[i] @ x[j]) / temperature + math.log(total) for j in others if labels[i] == labels[j]]
        rows.append(sum(of_pair) / len(of_pair))
    assert float(supervised_contrastive(x, torch.tensor(labels), temperature)) == pytest.approx(sum(rows) / 5, rel=1e-5)


def test_an_item_without_a_second_of_its_class_is_a_negative_only() -> None:
    x, labels = unit(3), torch.tensor([0, 0, 1])
    pair = float(x[0] @ x[1])
    expected = [math.log(math.exp(pair) + math.exp(float(x[i] @ x[2]))) - pair for i in (0, 1)]
    assert float(supervised_contrastive(x, labels, 1.0)) == pytest.approx(sum(expected) / 2, rel=1e-5)


@pytest.mark.parametrize("n", [1, 4])
def test_a_batch_without_pairs_gives_no_loss_and_no_gradient(n: int) -> None:
    x = unit(n).requires_grad_()
    loss = supervised_contrastive(x, torch.arange(n), 0.1)
    loss.backward()
    assert float(loss.detach()) == 0
    assert x.grad is not None and float(x.grad.abs().max()) == 0


def test_a_step_along_the_gradient_brings_a_class_together() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    x = unit(6).requires_grad_()
    supervised_contrastive(x, labels, 0.1).backward()
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
