"""What every registered family promises, over tiny models of each. A new family adds its tiny model to conftest.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.core.config import LoraConfig
from studio.core.errors import BadInput, ModelError
from studio.core.interfaces import AdaptedModel, FoundationModel
from studio.models import all_families, family_for, load_model
from studio.models.lora import check_moved, snapshot, trainable

KINDS = ("open_clip-vit", "open_clip-conv", "hf-clip", "siglip", "bert", "distilbert", "mpnet", "modernbert")
LORA = LoraConfig(rank=4, alpha=8, dropout=0.0, towers="both")


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tiny_ids: dict[str, str]) -> Iterator[FoundationModel]:
    loaded = load_model(tiny_ids[request.param])
    yield loaded
    loaded.close()


@pytest.fixture
def payloads(pictures: list[Any], texts: list[str]) -> dict[str, list[Any]]:
    return {"image": pictures[:4], "text": texts}


def step(model: AdaptedModel, payloads: dict[str, list[Any]], rate: float = 0.1) -> float:
    """One optimiser step that pulls the features of every modality towards a fixed direction."""
    model.module.train()
    parameters = list(trainable(model.module).values())
    optimiser = torch.optim.SGD(parameters, lr=rate)
    # not all ones: after a layer norm, features have no component along them
    goal = torch.nn.functional.normalize(torch.linspace(-1, 2, model.info.dim), dim=0)
    features = [model.encode(m, model.prepare(m, payloads[m])) for m in model.info.modalities]
    loss = torch.stack([(1 - f @ goal).mean() for f in features]).sum()
    loss.backward()
    optimiser.step()
    model.module.eval()
    return float(loss.detach())


def test_every_family_has_a_tiny_model(tiny_ids: dict[str, str]) -> None:
    assert {family_for(i).name for i in tiny_ids.values()} == set(all_families().names())


def test_features_are_unit_float32_rows_in_the_payloads_order(model: FoundationModel, payloads: dict[str, list[Any]]) -> None:
    for modality in model.info.modalities:
        given = payloads[modality] * 12  # several batches
        features = model.embed(modality, given)
        assert features.shape == (len(given), model.info.dim)
        assert features.dtype == torch.float32 and features.device.type == "cpu"
        assert torch.allclose(features.norm(dim=1), torch.ones(len(given)), atol=1e-5)
        alone = torch.cat([model.embed(modality, [payload]) for payload in payloads[modality]])
        assert torch.allclose(features[: len(alone)], alone, atol=1e-5)


def test_features_can_be_trained_on(model: FoundationModel, texts: list[str]) -> None:
    weight = torch.zeros(model.info.dim, requires_grad=True)
    (model.embed("text", texts) @ weight).sum().backward()
    assert weight.grad is not None


def test_nothing_to_embed_gives_no_rows(model: FoundationModel) -> None:
    assert model.embed("text", []).shape == (0, model.info.dim)


def test_another_modality_is_refused(model: FoundationModel) -> None:
    with pytest.raises(BadInput, match="not audio"):
        model.embed("audio", [b""])


def test_fresh_adapter_changes_no_feature(model: FoundationModel, payloads: dict[str, list[Any]]) -> None:
    adapted = model.adapted(LORA)
    for modality in model.info.modalities:
        before, after = model.embed(modality, payloads[modality]), adapted.embed(modality, payloads[modality])
        assert (before - after).abs().max() < 1e-5


def test_a_step_moves_the_adapter_and_leaves_the_base_as_it_was(model: FoundationModel, payloads: dict[str, list[Any]]) -> None:
    before = {m: model.embed(m, payloads[m]) for m in model.info.modalities}
    adapted = model.adapted(LORA)
    weights, known = snapshot(adapted.module), adapted.info.weights_hash
    first = step(adapted, payloads)
    check_moved(weights, adapted.module)
    assert step(adapted, payloads) < first
    assert adapted.info.weights_hash not in (known, model.info.weights_hash)
    for modality, features in before.items():
        assert torch.equal(features, model.embed(modality, payloads[modality]))
        assert not torch.allclose(features, adapted.embed(modality, payloads[modality]), atol=1e-4)


def test_every_adapter_gets_a_gradient(model: FoundationModel, payloads: dict[str, list[Any]]) -> None:
    adapted = model.adapted(LORA)
    step(adapted, payloads, rate=0.0)
    idle = [n for n, p in trainable(adapted.module).items() if "lora_B" in n and (p.grad is None or not p.grad.any())]
    assert not idle
    assert len(adapted.adapted_modules) * 2 == len(trainable(adapted.module))
    assert all(p.dtype == torch.float32 for p in trainable(adapted.module).values())


def test_frozen_weights_are_shared_with_the_base(model: FoundationModel) -> None:
    one, two = model.adapted(LORA), model.adapted(LORA)
    storages = [{p.untyped_storage().data_ptr() for p in m.module.parameters() if not p.requires_grad} for m in (one, two)]
    assert storages[0] == storages[1]
    mine = {id(p) for p in one.module.parameters()}
    assert not mine & {id(p) for p in two.module.parameters()}


def test_saved_adapter_gives_the_same_features(model: FoundationModel, payloads: dict[str, list[Any]], tmp_path: Path) -> None:
    adapted = model.adapted(LORA, seed=3)
    step(adapted, payloads)
    adapted.save(tmp_path / "adapter")
    again = model.adapted(LORA, tmp_path / "adapter")
    assert again.info.weights_hash == adapted.info.weights_hash
    for modality in model.info.modalities:
        assert torch.equal(adapted.embed(modality, payloads[modality]), again.embed(modality, payloads[modality]))


def test_strength_leads_from_the_base_to_the_tuned_model(model: FoundationModel, payloads: dict[str, list[Any]]) -> None:
    tuned = model.adapted(LORA, seed=1)
    step(tuned, payloads)
    modality = model.info.modalities[0]
    base, full, hashes = model.embed(modality, payloads[modality]), tuned.embed(modality, payloads[modality]), [tuned.info]
    tuned.set_strength(0.5)
    half = tuned.embed(modality, payloads[modality])
    hashes.append(tuned.info)
    assert not torch.allclose(half, base, atol=1e-5) and not torch.allclose(half, full, atol=1e-5)
    tuned.set_strength(0.0)
    assert torch.allclose(tuned.embed(modality, payloads[modality]), base, atol=1e-5)
    tuned.set_strength(1.0)
    assert torch.equal(tuned.embed(modality, payloads[modality]), full)
    assert hashes[0].weights_hash != hashes[1].weights_hash and tuned.info == hashes[0]
    with pytest.raises(BadInput, match="outside"):
        tuned.set_strength(1.5)


def test_one_seed_gives_one_start(model: FoundationModel) -> None:
    state = torch.get_rng_state()
    hashes = [model.adapted(LORA, seed=seed).info.weights_hash for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert torch.equal(state, torch.get_rng_state())


def test_top_layers_are_a_part_of_all_layers(model: FoundationModel) -> None:
    names: Sequence[set[str]] = [
        set(model.adapted(LoraConfig(rank=2, layers=layers, towers="both")).adapted_modules)
        for layers in ("top-1", "top-2", "half", "all")
    ]
    assert names[0] < names[1] <= names[3] and names[0] <= names[2] <= names[3]


def test_logit_scale_is_the_one_that_info_says(model: FoundationModel) -> None:
    scale = model.adapted(LORA).logit_scale()
    assert scale.shape == () and float(scale) == pytest.approx(model.info.logit_scale, rel=1e-5)


def test_presets_are_ready_to_use(model: FoundationModel) -> None:
    family = family_for(model.info.id)
    assert set(family.modalities(model.info.id)) == set(model.info.modalities)
    for task in ("image-classification", "text-classification", "image-text"):
        assert family.preset(task, model.info.id).steps > 0


def test_closed_model_says_so(tiny_ids: dict[str, str]) -> None:
    loaded = load_model(tiny_ids["bert"])
    loaded.close()
    with pytest.raises(ModelError, match="unloaded"):
        loaded.embed("text", ["a"])
    with pytest.raises(ModelError, match="unloaded"):
        loaded.adapted(LORA)
