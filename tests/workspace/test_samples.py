"""Samples: opened as copies whose training labels are hidden, labelled on request, refused where they are damaged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import BadInput, CannotRun, ImportFailed, NotFound, StudioError
from studio.core.types import ItemFilter
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

SHADES = 5


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with one sample of small pictures: two classes, five training items and two test items each."""
    root = tmp_path / "samples" / "colours"
    (root / "pictures").mkdir(parents=True)
    rows = ["image,label,split"]
    for n in range(SHADES + 2):
        for label, colour in (("warm", (200, 20 * n, 0)), ("cold", (0, 20 * n, 200))):
            Image.new("RGB", (30, 20), colour).save(root / "pictures" / f"{label}{n}.png")
            rows.append(f"pictures/{label}{n}.png,{label},{'train' if n < SHADES else 'test'}")
    (root / "items.csv").write_text("\n".join(rows))
    write_card(root, title="Colours", templates=["a {} colour"])
    return root


def write_card(root: Path, **changes: object) -> None:
    card = {"title": "Colours", "task": "image-classification", "description": "Two kinds.", "cover": "pictures/warm0.png"}
    (root / "sample.json").write_text(json.dumps({**card, **changes}))


@pytest.fixture
def workspace(tmp_path: Path, shelf: Path) -> Iterator[Workspace]:
    made = Workspace(Settings(home=tmp_path / "home", offline=True, samples=shelf.parent))
    yield made
    made.close()


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with the samples of the repository."""
    made = Workspace(Settings(home=tmp_path / "shipped", offline=True))
    yield made
    made.close()


def unlabelled(project: OpenProject) -> int:
    return project.labelling.page(ItemFilter(labelled=False)).total


def test_samples_are_listed_with_what_a_person_chooses_by(workspace: Workspace) -> None:
    (sample,) = workspace.samples()
    assert (sample.name, sample.title, sample.task, sample.items) == ("colours", "Colours", "image-classification", 14)
    assert (sample.quotes, sample.problem) == ((), None)
    cover = workspace.sample_cover("colours")
    assert cover is not None and cover.startswith(b"\xff\xd8")


def test_a_copy_has_its_test_split_labelled_and_its_training_split_not(workspace: Workspace, shelf: Path) -> None:
    before = {path: path.read_bytes() for path in shelf.rglob("*") if path.is_file()}
    project = workspace.open_sample("colours")
    counts = project.labelling.counts()
    assert (project.name, counts.by_split["train"], counts.by_split["test"]) == ("Colours", 2 * SHADES, 4)
    assert (counts.labelled_by_split["train"], counts.labelled_by_split["test"]) == (0, 4)
    assert project.labelling.templates() == ("a {} colour",)
    assert Path(project.path).is_relative_to(workspace.settings.home)
    assert {path: path.read_bytes() for path in shelf.rglob("*") if path.is_file()} == before


def test_classes_that_only_the_hidden_labels_name_are_there(workspace: Workspace, shelf: Path) -> None:
    rows = (shelf / "items.csv").read_text().replace("cold,test", "warm,test")
    (shelf / "items.csv").write_text(rows)
    assert [c.name for c in workspace.open_sample("colours").labelling.classes()] == ["cold", "warm"]


def test_each_opening_is_a_project_of_its_own(workspace: Workspace) -> None:
    first, second = workspace.open_sample("colours"), workspace.open_sample("colours", "Mine")
    first.labelling.label_for_me(1)
    assert first.id != second.id and first.path != second.path
    assert (second.name, second.labelling.counts().labelled_by_split["train"]) == ("Mine", 0)
    assert workspace.project() is second


def test_a_second_copy_has_a_name_of_its_own(workspace: Workspace) -> None:
    assert [workspace.open_sample("colours").name for _ in range(3)] == ["Colours", "Colours 2", "Colours 3"]


def test_labels_for_me_are_true_labels_of_the_training_split(workspace: Workspace) -> None:
    project = workspace.open_sample("colours")
    given = project.labelling.label_for_me(per_class=3, seed=1)
    assert (given.labelled, given.by_class, given.author) == (6, {"warm": 3, "cold": 3}, "sample")
    items = project.labelling.page(ItemFilter(split="train", labelled=True)).items
    assert len(items) == 6 and all(item.label is not None and item.name.startswith(item.label) for item in items)
    assert all(event.author == "sample" for item in items for event in project.labelling.history(item.id))


def test_the_same_seed_labels_the_same_items(workspace: Workspace) -> None:
    def chosen(seed: int) -> set[str]:
        labelling = workspace.open_sample("colours").labelling
        labelling.label_for_me(2, seed)
        return {item.name for item in labelling.page(ItemFilter(split="train", labelled=True)).items}

    assert chosen(0) == chosen(0)
    assert any(chosen(0) != chosen(seed) for seed in (1, 2, 3))


def test_asking_again_labels_more_until_none_is_left(workspace: Workspace) -> None:
    labelling = workspace.open_sample("colours").labelling
    assert [labelling.label_for_me(3).labelled, labelling.label_for_me(3).labelled] == [6, 4]
    with pytest.raises(CannotRun, match="has one already"):
        labelling.label_for_me(3)


def test_labels_and_skips_of_a_person_stay(workspace: Workspace) -> None:
    project = workspace.open_sample("colours")
    mine, skipped, *_ = project.labelling.page(ItemFilter(split="train")).items
    wrong = "cold" if mine.name.startswith("warm") else "warm"
    project.labelling.label(mine.id, wrong)
    project.labelling.skip(skipped.id)
    assert project.labelling.label_for_me(SHADES).labelled == 2 * SHADES - 2
    assert project.labelling.item(mine.id).label == wrong
    assert project.labelling.item(skipped.id).label is None


def test_labels_for_me_are_undone_and_done_again_in_the_order_of_all_acts_of_the_person(workspace: Workspace) -> None:
    labelling = workspace.open_sample("colours").labelling
    mine, corrected, *_ = labelling.page(ItemFilter(split="train")).items
    labelling.label(mine.id, "warm")
    first, second = labelling.label_for_me(2).labelled, labelling.label_for_me(SHADES).labelled
    given = labelling.item(corrected.id).label
    labelling.label(corrected.id, "warm" if given == "cold" else "cold")
    assert [len(labelling.undo()) for _ in range(5)] == [1, second, first, 1, 0]
    assert labelling.counts().labelled_by_split["train"] == 0
    assert [len(labelling.redo()) for _ in range(5)] == [1, first, second, 1, 0]
    assert [event.author for event in labelling.history(corrected.id)][:2] == ["sample", "me"]


def test_one_person_does_not_take_back_labels_for_me_that_another_has_corrected(workspace: Workspace) -> None:
    labelling = workspace.open_sample("colours").labelling
    given = labelling.label_for_me(2).labelled
    (corrected, *_) = labelling.page(ItemFilter(split="train", labelled=True)).items
    labelling.label(corrected.id, "warm", author="ben")
    assert len(labelling.undo()) == given - 1
    assert labelling.item(corrected.id).label == "warm"


def test_labels_for_me_are_taken_back_by_who_asked_for_them_alone(workspace: Workspace) -> None:
    labelling = workspace.open_sample("colours").labelling
    given = labelling.label_for_me(2, author="ben").labelled
    assert labelling.undo("ann") == ()
    assert len(labelling.undo("ben")) == given
    assert labelling.redo("ann") == () and len(labelling.redo("ben")) == given


def test_hidden_truth_outlasts_a_restart(workspace: Workspace) -> None:
    path = workspace.open_sample("colours").path
    workspace.close()
    again = Workspace(workspace.settings)
    try:
        assert again.open_project(path).labelling.label_for_me(2).labelled == 4
    finally:
        again.close()


def test_other_projects_know_nothing(workspace: Workspace) -> None:
    labelling = workspace.create_project("Own", "image-classification").labelling
    assert not labelling.knows_truth()
    with pytest.raises(CannotRun, match="only copies of samples"):
        labelling.label_for_me()


def test_no_labels_per_class_is_refused(workspace: Workspace) -> None:
    with pytest.raises(BadInput):
        workspace.open_sample("colours").labelling.label_for_me(0)


@pytest.mark.parametrize("name", ["nothing", "", "..", "../samples/colours", "/etc"])
def test_a_sample_that_is_not_there_is_refused_with_those_there_are(workspace: Workspace, name: str) -> None:
    for ask in (workspace.open_sample, workspace.sample_cover):
        with pytest.raises(NotFound) as caught:
            ask(name)
        assert "colours" in caught.value.hint
    assert workspace.projects() == []


def damage_card(root: Path) -> None:
    (root / "sample.json").write_text("{")


def damage_task(root: Path) -> None:
    write_card(root, task="smelling")


def damage_table(root: Path) -> None:
    (root / "items.csv").unlink()


def damage_picture(root: Path) -> None:
    (root / "pictures" / "cold1.png").unlink()


@pytest.mark.parametrize("damage", [damage_card, damage_task, damage_table, damage_picture])
def test_a_damaged_sample_says_what_and_leaves_no_project(workspace: Workspace, shelf: Path, damage: object) -> None:
    assert callable(damage)
    damage(shelf)
    with pytest.raises(ImportFailed, match="'colours' is damaged") as caught:
        workspace.open_sample("colours")
    assert "Restore" in caught.value.hint
    assert workspace.projects() == [] and workspace.project() is None
    assert not list(workspace.settings.projects.glob("*"))


def test_a_damaged_sample_is_listed_with_its_problem(workspace: Workspace, shelf: Path) -> None:
    damage_card(shelf)
    (sample,) = workspace.samples()
    assert sample.title == "Colours" and sample.problem is not None and "damaged" in sample.problem


def test_without_the_folder_there_are_no_samples(workspace: Workspace) -> None:
    bare = Workspace(replace(workspace.settings, samples=workspace.settings.home / "nowhere"))
    assert bare.samples() == ()
    with pytest.raises(StudioError, match="no sample"):
        bare.open_sample("colours")
    bare.close()


def test_every_shipped_sample_opens(shipped: Workspace) -> None:
    samples = shipped.samples()
    assert samples and [sample.problem for sample in samples] == [None] * len(samples)
    for sample in samples:
        project = shipped.open_sample(sample.name)
        assert project.labelling.counts().total == sample.items
        assert project.labelling.knows_truth() == project.classifies
        assert shipped.sample_cover(sample.name) is not None or len(sample.quotes) == 3


def test_the_messages_are_three_hundred_in_eight_intents(shipped: Workspace) -> None:
    labelling = shipped.open_sample("messages").labelling
    given = labelling.label_for_me(16)
    assert given.by_class == {c.name: 16 for c in labelling.classes()} and len(given.by_class) == 8
    items = labelling.page(ItemFilter(), limit=1000).items
    assert len(items) == 300 and all(4 <= len(item.key("text").split()) <= 40 for item in items)
    assert set(Counter(item.label for item in items if item.split == "test").values()) == {13}
