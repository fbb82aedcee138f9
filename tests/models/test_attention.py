from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from torch import nn

from studio.core.errors import ModelError
from studio.models.attention import UnfusedAttention, refuse, unfuse

EXACT = 1e-5


def small_clip() -> nn.Module:
    torch.manual_seed(0)
    vision = {"image_size": 64, "layers": 2, "width": 128, "head_width": 64, "patch_size": 32}
    text = {"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 2, "layers": 2}
    return open_clip.CLIP(64, vision, text).eval()


def outputs(network: nn.Module, side: int) -> list[torch.Tensor]:
    torch.manual_seed(1)
    pictures = torch.randn(3, 3, side, side)
    tokens = open_clip.tokenize(["a photo of a cat", "two dogs on a lawn", "x"])
    with torch.inference_mode():
        return [network.encode_image(pictures, normalize=True), network.encode_text(tokens, normalize=True)]


def difference(one: list[torch.Tensor], two: list[torch.Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(one, two, strict=True))


def test_unfused_and_fused_again_vit_gives_the_same_features() -> None:
    network = small_clip()
    before, weights = outputs(network, 64), copy.deepcopy(network.state_dict())
    assert len(unfuse(network)) == 4
    assert difference(before, outputs(network, 64)) < EXACT
    assert len(refuse(network)) == 4
    assert difference(before, outputs(network, 64)) < EXACT
    assert weights.keys() == network.state_dict().keys()
    assert all(torch.equal(weights[k], v) for k, v in network.state_dict().items())


def test_unfused_and_fused_again_real_text_tower_gives_the_same_features(shared_models: Callable[[str], Path]) -> None:
    network = open_clip.create_model(f"local-dir:{shared_models('miniclip')}").eval()
    before = outputs(network, 224)
    assert len(unfuse(network)) == 4
    assert difference(before, outputs(network, 224)) < EXACT
    refuse(network)
    assert difference(before, outputs(network, 224)) < EXACT


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("mask", ["none", "boolean", "additive", "per head", "padding"])
def test_masks_and_layouts_mean_the_same(batch_first: bool, mask: str) -> None:
    torch.manual_seed(0)
    fused = nn.MultiheadAttention(16, 4, batch_first=batch_first).eval()
    x = torch.randn(2, 5, 16)
    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    additive = torch.zeros(5, 5).masked_fill(causal, float("-inf"))
    options = {
        "none": {},
        "boolean": {"attn_mask": causal},
        "additive": {"attn_mask": additive},
        "per head": {"attn_mask": additive.expand(8, 5, 5)},
        "padding": {"key_padding_mask": torch.tensor([[False] * 5, [False] * 3 + [True] * 2])},
    }[mask]
    x = x if batch_first else x.transpose(0, 1)
    expected = fused(x, x, x, need_weights=False, **options)[0]
    assert torch.allclose(UnfusedAttention(fused)(x, x, x, need_weights=False, **options)[0], expected, atol=1e-6)


def test_unfusing_copies_no_weight() -> None:
    fused = nn.MultiheadAttention(16, 4)
    assert UnfusedAttention(fused).q_proj.weight.data_ptr() == fused.in_proj_weight.data_ptr()


def test_fused_attention_of_another_class_is_refused() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(open_clip.transformer.Attention(16, num_heads=4))
    with pytest.raises(ModelError, match="class Attention"):
        unfuse(network)


@pytest.mark.parametrize("options", [{"add_zero_attn": True}, {"add_bias_kv": True}, {"dropout": 0.1}, {"kdim": 8}])
def test_attention_with_other_options_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        unfuse(nn.Sequential(nn.MultiheadAttention(16, 4, **options)))


def test_attention_with_an_adapter_is_not_fused() -> None:
    network = nn.Sequential(nn.MultiheadAttention(16, 4))
    unfuse(network)
    network[0].q_proj = nn.Sequential(network[0].q_proj)
    with pytest.raises(ModelError, match="adapter"):
        refuse(network)
