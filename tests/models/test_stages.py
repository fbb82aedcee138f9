"""The levers that claim to change nothing: against the library's own forward, and a gradient step against a plain one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.nn.functional import normalize

from studio.core.config import Layers, LoraConfig
from studio.core.errors import ModelError
from studio.core.interfaces import AdaptedModel, FoundationModel, Inputs
from studio.models import load_model
from studio.models.lora import trainable
from studio.models.stages_hf import encoder_stages
from studio.models.stages_open_clip import picture_stages

MINICLIP = Path(__file__).resolve().parents[3] / "shared" / "models" / "miniclip"
KINDS = ("open_clip-vit", "open_clip-conv", "hf-clip", "siglip", "bert", "distilbert", "miniclip")
SAME = 1e-4


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tiny_ids: dict[str, str]) -> FoundationModel:
    if request.param == "miniclip" and not MINICLIP.is_dir():
        pytest.skip("the small trained CLIP is not beside the project")
    return load_model(tiny_ids.get(request.param, f"open_clip:local-dir:{MINICLIP}"), "cpu", True)


@pytest.fixture
def payloads(pictures: list[Any], texts: list[str]) -> dict[str, list[Any]]:
    return {"image": pictures[:4], "text": texts}


def plainly(model: AdaptedModel, modality: str, inputs: Inputs) -> Tensor:
    """Features by the library's own forward; open_clip's texts at their full length."""
    network: Any = model.module
    network.staged = False
    if "tokens" in inputs:
        return normalize(network.network.encode_text(inputs["tokens"]), dim=-1)
    return model.encode(modality, inputs)


def learn(model: AdaptedModel, inputs: Mapping[str, Inputs], encode: Callable[[str, Inputs], Tensor]) -> None:
    """Two steps: in the first only B gets a gradient."""
    goal = normalize(torch.linspace(-1, 2, model.info.dim), dim=0)
    optimiser = torch.optim.SGD(list(trainable(model.module).values()), lr=0.3)
    for _ in range(2):
        optimiser.zero_grad()
        torch.stack([(1 - encode(m, of) @ goal).sum() for m, of in inputs.items()]).sum().backward()
        optimiser.step()


@pytest.mark.parametrize("layers", ["all", "top-1"])
def test_two_steps_from_kept_states_are_the_two_steps_of_the_plain_forward(
    model: FoundationModel, payloads: dict[str, list[Any]], layers: Layers
) -> None:
    """Prefix, pooled token and truncated prompts together; the plain side runs the library's forward."""
    lora = LoraConfig(rank=4, alpha=8, dropout=0.0, towers="both", layers=layers)
    ours, plain = (model.adapted(lora, seed=1) for _ in range(2))
    modalities = model.info.modalities
    inputs = {m: ours.prepare(m, payloads[m]) for m in modalities}
    assert all(ours.has_prefix(m) == (layers == "top-1") for m in modalities)
    kept = {m: ours.prefix(m, inputs[m]) if ours.has_prefix(m) else inputs[m] for m in modalities}
    start = {name: value.detach().clone() for name, value in trainable(plain.module).items()}
    learn(ours, kept, ours.encode)
    learn(plain, inputs, partial(plainly, plain))
    assert max(float((start[name] - value.detach()).abs().max()) for name, value in trainable(plain.module).items()) > 20 * SAME
    for name, value in trainable(ours.module).items():
        assert (value - trainable(plain.module)[name]).abs().max() <= SAME, name
    for m in modalities:
        assert (ours.encode(m, kept[m]) - plainly(plain, m, inputs[m])).abs().max() <= SAME


def test_features_after_learning_are_those_of_the_exported_network(
    tiny_ids: dict[str, str], payloads: dict[str, list[Any]]
) -> None:
    """Attention fused again, prompts at their full length, every token through every block: open_clip's own arithmetic."""
    model = load_model(tiny_ids["open_clip-vit"]).adapted(LoraConfig(rank=4, dropout=0.0, towers="both"), seed=1)
    inputs = {m: model.prepare(m, payloads[m]) for m in ("image", "text")}
    learn(model, inputs, model.encode)
    exported: Any = model.merged()
    towers: Any = model.module
    with torch.no_grad():
        theirs = {
            "image": exported.encode_image(towers.towers._pictures.normalised(inputs["image"]["pixels"]), normalize=True),
            "text": exported.encode_text(inputs["text"]["tokens"], normalize=True),
        }
        for m, features in theirs.items():
            assert (model.encode(m, inputs[m]) - features).abs().max() <= SAME


def test_the_kept_states_do_not_change_while_the_adapter_learns(model: FoundationModel, payloads: dict[str, list[Any]]) -> None:
    adapted = model.adapted(LoraConfig(rank=4, layers="top-1", towers="both", dropout=0.5))
    modality = model.info.modalities[-1]
    inputs = adapted.prepare(modality, payloads[modality])
    before = adapted.prefix(modality, inputs)["states"]
    with torch.no_grad():
        for parameter in trainable(adapted.module).values():
            parameter.add_(1.0)
    adapted.module.train()
    assert torch.equal(adapted.prefix(modality, inputs)["states"], before)
    assert adapted.module.training


def test_a_tower_without_adapters_is_kept_whole(tiny_ids: dict[str, str], payloads: dict[str, list[Any]]) -> None:
    adapted = load_model(tiny_ids["siglip"]).adapted(LoraConfig(rank=2, towers="image"))
    kept = adapted.prefix("text", adapted.prepare("text", payloads["text"]))
    assert set(kept) == {"features"}
    assert (adapted.encode("text", kept) - adapted.embed("text", payloads["text"])).abs().max() <= 1e-6


def test_without_a_frozen_beginning_there_is_nothing_to_keep(tiny_ids: dict[str, str], texts: list[str]) -> None:
    adapted = load_model(tiny_ids["bert"]).adapted(LoraConfig(rank=2, layers="all"))
    assert not adapted.has_prefix("text")
    with pytest.raises(ModelError, match="no frozen part"):
        adapted.prefix("text", adapted.prepare("text", texts))


def test_a_tower_of_an_unknown_class_is_run_whole() -> None:
    class Other(nn.Module):
        pass

    assert picture_stages(Other(), lambda inputs: inputs["pixels"]) is None
    assert encoder_stages(Other(), lambda states, _: states[:, 0]) is None


SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 50}
LONG = {**SMALL, "max_position_embeddings": 40}
ENCODERS: dict[str, Callable[[], Any]] = {
    "bert": lambda: transformers.BertModel(transformers.BertConfig(**LONG)),
    "roberta": lambda: transformers.RobertaModel(transformers.RobertaConfig(**LONG)),
    "mpnet": lambda: transformers.MPNetModel(transformers.MPNetConfig(**LONG)),
    "electra": lambda: transformers.ElectraModel(transformers.ElectraConfig(**LONG, embedding_size=16)),
    "modernbert": lambda: transformers.ModernBertModel(
        transformers.ModernBertConfig(**LONG, pad_token_id=0, local_attention=4, global_attn_every_n_layers=2)
    ),
}


@pytest.mark.parametrize("kind", ENCODERS)
def test_every_text_encoder_is_taken_apart_exactly(kind: str) -> None:
    torch.manual_seed(0)
    network = ENCODERS[kind]().eval()
    ids = torch.randint(3, 50, (3, 12))
    mask = torch.ones_like(ids)
    mask[0, 5:], mask[1, 9:] = 0, 0

    def mean(states: Tensor, beside: Any) -> Tensor:
        weight = beside["attention_mask"].unsqueeze(-1)
        return (states * weight).sum(1) / weight.sum(1)

    stages = encoder_stages(network, mean)
    assert stages is not None
    with torch.no_grad():
        inputs = {"input_ids": ids.masked_fill(mask == 0, 1), "attention_mask": mask}
        theirs = mean(network(**inputs).last_hidden_state, inputs)
        assert (stages.whole(inputs) - theirs).abs().max() <= SAME


VISION: dict[str, dict[str, Any]] = {
    "vit, averaged": {"layers": 3, "width": 32, "head_width": 16, "patch_size": 8, "pool_type": "avg"},
    "vit, norm after pooling": {"layers": 3, "width": 32, "head_width": 16, "patch_size": 8, "final_ln_after_pool": True},
    "vit, layer scale": {"layers": 3, "width": 32, "head_width": 16, "patch_size": 8, "ls_init_value": 0.1},
    "resnet": {"layers": [1, 1, 1, 1], "width": 16, "image_size": 64},
    "timm vit": {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "token", "image_size": 224},
    "timm vit, attention pool": {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "avg", "image_size": 224},
    "timm efficientnet": {"timm_model_name": "efficientnet_b0", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64},
    "timm convnext": {"timm_model_name": "convnext_atto", "timm_pool": "", "timm_proj": "linear", "image_size": 64},
}


@pytest.mark.parametrize("kind", VISION)
def test_every_picture_tower_is_taken_apart_exactly(kind: str) -> None:
    torch.manual_seed(0)
    config = {"image_size": 32, **VISION[kind]}
    text = {"context_length": 16, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1}
    visual = open_clip.CLIP(24, config, text).visual.eval()
    stages = picture_stages(visual, lambda inputs: inputs["pixels"])
    assert stages is not None
    pixels = torch.randn(2, 3, config["image_size"], config["image_size"])
    with torch.no_grad():
        ours, theirs = (normalize(features, dim=-1) for features in (stages.whole({"pixels": pixels}), visual(pixels)))
        assert (ours - theirs).abs().max() <= SAME
