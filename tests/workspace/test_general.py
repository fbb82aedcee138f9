"""What a run forgets is measured on a sample that has nothing to do with the project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from studio.core.types import ImportOptions
from studio.runs.general import General
from studio.settings import Settings
from studio.tasks import task
from studio.workspace import Workspace
from studio.workspace.general import MOST, general_set
from studio.workspace.open_project import OpenProject
from studio.workspace.samples import Samples

SAMPLES = Settings(home=Path()).samples


def test_pictures_are_held_against_captions_and_texts_against_intents() -> None:
    pictures = general_set(Samples(SAMPLES), task("image-classification"), ())
    assert pictures is not None and len(pictures.payloads) == len(pictures.prompts) == MOST
    texts = general_set(Samples(SAMPLES), task("text-classification"), ())
    assert texts is not None and len(texts.payloads) == MOST and len(texts.prompts) == len(set(texts.labels)) == 8


def test_a_project_that_learns_from_a_sample_is_not_judged_by_it() -> None:
    texts = general_set(Samples(SAMPLES), task("text-classification"), ())
    assert texts is not None
    assert general_set(Samples(SAMPLES), task("text-classification"), {texts.payloads[3]}) is None


def test_without_samples_or_with_damaged_ones_there_is_none(tmp_path: Path) -> None:
    assert general_set(Samples(tmp_path / "none"), task("text-classification"), ()) is None
    shutil.copytree(SAMPLES / "messages", tmp_path / "messages")
    (tmp_path / "messages" / "items.csv").write_bytes(b"")
    assert general_set(Samples(tmp_path), task("text-classification"), ()) is None


def test_a_picture_chooses_among_the_captions_of_its_block() -> None:
    similarity = torch.tensor([[0.1, 0.9, 1.0, 1.0], [0.2, 0.8, 1.0, 1.0], [1.0, 1.0, 0.3, 0.2], [1.0, 1.0, 0.3, 0.2]])
    payloads, prompts = ("p",) * 4, (("c",),) * 4
    assert General("g", payloads, (0, 1, 2, 3), prompts, among=2).accuracy(similarity) == 0.5
    assert General("g", payloads, (0, 1, 2, 3), prompts).accuracy(similarity) == 0.0


def test_a_model_that_knows_hardly_more_than_chance_has_nothing_to_forget() -> None:
    found = General("g", ("p",) * 100, tuple(range(100)), (("c",),) * 100, among=10)
    assert found.answers == 10
    assert not found.tells(0.15) and found.tells(0.17)


def test_a_run_with_a_model_of_nothing_says_how_far_it_moved_instead(tmp_path: Path, tiny_ids: dict[str, str]) -> None:
    project = trained(tmp_path, tiny_ids["bert"])
    found = project.testing.strengths(tiny_ids["bert"])
    assert found is not None and found.general == "" and {row.general for row in found.rows} == {None}


@pytest.mark.parametrize("kind", ["bert", "open_clip-vit"])
def test_every_strength_of_a_run_says_what_it_still_knows(
    tmp_path: Path, tiny_ids: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(General, "tells", lambda *_: True)  # these models know nothing
    project = trained(tmp_path, tiny_ids[kind])
    found = project.testing.strengths(tiny_ids[kind])
    assert found is not None and found.general == "the sample Support messages, 8 answers"
    assert all(row.general is not None and 0 <= row.general <= 1 for row in found.rows)


def trained(tmp_path: Path, model: str) -> OpenProject:
    """A project of sixteen texts with one short run."""
    rows = [f"the {noun} {n},{noun},train" for noun in ("cat", "dog") for n in range(8)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    workspace = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    project = workspace.create_project("Messages", "text-classification")
    project.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    run = project.training.start(model, settings={"steps": 4, "lr": 0.01})
    while not project.training.wait(run):
        pass
    workspace.close()
    return workspace.open_project(str(project.path))
