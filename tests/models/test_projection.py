"""The last projection of a tower: apart from it, and with another in its place. Over every tiny model that has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize

from studio.core.errors import ModelError
from studio.models import load_model
from studio.models.projection import projection, replace_projection

WITH = ("open_clip-vit", "open_clip-conv", "hf-clip")
WITHOUT = ("siglip", "bert")


@pytest.mark.parametrize("kind", WITH)
def test_features_before_the_projection_give_the_model_s_own(
    kind: str, tiny_ids: dict[str, str], pictures: list[Image.Image]
) -> None:
    model = load_model(tiny_ids[kind], "cpu", True)
    matrix = model.projection("image")
    assert matrix is not None
    derived = normalize(model.embed_before("image", pictures) @ matrix, dim=-1)
    assert (derived - model.embed("image", pictures)).abs().max() < 1e-5


def test_real_features_before_the_projection_give_the_model_s_own(
    shared_models: Callable[[str], Path], pictures: list[Image.Image]
) -> None:
    model = load_model(f"open_clip:local-dir:{shared_models('miniclip')}", "cpu", True)
    matrix = model.projection("image")
    assert matrix is not None
    before = model.embed_before("image", pictures)
    assert matrix.shape == (1281, 256), "1,280 features and a constant for the bias"
    assert (normalize(before @ matrix, dim=-1) - model.embed("image", pictures)).abs().max() < 1e-5


@pytest.mark.parametrize("kind", WITH)
def test_a_model_with_another_projection_gives_what_it_was_fitted_to_give(
    kind: str, tiny_ids: dict[str, str], pictures: list[Image.Image]
) -> None:
    model: Any = load_model(tiny_ids[kind], "cpu", True)
    before = model.embed_before("image", pictures)
    other = torch.randn(before.shape[1], model.info.dim, generator=torch.Generator().manual_seed(1))
    network = model._network
    replace_projection(network.network, network.towers, "image", other)
    assert (model.embed("image", pictures) - normalize(before @ other, dim=-1)).abs().max() < 1e-5
    again = projection(network.network, network.towers, "image")
    assert again is not None and torch.equal(again, other)


@pytest.mark.parametrize("kind", WITHOUT)
def test_a_model_without_a_projection_says_so(kind: str, tiny_ids: dict[str, str]) -> None:
    model = load_model(tiny_ids[kind], "cpu", True)
    modality = model.info.modalities[0]
    assert model.projection(modality) is None
    with pytest.raises(ModelError):
        model.embed_before(modality, ["a cat"])


def test_texts_keep_their_tower_as_it_is(tiny_ids: dict[str, str]) -> None:
    assert load_model(tiny_ids["open_clip-vit"], "cpu", True).projection("text") is None


def test_a_closed_model_gives_no_features_before_the_projection(tiny_ids: dict[str, str], pictures: list[Image.Image]) -> None:
    model = load_model(tiny_ids["hf-clip"], "cpu", True)
    model.embed_before("image", pictures)
    model.close()
    with pytest.raises(ModelError):
        model.embed_before("image", pictures)
