import torch
from torch.nn.functional import normalize

from studio.learning.few_shot import fit_head


def clouds(count: int, spread: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(features, labels, class centres) of three classes in 32 dimensions."""
    generator = torch.Generator().manual_seed(seed)
    centres = normalize(torch.randn(3, 32, generator=torch.Generator().manual_seed(99)), dim=-1)
    labels = torch.arange(3).repeat(count)
    noise = torch.randn(len(labels), 32, generator=generator) * spread
    return normalize(centres[labels] + noise, dim=-1), labels, centres


def accuracy(head: object, x: torch.Tensor, y: torch.Tensor) -> float:
    return float((head.logits(x).argmax(1) == y).float().mean())  # type: ignore[attr-defined]


def test_labels_improve_on_a_text_classifier_that_is_off() -> None:
    x, y, centres = clouds(16, 0.3)
    held, truth, _ = clouds(200, 0.3, seed=1)
    off = normalize(centres + 0.5 * torch.randn(3, 32, generator=torch.Generator().manual_seed(5)), dim=-1)
    head = fit_head(x, y, off, 20.0, ["a", "b", "c"])
    zero_shot = float(((held @ off.T).argmax(1) == truth).float().mean())
    assert accuracy(head, held, truth) > zero_shot + 0.03


def test_one_label_a_class_keeps_what_the_prompts_know() -> None:
    x, y, centres = clouds(1, 0.8)
    held, truth, _ = clouds(200, 0.3, seed=1)
    blank = fit_head(x, y, torch.zeros_like(centres), 20.0, ["a", "b", "c"])
    anchored = fit_head(x, y, centres, 20.0, ["a", "b", "c"])
    assert accuracy(anchored, held, truth) > accuracy(blank, held, truth)


def test_a_class_without_labels_is_still_answered_by_its_prompt() -> None:
    x, y, centres = clouds(8, 0.2)
    held, truth, _ = clouds(100, 0.2, seed=1)
    head = fit_head(x[y < 2], y[y < 2], centres, 20.0, ["a", "b", "c"])
    third = truth == 2
    assert accuracy(head, held[third], truth[third]) > 0.9


def test_the_same_support_gives_the_same_head() -> None:
    x, y, centres = clouds(4, 0.3)
    one, two = (fit_head(x, y, centres, 20.0, ["a", "b", "c"], seed=3) for _ in range(2))
    assert torch.equal(one.weight, two.weight)
