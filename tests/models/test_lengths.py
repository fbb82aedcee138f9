"""Parts of like length: the same features from fewer tokens."""

import torch
from torch import Tensor

from studio.core.config import LoraConfig
from studio.core.interfaces import Inputs
from studio.models import load_model
from studio.models.lengths import PART, by_length


def ragged(lengths: list[int], left: bool = False) -> dict[str, Tensor]:
    whole = max(lengths)
    mask = torch.tensor([([1] * n + [0] * (whole - n))[:: -1 if left else 1] for n in lengths])
    return {"input_ids": torch.arange(len(lengths))[:, None] * mask, "attention_mask": mask}


def sums(seen: list[tuple[int, ...]]) -> object:
    def encode(inputs: Inputs) -> Tensor:
        seen.append(tuple(inputs["input_ids"].shape))
        return inputs["input_ids"].sum(1, keepdim=True).float()

    return encode


def test_rows_come_back_in_their_order_from_fewer_tokens() -> None:
    lengths = [3, 40, 5, 2] * PART
    seen: list[tuple[int, ...]] = []
    found = by_length(sums(seen), ragged(lengths))  # type: ignore[arg-type]
    assert found.flatten().tolist() == [n * length for n, length in enumerate(lengths)]
    assert sum(rows * length for rows, length in seen) < 0.5 * len(lengths) * 40


def test_padding_on_the_left_is_kept() -> None:
    lengths = [3, 40, 5, 2] * PART
    seen: list[tuple[int, ...]] = []
    found = by_length(sums(seen), ragged(lengths, left=True))  # type: ignore[arg-type]
    assert found.flatten().tolist() == [n * length for n, length in enumerate(lengths)]


def test_a_batch_in_parts_has_the_features_and_gradients_of_the_whole(tiny_ids: dict[str, str]) -> None:
    model = load_model(tiny_ids["bert"]).adapted(LoraConfig(rank=2, dropout=0.0))
    texts = [" ".join(["cat", "house", "sky", "tree"][: 1 + n % 4]) for n in range(3 * PART)]
    inputs = model.prepare("text", texts)
    features = model.encode("text", inputs)
    whole: Tensor = model.module("text", inputs)
    assert (features - whole).abs().max() < 1e-5
    up = [p for name, p in model.module.named_parameters() if "lora_B" in name]
    grads = [torch.autograd.grad(f[:, 0].sum(), up, retain_graph=True) for f in (features, whole)]
    assert all((a - b).abs().max() < 1e-4 for a, b in zip(*grads, strict=True))
