"""What a run forgets is measured on a sample that has nothing to do with the project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.tasks import task
from studio.workspace import Workspace
from studio.workspace.general import MOST, general_set
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


@pytest.mark.parametrize("kind", ["bert", "open_clip-vit"])
def test_every_strength_of_a_run_says_what_it_still_knows(tmp_path: Path, tiny_ids: dict[str, str], kind: str) -> None:
    rows = [f"the {noun} {n},{noun},train" for noun in ("cat", "dog") for n in range(8)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    workspace = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    project = workspace.create_project("Messages", "text-classification")
    project.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    model = tiny_ids[kind]
    run = project.training.start(model, settings={"steps": 4, "lr": 0.01})
    while not project.training.wait(run):
        pass
    found = project.testing.strengths(model)
    assert found is not None and found.general == "the sample Support messages, 8 answers"
    assert all(row.general is not None and 0 <= row.general <= 1 for row in found.rows)
    workspace.close()
