"""The ladder where an item may be of several classes: one logistic a class."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.types import Item, Prediction
from studio.learning.calibration import calibrate, fit_temperature, risk_coverage, threshold_for
from studio.learning.classifier import Classifier
from studio.learning.gate import gate
from studio.learning.out_of_fold import fold_count
from studio.learning.predictor import prompted
from studio.learning.rungs import all_rungs, learn, rung
from studio.learning.support import Support, folds
from studio.learning.zero_shot import StartingPoint, centred
from studio.tasks.objectives.classification import HeadObjective
from studio.tasks.objectives.likelihood import answered, loss_and_slope, numbered, of_labels, right

CLASSES = ("red", "round", "big", "old", "loud")
OFTEN = torch.tensor([0.5, 0.4, 0.3, 0.2, 0.1])
LEARNING = ("linear", "instant")


def several(n: int, seed: int = 0, noise: float = 0.12, dim: int = 32) -> Support:
    """Items whose features are the sum of what they are, with noise; the texts stand a little off."""
    world, draw = torch.Generator().manual_seed(3), torch.Generator().manual_seed(seed)
    centres = normalize(torch.randn(len(CLASSES), dim, generator=world), dim=-1)
    text = normalize(centres + 0.1 * torch.randn(len(CLASSES), dim, generator=world), dim=-1)
    labels = (torch.rand(n, len(CLASSES), generator=draw) < OFTEN).float()
    features = normalize(labels @ centres + 0.3 + noise * torch.randn(n, dim, generator=draw), dim=-1)
    return Support(features, labels, centred(text), 20.0, CLASSES, seed)


def exact(classifier: Classifier, of: Support) -> float:
    return float(right(classifier.logits(of.features), of.labels).float().mean())


def entropy(logits: Tensor, labels: Tensor) -> Tensor:
    p = logits.sigmoid()
    return -(labels * p.log() + (1 - labels) * (1 - p).log()).sum(1)


def test_labels_are_zeros_and_ones_and_their_likelihood_is_the_product_over_the_classes() -> None:
    labels = numbered([("round", "red"), (), ("loud",)], CLASSES, several=True)
    assert labels.tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    assert of_labels(logits, labels) == pytest.approx((-entropy(logits, labels)).tolist(), abs=1e-5)
    asked = logits.clone().requires_grad_()
    entropy(asked, labels).sum().backward()
    loss, slope = loss_and_slope(logits, labels, several=True)
    assert float(loss) == pytest.approx(float(entropy(logits, labels).sum()), rel=1e-5)
    assert asked.grad is not None and torch.allclose(slope, asked.grad, atol=1e-5)


def test_an_item_is_right_with_all_of_its_classes_and_no_other() -> None:
    labels = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    logits = torch.tensor([[2.0, -1.0], [2.0, -1.0], [-3.0, -0.1]])
    assert right(logits, labels).tolist() == [True, False, True]
    assert answered(logits, several=True).tolist() == [[1, 0], [1, 0], [0, 0]]


def test_every_fold_has_its_share_of_each_class() -> None:
    labels = several(203).labels
    fold = folds(labels, 5, seed=1)
    assert torch.equal(fold, folds(labels, 5, seed=1)) and not torch.equal(fold, folds(labels, 5, seed=2))
    assert fold.bincount().max() - fold.bincount().min() <= 1
    rare = torch.stack([labels[fold == k].sum(0) for k in range(5)])[:, -1]
    assert rare.max() - rare.min() <= 1


@pytest.mark.parametrize("name", LEARNING)
def test_a_rung_learns_several_classes_better_than_zero_shot_knows_them(name: str) -> None:
    support, test = several(120), several(500, seed=9)
    zero_shot, learnt = exact(learn(rung("zero_shot"), support), test), exact(learn(rung(name), support), test)
    assert learnt > 0.8 > 0.5 > zero_shot


def test_rungs_that_answer_with_one_class_say_so() -> None:
    support = several(60)
    able = {one.name for one in all_rungs() if one.why_not(support) is None}
    assert able == {"zero_shot", *LEARNING}
    assert all("several" in str(one.why_not(support)) for one in all_rungs() if one.name not in able)


@pytest.mark.parametrize("name", LEARNING)
def test_a_class_without_labels_keeps_what_zero_shot_says(name: str) -> None:
    support, test = several(80), several(20, seed=9)
    support.labels[:, 2] = 0
    learnt, zero_shot = learn(rung(name), support), learn(rung("zero_shot"), support)
    assert torch.allclose(learnt.logits(test.features)[:, 2], zero_shot.logits(test.features)[:, 2], atol=1e-4)


@pytest.mark.parametrize("name", ["zero_shot", *LEARNING])
def test_a_saved_classifier_answers_as_before(name: str, tmp_path: Path) -> None:
    support = several(60)
    support.labels[:, 4] = 0
    learnt = learn(rung(name), support)
    learnt.save(tmp_path)
    again = Classifier.load(tmp_path)
    assert again is not None and again.several
    assert torch.allclose(again.logits(support.features), learnt.logits(support.features), atol=1e-5)


def test_the_gate_takes_what_learns_where_it_is_better_out_of_fold() -> None:
    verdict = gate(several(100))
    assert verdict.rung in LEARNING
    assert {row.name for row in verdict.table} == {"zero_shot", *LEARNING}
    assert all(row.accuracy is not None and 0 <= row.accuracy <= 1 for row in verdict.table)


def test_zero_shot_says_the_class_that_stands_out() -> None:
    test, names = several(50), ("one", "two", "three")
    text = test.features[:3]
    said = prompted("zero_shot", names, text, 100.0, several=True).logits(text)
    assert torch.equal(said > 0, torch.eye(3, dtype=torch.bool))


def test_a_temperature_takes_back_what_was_too_sure() -> None:
    test = several(2000, seed=4, noise=0.4)
    honest = learn(rung("linear"), several(400, seed=5, noise=0.4)).logits(test.features)
    once, thrice = fit_temperature(honest, test.labels), fit_temperature(3 * honest, test.labels)
    assert thrice == pytest.approx(3 * once, rel=0.02)
    found = calibrate(3 * honest, test.labels)
    assert found.n == 2000
    assert found.after.ece < found.before.ece


def test_an_answer_is_withheld_as_a_whole() -> None:
    support, test = several(60, noise=0.3), several(800, seed=4, noise=0.3)
    p = learn(rung("linear"), support).logits(test.features).double().sigmoid()
    curve = risk_coverage(p, test.labels)
    wrong = 1 - float(right(p.logit(), test.labels).float().mean())
    assert curve[-1].coverage == 1 and curve[-1].risk == pytest.approx(wrong)
    assert next(point for point in curve if point.coverage >= 0.5).risk < 0.7 * wrong
    found = threshold_for(0.7 * wrong, p, test.labels)
    assert found.threshold is not None and 0 < found.accepted < found.n
    assert found.errors / found.accepted <= 0.7 * wrong


def test_a_prediction_is_the_set_of_what_is_likelier_than_not() -> None:
    said = Prediction((0.9, 0.2, 0.6), ("a", "b", "c"), several=True)
    assert (said.label, said.labels) == ("a | c", ("a", "c"))
    assert said.confidence == pytest.approx(0.9 * 0.8 * 0.6)
    assert Prediction((0.1, 0.2), ("a", "b"), several=True).label == "none of these"


def test_a_run_learns_the_cross_entropy_of_each_class() -> None:
    support = several(12)
    weight, bias = torch.randn(5, 32, generator=torch.Generator().manual_seed(1)), torch.zeros(5)
    objective = HeadObjective("text", StartingPoint(CLASSES, (("",),) * 5, (weight, bias)), several=True)
    names = [" | ".join(c for c, has in zip(CLASSES, row, strict=True) if has) or "none of these" for row in support.labels]
    items = [Item(n, {"text": str(n)}, "train", str(n), label) for n, label in enumerate(names)]
    loss = objective.loss(None, {"text": support.features}, items)  # type: ignore[arg-type]
    expected = entropy(support.features @ weight.T, support.labels).mean()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-4)
    scores = objective.score(None, {"text": support.features}, items)  # type: ignore[arg-type]
    assert scores["accuracy"] == pytest.approx(float(right(support.features @ weight.T, support.labels).float().mean()))


def test_one_rare_class_does_not_take_the_evidence_from_the_others() -> None:
    support = several(100)
    support.labels[:, 4] = 0
    support.labels[:2, 4] = 1
    assert fold_count(support) == 5


def test_of_a_single_class_zero_shot_knows_nothing() -> None:
    test = several(20)
    said = prompted("zero_shot", ("one",), test.features[:1], 100.0, several=True).logits(test.features)
    assert not said.any()


def test_what_can_be_believed_is_asked_of_items_not_of_their_classes() -> None:
    test = several(300, seed=4, noise=0.4)
    found = calibrate(learn(rung("linear"), several(200, seed=5, noise=0.4)).logits(test.features), test.labels)
    assert sum(b.n for b in found.after.bins) == found.n == 300
