"""Opening a model, an adapter or a shared model runs nothing of it: each bad one is refused with its reason, without a trace."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from studio.core.config import LoraConfig
from studio.core.errors import StudioError
from studio.core.interfaces import FoundationModel
from studio.core.types import ImportOptions
from studio.models import load_model
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.shared_model import SharedModel
from tests.inputs.models import ADAPTERS, FOLDERS, HARMLESS, HF, OPEN_CLIP, SHARED, Plant, Spoilt

LORA = LoraConfig(rank=2, alpha=4, dropout=0.0)
LONGEST_S = 2.0


@pytest.fixture(scope="module")
def base(tiny_ids: dict[str, str]) -> Iterator[FoundationModel]:
    loaded = load_model(tiny_ids["bert"])
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def good_adapter(base: FoundationModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    base.adapted(LORA).save(folder)
    return folder


@pytest.fixture(scope="module")
def good_shared(tiny_ids: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared model, unpacked."""
    root = tmp_path_factory.mktemp("shared")
    workspace = Workspace(Settings(home=root / "home", device="cpu", offline=True))
    project = workspace.create_project("Pets", "text-classification")
    rows = [{"text": f"{n} {noun}", "label": noun, "split": "train"} for n in ("one", "two", "red") for noun in ("cat", "dog")]
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    project.labelling.import_data(str(root / "rows.jsonl"), ImportOptions())
    run = project.training.start(tiny_ids["bert"], settings={"steps": 2, "rank": 2})
    while not project.training.wait(run):
        pass
    with ZipFile(project.sharing.model(root)) as packed:
        packed.extractall(root / "out")
    workspace.close()
    (folder,) = (root / "out").iterdir()
    return folder


def refused(entry: Spoilt, good: Path, room: Path, load: object) -> None:
    """A copy of `good`, spoilt, is refused by `load(folder)` with what the entry says; nothing of it ran."""
    folder, trace = room / "spoilt", room / "trace"
    shutil.copytree(good, folder)
    entry.spoil(folder, trace)
    begun = time.monotonic()
    with pytest.raises(StudioError) as caught:
        load(folder)  # type: ignore[operator]
    assert time.monotonic() - begun < LONGEST_S
    assert re.search(entry.said, str(caught.value)) and caught.value.hint, str(caught.value)
    assert not trace.exists(), "it ran what it was to load"


def named(entry: Spoilt) -> str:
    return entry.name


def test_a_planted_payload_leaves_a_trace_where_it_is_run(tmp_path: Path) -> None:
    function, arguments = Plant(tmp_path / "trace").__reduce__()
    function(*arguments)
    assert (tmp_path / "trace").exists()


@pytest.mark.parametrize("entry", [*FOLDERS, *OPEN_CLIP], ids=named)
def test_open_clip_folders(entry: Spoilt, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    good = Path(tiny_ids["open_clip-vit"].removeprefix("open_clip:local-dir:"))
    refused(entry, good, tmp_path, lambda folder: load_model(f"open_clip:local-dir:{folder}", offline=True))


@pytest.mark.parametrize("kind", ["bert", pytest.param("hf-clip", marks=pytest.mark.slow)])
@pytest.mark.parametrize("entry", [*FOLDERS, *HF], ids=named)
def test_hugging_face_folders(entry: Spoilt, kind: str, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    good = Path(tiny_ids[kind].removeprefix("hf:"))
    refused(entry, good, tmp_path, lambda folder: load_model(f"hf:{folder}", offline=True))


@pytest.mark.parametrize("entry", ADAPTERS, ids=named)
def test_adapters(entry: Spoilt, good_adapter: Path, base: FoundationModel, tmp_path: Path) -> None:
    refused(entry, good_adapter, tmp_path, lambda folder: base.adapted(LORA, folder))


@pytest.mark.slow
@pytest.mark.parametrize("entry", SHARED, ids=named)
def test_shared_models(entry: Spoilt, good_shared: Path, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    refused(entry, good_shared, tmp_path, lambda folder: SharedModel.load(folder, tiny_ids["bert"], "cpu", offline=True))


@pytest.mark.parametrize("entry", HARMLESS, ids=named)
def test_what_is_not_looked_at_does_not_run(entry: Spoilt, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_ids["bert"].removeprefix("hf:"), tmp_path / "model")
    entry.spoil(folder, tmp_path / "trace")
    load_model(f"hf:{folder}", offline=True).close()
    assert not (tmp_path / "trace").exists()


def test_the_good_ones_load(good_adapter: Path, base: FoundationModel, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    """So that what is refused is refused for what was spoilt."""
    for number, name in enumerate(("open_clip-vit", "bert", "hf-clip")):
        head, _, folder = tiny_ids[name].rpartition(":")
        load_model(f"{head}:{shutil.copytree(folder, tmp_path / str(number))}", offline=True).close()
    base.adapted(LORA, shutil.copytree(good_adapter, tmp_path / "adapter"))


@pytest.mark.slow
def test_the_good_shared_model_answers(good_shared: Path, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    shared = SharedModel.load(shutil.copytree(good_shared, tmp_path / "shared"), tiny_ids["bert"], "cpu", offline=True)
    assert shared.predict(["one cat"])[0].label in {"cat", "dog"}
