"""CONTRIBUTING.md opens with a whole model family: written to disk, found, loaded, held to every family's promises."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import BadInput, Offline, Untrusted
from studio.core.interfaces import FoundationModel
from studio.models import FAMILIES, all_families, families, load_model
from studio.settings import Settings
from studio.workspace.shelf import ModelShelf
from tests.models import test_conformance
from tests.tiny_models import write_tokenizer

ROOT = Path(__file__).resolve().parents[1]
GIVEN = {"model", "payloads", "texts", "tmp_path"}
CHECKS = [
    check
    for name, check in vars(test_conformance).items()
    if name.startswith("test_") and set(inspect.signature(check).parameters) <= GIVEN
]


def code() -> str:
    """The first fenced block."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    found = re.search(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, "CONTRIBUTING.md has no block of Python"
    return found.group(1)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The family's name, while its file lies in a folder that the families' package looks into."""
    folder = tmp_path_factory.mktemp("families")
    known = set(FAMILIES.names()) | set(all_families().names())
    (folder / "t5.py").write_text(code(), "utf-8")
    families.__path__.append(str(folder))
    (name,) = set(all_families().names()) - known
    yield name
    # other tests count the families
    families.__path__.remove(str(folder))
    del FAMILIES._entries[name], sys.modules[f"{families.__name__}.t5"]


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Id of a tiny random T5 in Hugging Face's form."""
    import torch
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("t5")
    size = write_tokenizer(folder, "<s>", "</s>", 24)
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 3, "num_heads": 2, "dropout_rate": 0.0}
    T5EncoderModel(T5Config(vocab_size=size, **sizes)).save_pretrained(folder)
    return f"t5:{folder}"


@pytest.fixture(scope="module")
def model(family: str, tiny_t5: str) -> Iterator[FoundationModel]:
    loaded = load_model(tiny_t5)
    yield loaded
    loaded.close()


def test_a_model_takes_at_most_40_lines() -> None:
    assert len(code().splitlines()) <= 40


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("test_"))
def test_the_family_keeps_every_promise(
    check: Callable[..., None], model: FoundationModel, texts: list[str], tmp_path: Path
) -> None:
    given: dict[str, Any] = {"model": model, "payloads": {"text": texts}, "texts": texts, "tmp_path": tmp_path}
    check(**{name: given[name] for name in inspect.signature(check).parameters})


def test_the_workspace_knows_the_new_ids(family: str, tiny_t5: str, tmp_path: Path) -> None:
    shelf = ModelShelf(Settings(home=tmp_path, device="cpu", offline=True))
    info = shelf.load(tiny_t5)
    assert (info.family, info.modalities, info.dim) == (family, ("text",), 32)
    assert shelf.get(info.id).embed("text", ["a cat", "a dog"]).shape == (2, 32)
    shelf.unload(info.id)


def test_a_folder_of_it_is_one_model_from_everywhere(
    family: str, tiny_t5: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, folder = ModelShelf(Settings(home=tmp_path, device="cpu", offline=True)), Path(tiny_t5.removeprefix("t5:"))
    monkeypatch.chdir(folder.parent)
    assert shelf.check(f"t5:./{folder.name}") == shelf.check(f"t5:{folder.name}") == tiny_t5
    assert shelf.missing(tiny_t5) is None
    assert "org/name is not on this machine" in str(shelf.missing("t5:org/name"))
    assert all("no model folder" in str(shelf.missing(f"t5:{folder}")) for folder in ("/nope", "./nope"))


def test_a_folder_of_it_is_offered(family: str, tiny_t5: str, tmp_path: Path) -> None:
    folder = Path(tiny_t5.removeprefix("t5:"))
    settings = Settings(home=tmp_path, device="cpu", offline=True, extra_model_folders=(folder,))
    found = {entry.id: entry for entry in ModelShelf(settings).catalog("text-classification")}
    assert (found[tiny_t5].modalities, found[tiny_t5].local) == (("text",), True)
    assert "t5:" not in {entry.id[:3] for entry in found.values() if entry.id != tiny_t5}


def test_hints_say_how_its_ids_are_written(family: str, tmp_path: Path) -> None:
    shelf = ModelShelf(Settings(home=tmp_path, device="cpu", offline=True))
    for nothing in ("", "resnet"):
        with pytest.raises(BadInput) as caught:
            shelf.check(nothing)
        assert "t5:ORG/NAME" in caught.value.hint and "t5:PATH" in caught.value.hint
    with pytest.raises(Offline, match="t5:PATH"):
        shelf.load("t5:org/name")


def test_another_type_of_model_is_refused(family: str, tmp_path: Path) -> None:
    write_tokenizer(tmp_path, "<s>", "</s>", 24)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    with pytest.raises(Untrusted, match="bert"):
        load_model(f"t5:{tmp_path}")
