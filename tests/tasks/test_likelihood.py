"""The loss of a look on the way: on the scale of a run's end."""

import pytest
import torch

from studio.core.types import Item
from studio.tasks.objectives.classification import classification_scores
from studio.tasks.objectives.likelihood import of_labels, sharpness

CLASSES = {"a": 0, "b": 1}
LABELS = 25 * "aababbab"


def test_logits_that_differ_by_a_factor_have_the_same_loss() -> None:
    items = [Item(n, {"text": str(n)}, "train", str(n), label) for n, label in enumerate(LABELS)]
    truth = torch.tensor([CLASSES[label] for label in LABELS])
    logits = torch.eye(2)[truth] + torch.randn(len(items), 2, generator=torch.Generator().manual_seed(0))
    cold, warm = (classification_scores(logits * factor, items, CLASSES) for factor in (1.0, 8.0))
    assert cold["loss"] == pytest.approx(-float(of_labels(sharpness(logits, truth) * logits, truth).mean()))
    assert warm["loss"] == pytest.approx(cold["loss"], rel=0.02)
