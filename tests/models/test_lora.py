from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import ModelError
from studio.core.interfaces import FoundationModel
from studio.models import load_model
from studio.models.layers import is_convolutional, targets
from studio.models.lora import attach, check_moved, snapshot, trainable
from tests.models.test_conformance import step


@pytest.fixture(scope="module")
def vit(tiny_ids: dict[str, str]) -> Iterator[FoundationModel]:
    model = load_model(tiny_ids["open_clip-vit"])
    yield model
    model.close()


@pytest.fixture(scope="module")
def conv(tiny_ids: dict[str, str]) -> Iterator[FoundationModel]:
    model = load_model(tiny_ids["open_clip-conv"])
    yield model
    model.close()


def test_transformer_towers_are_adapted_in_attention_alone(vit: FoundationModel) -> None:
    names = vit.adapted(LoraConfig(towers="both")).adapted_modules
    assert {name.rpartition(".")[2] for name in names} == {"q_proj", "k_proj", "v_proj", "out_proj"}
    assert len([n for n in names if n.startswith("visual.")]) == 12
    assert len([n for n in names if n.startswith("transformer.")]) == 8


@pytest.mark.parametrize(("towers", "prefix"), [("image", "visual."), ("text", "transformer.")])
def test_only_the_chosen_tower_is_adapted(vit: FoundationModel, towers: Any, prefix: str) -> None:
    assert all(name.startswith(prefix) for name in vit.adapted(LoraConfig(towers=towers)).adapted_modules)


def test_the_papers_recipe_leaves_the_output_projections_alone(vit: FoundationModel) -> None:
    paper = TrainConfig().with_settings({"mode": "paper"})
    names = vit.adapted(paper.lora).adapted_modules
    assert {name.rpartition(".")[2] for name in names} == {"q_proj", "k_proj", "v_proj"}
    assert {name.split(".")[0] for name in names} == {"visual", "transformer"}
    assert paper.modes(TrainConfig())[0] == "paper" and paper.lora.rslora and TrainConfig.from_json(paper.as_json()) == paper


def test_layers_are_counted_from_the_output(vit: FoundationModel) -> None:
    names = vit.adapted(LoraConfig(layers="top-1")).adapted_modules
    assert {name.split(".")[3] for name in names} == {"2"}


def test_convolutional_tower_is_adapted_in_its_pointwise_convolutions_and_its_head(conv: FoundationModel) -> None:
    adapted = conv.adapted(LoraConfig(towers="image"))
    names = adapted.adapted_modules
    assert conv.info.convolutional
    assert "visual.head.proj" in names and any(name.endswith("conv_pw") for name in names)
    assert not any(name.endswith("conv_dw") or name.endswith("conv_stem") for name in names)
    top = conv.adapted(LoraConfig(layers="top-1")).adapted_modules
    assert set(top) == {"visual.trunk.blocks.6.0.conv_pw", "visual.trunk.blocks.6.0.conv_pwl"} | {
        "visual.trunk.conv_head",
        "visual.head.proj",
    }


def test_train_mode_changes_no_statistic(conv: FoundationModel, pictures: list[Any]) -> None:
    adapted = conv.adapted(LoraConfig(dropout=0.0))
    before = {name: buffer.clone() for name, buffer in adapted.module.named_buffers()}
    features = conv.embed("image", pictures)
    adapted.module.train()
    out = adapted.encode("image", adapted.prepare("image", pictures))
    assert all(torch.equal(before[name], buffer) for name, buffer in adapted.module.named_buffers())
    assert (out.detach() - features).abs().max() < 1e-5


def test_moving_the_copy_leaves_the_base_where_it_is(vit: FoundationModel, texts: list[str]) -> None:
    before = vit.embed("text", texts)
    vit.adapted(LoraConfig()).module.to(torch.float64)
    assert torch.equal(before, vit.embed("text", texts))


def test_bf16_autocast_keeps_the_adapter_and_the_features_in_float32(conv: FoundationModel, pictures: list[Any]) -> None:
    adapted = conv.adapted(LoraConfig(rank=2))
    adapted.module.train()
    with torch.autocast("cpu", torch.bfloat16):
        features = adapted.encode("image", adapted.prepare("image", pictures))
    features.sum().backward()
    assert features.dtype == torch.float32
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in trainable(adapted.module).values())


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_merged_model_is_open_clip_s_own_again(kind: str, request: pytest.FixtureRequest, payloads: dict[str, list[Any]]) -> None:
    model: FoundationModel = request.getfixturevalue(kind)
    before = model.embed("image", payloads["image"])
    adapted: Any = model.adapted(LoraConfig(towers="both", dropout=0.0))
    step(adapted, payloads)
    merged = adapted.merged()
    assert isinstance(merged, open_clip.CLIP)
    pixels = adapted._network.towers._pictures.normalised(adapted.prepare("image", payloads["image"])["pixels"])
    with torch.inference_mode():
        assert (merged.encode_image(pixels, normalize=True) - adapted.embed("image", payloads["image"])).abs().max() < 1e-5
        tokens = adapted.prepare("text", payloads["text"])["tokens"]
        assert (merged.encode_text(tokens, normalize=True) - adapted.embed("text", payloads["text"])).abs().max() < 1e-5
    assert torch.equal(before, model.embed("image", payloads["image"]))
    assert not any("lora" in name for name in merged.state_dict())


@pytest.fixture
def payloads(pictures: list[Any], texts: list[str]) -> dict[str, list[Any]]:
    return {"image": pictures, "text": texts}


def test_nothing_to_adapt_is_an_error() -> None:
    network = nn.Sequential(nn.ReLU())
    assert targets(network, ("",), "all") == () and not is_convolutional(network, ("",))
    with pytest.raises(ModelError, match="No layer"):
        attach(network, (), LoraConfig())


def test_a_step_that_moves_nothing_is_an_error(vit: FoundationModel) -> None:
    adapted = vit.adapted(LoraConfig())
    before = snapshot(adapted.module)
    with pytest.raises(ModelError, match="changed nothing in"):
        check_moved(before, adapted.module)
    lazy = torch.optim.AdamW([p for p in adapted.module.parameters() if p.requires_grad], weight_decay=0.1)
    for group in lazy.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    lazy.step()  # weight decay moves A without any gradient
    with pytest.raises(ModelError, match="changed nothing in"):
        check_moved(before, adapted.module)
    with pytest.raises(ModelError, match="no trainable"):
        check_moved({}, nn.Linear(1, 1).requires_grad_(False))


def test_adapter_of_an_adapter_is_refused(vit: FoundationModel) -> None:
    with pytest.raises(ModelError, match="already"):
        vit.adapted(LoraConfig()).adapted(LoraConfig())


def test_a_damaged_adapter_changes_nothing(vit: FoundationModel, tmp_path: Path) -> None:
    lora = LoraConfig(rank=2)
    vit.adapted(lora).save(tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    from safetensors.torch import load_file

    tensors = load_file(path)
    tensors[next(iter(tensors))][0] = float("nan")
    save_file(tensors, path)
    adapted: Any = vit.adapted(lora)
    before = adapted.info.weights_hash
    with pytest.raises(ModelError, match="not numbers"):
        adapted.load(tmp_path)
    assert adapted.info.weights_hash == before
