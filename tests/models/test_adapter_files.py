from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core.config import LoraConfig
from studio.core.errors import ModelError, Untrusted
from studio.core.interfaces import FoundationModel
from studio.models import load_model
from studio.models.attention import unfuse

LORA = LoraConfig(rank=2, alpha=4, dropout=0.0)
WEIGHTS, CONFIG, MANIFEST = "adapter_model.safetensors", "adapter_config.json", "manifest.json"


@pytest.fixture(scope="module")
def model(tiny_ids: dict[str, str]) -> Iterator[FoundationModel]:
    loaded = load_model(tiny_ids["open_clip-vit"])
    yield loaded
    loaded.close()


@pytest.fixture
def saved(model: FoundationModel, tmp_path: Path) -> Path:
    model.adapted(LORA).save(tmp_path / "adapter")
    return tmp_path / "adapter"


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def edit_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def test_manifest_says_what_the_adapter_belongs_to(saved: Path, model: FoundationModel) -> None:
    manifest = json.loads((saved / MANIFEST).read_text())
    assert manifest["model"] == model.info.id and manifest["weights_hash"] == model.info.weights_hash
    assert manifest["adapted_modules"] and manifest["libraries"]["peft"] == peft.__version__
    assert manifest["logit_scale"] == model.info.logit_scale and manifest["preprocessing"] == model.info.preprocessing


def test_peft_itself_loads_the_files(saved: Path, model: FoundationModel) -> None:
    network: Any = model._network.sharing_copy().network  # type: ignore[attr-defined]
    unfuse(network.visual)
    loaded = peft.PeftModel.from_pretrained(network, saved)
    mine = load_file(saved / WEIGHTS)
    theirs = peft.get_peft_model_state_dict(loaded)
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


def test_adapter_of_other_weights_is_refused(saved: Path, tiny_ids: dict[str, str]) -> None:
    other = load_model(tiny_ids["open_clip-conv"])
    with pytest.raises(ModelError, match="other weights"):
        other.adapted(LORA, saved)
    other.close()


@pytest.mark.parametrize(
    "lora", [LoraConfig(rank=4, alpha=4), LoraConfig(rank=2, alpha=8), LoraConfig(rank=2, alpha=4, rslora=True)]
)
def test_adapter_of_other_settings_is_refused(saved: Path, model: FoundationModel, lora: LoraConfig) -> None:
    with pytest.raises(ModelError, match="trained with another"):
        model.adapted(lora, saved)


def test_configuration_with_an_unknown_key_is_refused(saved: Path, model: FoundationModel) -> None:
    edit(saved / CONFIG, lambda config: config.update(auto_mapping={"parent_library": "os"}))
    with pytest.raises(Untrusted, match="auto_mapping"):
        model.adapted(LORA, saved)


def test_huge_rank_is_refused_before_anything_is_built(saved: Path, model: FoundationModel) -> None:
    edit(saved / CONFIG, lambda config: config.update(r=10**6))
    with pytest.raises(ModelError, match="r=1000000"):
        model.adapted(LORA, saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop(next(iter(t))), "differ in"),
        (lambda t: t.update(more=torch.zeros(1)), "differ in"),
        (lambda t: t.update({next(iter(t)): torch.zeros(3, 3)}), "not F32"),
        (lambda t: t.update({k: v.half() for k, v in t.items()}), "not F32"),
        (lambda t: t.update({k: v + float("inf") for k, v in t.items()}), "not numbers"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(saved: Path, model: FoundationModel, change: Any, said: str) -> None:
    edit_tensors(saved, change)
    with pytest.raises(ModelError, match=said):
        model.adapted(LORA, saved)


def test_missing_files_are_named(saved: Path, model: FoundationModel, tmp_path: Path) -> None:
    for name in (WEIGHTS, CONFIG, MANIFEST):
        folder = tmp_path / f"without-{name}"
        shutil.copytree(saved, folder)
        (folder / name).unlink()
        with pytest.raises(ModelError, match=name):
            model.adapted(LORA, folder)


def test_pickle_in_the_place_of_the_weights_is_refused(saved: Path, model: FoundationModel) -> None:
    (saved / WEIGHTS).write_bytes(b"\x80\x04\x95" + b"\x00" * 100)
    with pytest.raises(Untrusted, match="no safetensors"):
        model.adapted(LORA, saved)
