import pytest
import torch

from studio.core.types import Item
from studio.tasks.objectives.pairs import PairObjective, hits, recall, same_content


def pair(number: int, image: str, text: str) -> Item:
    return Item(number, {"image": image, "text": text}, "train", f"row {number}")


class FixedScale:
    """As much of an adapted model as the loss needs."""

    def logit_scale(self) -> torch.Tensor:
        return torch.tensor(10.0)


BATCH = [pair(1, "x", "a dog"), pair(2, "y", "a dog"), pair(3, "x", "a pet"), pair(4, "z", "a car")]


def test_one_picture_or_one_caption_twice_are_no_negatives_of_each_other() -> None:
    mask = same_content(BATCH)
    assert mask.nonzero().tolist() == [[0, 1], [0, 2], [1, 0], [2, 0]]


def test_a_repeated_caption_costs_nothing_in_the_loss() -> None:
    images = torch.nn.functional.normalize(torch.eye(4) + 0.1, dim=-1)
    same = {"image": images[[0, 0, 2]], "text": images[[0, 0, 2]]}
    told_apart = [pair(1, "x", "a"), pair(2, "y", "b"), pair(3, "z", "c")]
    equal = [pair(1, "x", "a"), pair(2, "y", "a"), pair(3, "z", "c")]
    loss = PairObjective()
    model = FixedScale()
    with_negatives = float(loss.loss(model, same, told_apart))  # type: ignore[arg-type]
    masked = float(loss.loss(model, same, equal))  # type: ignore[arg-type]
    assert masked < 0.01 < with_negatives


def test_any_caption_of_a_picture_is_a_right_answer_and_a_picture_counts_once() -> None:
    similarity = torch.tensor([[0.1, 0.9, 0.8, 0.0]] * 2 + [[0.1, 0.9, 0.8, 0.0]] + [[0.9, 0.1, 0.1, 0.2]])
    found = hits(similarity, [i.key("image") for i in BATCH], [i.key("text") for i in BATCH], (1, 2))
    assert {name: len(hit) for name, hit in found.items()} == {
        "image_to_text@1": 3,
        "image_to_text@2": 3,
        "text_to_image@1": 3,
        "text_to_image@2": 3,
    }


def test_recall_of_a_perfect_and_of_a_reversed_ranking() -> None:
    names = [str(n) for n in range(20)]
    assert recall(torch.eye(20), names, names)["image_to_text@1"] == 1.0
    assert recall(-torch.eye(20), names, names)["text_to_image@10"] == 0.0
    assert recall(torch.eye(20).roll(1, 0), names, names, (1, 20)) == {
        "image_to_text@1": 0.0,
        "image_to_text@20": 1.0,
        "text_to_image@1": 0.0,
        "text_to_image@20": 1.0,
    }


@pytest.mark.parametrize("k", [1, 5])
def test_recall_at_k_of_noise_is_near_k_over_n(k: int) -> None:
    names = [str(n) for n in range(200)]
    similarity = torch.rand(200, 200, generator=torch.Generator().manual_seed(0))
    assert recall(similarity, names, names, (k,))[f"image_to_text@{k}"] == pytest.approx(k / 200, abs=0.03)
