"""A modality is one file: one that no other part has heard of goes from folder and table to a prediction, by commands alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from studio.cli import main
from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import UnreadableItem
from studio.core.interfaces import FoundationModel, Progress
from studio.core.types import ModelInfo
from studio.modalities import MODALITIES, discover_modalities
from studio.models import FAMILIES, all_families
from studio.tasks import TASKS, all_tasks
from studio.tasks.classification import Classification

NAME = "melody"
PITCHES = {"low": 20, "high": 90}


@dataclass(frozen=True)
class Melody:
    """Numbers with spaces between, from 0 to 127: a file with the suffix `.notes`, or the cell itself."""

    inline: bool
    name: str = NAME
    suffixes: frozenset[str] = frozenset({".notes"})
    column_names: tuple[str, ...] = ("melody", "notes")
    same_from: float = 2.0

    def read(self, source: bytes | str, name: str = "") -> tuple[int, ...]:
        said = source if isinstance(source, str) else source.decode("ascii", "replace")
        notes = tuple(int(word) for word in said.split() if word.isdecimal() and int(word) < 128)
        if not notes or len(notes) != len(said.split()):
            raise UnreadableItem(name, "is no melody")
        return notes

    def thumbnail(self, source: bytes | str, size: int) -> bytes:
        raise UnreadableItem("melody", "cannot be seen")

    def fingerprint(self, payload: Any) -> Any:
        raise NotImplementedError


class PitchModel:
    """Two dimensions, low and high; words stand where what they mean stands."""

    device = "cpu"
    info = ModelInfo("ear:one", "ear", (NAME, "text"), 2, "ear", "none", 0, 20.0)

    def embed(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        heights = [sum(p) / len(p) if modality == NAME else 127.0 * ("high" in p) for p in payloads]
        return normalize(torch.tensor([[128 - height, 1 + height] for height in heights]), dim=-1)

    def projection(self, modality: str) -> Tensor | None:
        return None

    def embed_before(self, modality: str, payloads: Sequence[Any]) -> Tensor:
        raise NotImplementedError

    def adapted(self, lora: LoraConfig, weights: Path | None = None, seed: int = 0) -> Any:
        raise NotImplementedError

    def close(self) -> None: ...


class Ear:
    """The family of that one model."""

    name, forms = "ear", ("ear:NAME",)

    def accepts(self, model_id: str) -> bool:
        return model_id == PitchModel.info.id

    def modalities(self, model_id: str) -> tuple[str, ...]:
        return PitchModel.info.modalities

    def load(self, model_id: str, device: str, offline: bool, progress: Progress | None = None) -> FoundationModel:
        return PitchModel()

    def preset(self, task: str, model_id: str) -> TrainConfig:
        return TrainConfig(LoraConfig())


@pytest.fixture(params=[False, True], ids=["files", "cells"])
def inline(request: pytest.FixtureRequest) -> Iterator[bool]:
    """The registries hold the modality, a task of it and a model that reads it; as files, or as what stands in cells."""
    for find in (discover_modalities, all_tasks, all_families):
        find()  # so that the new ones come last
    MODALITIES.register(NAME, Melody(request.param))
    TASKS.register("melodies", Classification("melodies", "Melodies", NAME, (NAME, "text"), ("a {} melody",), True))
    FAMILIES.register("ear", Ear())
    yield request.param
    del MODALITIES._entries[NAME], TASKS._entries["melodies"], FAMILIES._entries["ear"]


@pytest.fixture
def said(inline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command on the project; its JSON."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STUDIO_OFFLINE", "1")

    def run(command: str, *arguments: str) -> Any:
        capsys.readouterr()
        code = main([command, "--json", str(tmp_path / "project"), *arguments])
        answer = json.loads(capsys.readouterr().out)
        assert code == ("error" in answer) * 2
        return answer

    run("new", "--task", "melodies")
    return run


def folder(root: Path) -> Path:
    """Class sub-folders of eight files each."""
    for name, pitch in PITCHES.items():
        (root / name).mkdir(parents=True)
        for n in range(8):
            (root / name / f"{n}.notes").write_text(f"{pitch + n} {pitch + 2 * n}")
    return root


def table(root: Path, column: str, inline: bool) -> Path:
    """The same sixteen as a table: paths beside it, or the notes themselves."""
    files = sorted(folder(root).glob("*/*.notes"))
    cells = [f.read_text() if inline else f.relative_to(root).as_posix() for f in files]
    rows = [f"{cell},{f.parent.name}" for cell, f in zip(cells, files, strict=True)]
    (root / "table.csv").write_text("\n".join([f"{column},label", *rows, "not at all,low" if inline else "gone.notes,low"]))
    return root / "table.csv"


def test_it_is_imported_labelled_and_predicted(said: Any, inline: bool, tmp_path: Path) -> None:
    report = said("import", str(folder(tmp_path / "folder")))
    assert (report["added"], report["by_label"]) == (16, {"high": 8, "low": 8})
    again = said("import", str(table(tmp_path / "table", "notes", inline)))
    assert (again["added"], again["duplicates"], again["rejected"]) == (0, 16, 1)
    (tmp_path / "new.notes").write_text("100 110")
    given = "100 110" if inline else "new.notes"
    (tmp_path / "new.csv").write_text(f"notes\n{given}")
    assert said("import", str(tmp_path / "new.csv"), "--split", "train")["by_split"] == {"train": 1}
    event = said("label", "17", "high")
    assert (event["before"], event["label"]) == (None, "high")
    (answer,) = said("predict", "--model", "ear:one", given if inline else str(tmp_path / given))["predictions"]
    zero_shot, few_shot, tuned = (dict(zip(answer["classes"], a["probabilities"] or (), strict=False)) for a in answer["answers"])
    assert zero_shot["high"] > 0.5 and few_shot["high"] > 0.5 and not tuned


@pytest.mark.parametrize("format", ["csv", "jsonl", "datasets", "folder"])
def test_it_is_exported_and_comes_in_again(said: Any, inline: bool, tmp_path: Path, format: str) -> None:
    said("import", str(folder(tmp_path / "folder")))
    made = said("export", "labels", "--format", format, "--to", str(tmp_path))
    if format == "folder" and inline:
        assert "a melody in itself" in made["error"]
        return
    again = said("import", made["file"])
    assert (again["added"], again["duplicates"], again["rejected"]) == (0, 16, 0)


def test_its_column_can_be_named(said: Any, inline: bool, tmp_path: Path) -> None:
    source = str(table(tmp_path / "table", "tune", inline))
    assert "hold the melody" in said("import", source)["error"]
    assert said("import", source, "--melody", "tune")["added"] == 16


def test_what_cannot_be_read_is_said(said: Any, inline: bool, tmp_path: Path) -> None:
    said("import", str(folder(tmp_path / "folder")))
    error = said("predict", "--model", "ear:one", "nothing.notes")
    assert "is no melody" in error["error"] if inline else "with the melody" in error["hint"]
