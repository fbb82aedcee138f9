"""The audit of a project: what it finds, what is decided of it, and what Compare makes of a leak. Real store, tiny real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.errors import BadInput, NotFound, Overtaken
from studio.core.types import ImportOptions, ItemFilter
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from tests.modalities.test_fingerprints import picture


@pytest.fixture
def pictures(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Eight different pictures; one of the training ones again in the test split, smaller; one training one twice, cropped."""
    for split, label, seeds in (("train", "a", (0, 1, 2)), ("train", "b", (3, 4, 5)), ("test", "a", (6,)), ("test", "b", (7,))):
        folder = tmp_path / "source" / split / label
        folder.mkdir(parents=True)
        for seed in seeds:
            picture(seed).save(folder / f"{seed}.png")
    picture(0).resize((200, 150)).save(tmp_path / "source" / "test" / "a" / "again.png")
    picture(3).crop((8, 6, 312, 234)).save(tmp_path / "source" / "train" / "b" / "cropped.jpg", quality=80)
    made = workspace.create_project("Pictures", "image-classification")
    made.labelling.import_data(str(tmp_path / "source"), ImportOptions())
    return made


@pytest.fixture
def texts(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Forty texts in two classes, two labelled as the other."""
    rows = [f"{noun} {n},{'dog' if (noun, n) == ('cat', 3) else noun},train" for noun in ("cat", "dog") for n in range(20)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    made = workspace.create_project("Texts", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    return made


def undone(project: OpenProject) -> str | None:
    taken = project.auditing.undo()
    return taken.key if taken and not taken.stays else None


def test_twins_are_found_leaks_first_with_the_training_item_as_the_spare_one(pictures: OpenProject) -> None:
    found = pictures.auditing.audit()
    leak, other = found.twins
    assert (Path(leak.first.name).name, Path(leak.second.name).name, leak.leak) == ("again.png", "0.png", True)
    assert {Path(other.first.name).name, Path(other.second.name).name} == {"3.png", "cropped.jpg"} and not other.leak
    assert other.first.id < other.second.id
    assert found.leaks == 1 and found.doubts == () and "model" in found.why_no_doubts


def test_a_dropped_twin_loses_its_label_and_is_not_found_again_and_undo_brings_it_back(pictures: OpenProject) -> None:
    leak, other = pictures.auditing.audit().twins
    pictures.auditing.settle(leak.key, "drop")
    assert pictures.labelling.item(leak.second.id).label is None
    assert [pair.key for pair in pictures.auditing.audit().twins] == [other.key]
    assert undone(pictures) == leak.key
    assert pictures.labelling.item(leak.second.id).label == "a"
    assert len(pictures.auditing.audit().twins) == 2


def test_what_is_kept_stays_as_it_is_and_is_not_shown_again(pictures: OpenProject) -> None:
    leak, _ = pictures.auditing.audit().twins
    pictures.auditing.settle(leak.key, "keep")
    left = pictures.auditing.last()
    assert left and left.leaks == 0 and left.settled == 1 and left.looked_at == 10
    assert pictures.auditing.audit().leaks == 0
    assert undone(pictures) == leak.key and len(pictures.auditing.audit().twins) == 2
    assert pictures.auditing.undo() is None


def test_compare_makes_no_claim_while_a_leak_waits(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    said = pictures.testing.compare(model).verdict
    leak, _ = pictures.auditing.audit().twins
    last = pictures.testing.last_comparison()  # also one that was made before
    assert last and last.verdict.startswith("No claim: ") and ": 1." in last.verdict
    pictures.auditing.settle(leak.key, "drop")  # what was compared had learnt from it
    assert (again := pictures.testing.last_comparison()) and again.verdict == last.verdict
    assert not pictures.testing.compare(model).verdict.startswith("No claim")
    pictures.auditing.undo()
    assert pictures.testing.compare(model).verdict.startswith("No claim")
    pictures.auditing.settle(leak.key, "keep")
    assert (kept := pictures.testing.last_comparison()) and kept.verdict == said


def test_undo_takes_back_the_decision_and_nothing_else(pictures: OpenProject) -> None:
    leak, other = pictures.auditing.audit().twins
    pictures.auditing.settle(leak.key, "drop")
    pictures.labelling.label(other.first.id, "a")
    assert undone(pictures) == leak.key
    assert pictures.labelling.item(leak.second.id).label == "a" and pictures.labelling.item(other.first.id).label == "a"
    pictures.auditing.settle(leak.key, "drop")
    pictures.labelling.undo()  # on another page
    assert leak.key in {pair.key for pair in (pictures.auditing.last() or pictures.auditing.audit()).twins}
    pictures.labelling.label(leak.second.id, "b")
    assert (taken := pictures.auditing.undo()) and taken.key == leak.key and taken.stays
    assert pictures.labelling.item(leak.second.id).label == "b"


def test_what_was_taken_back_can_be_done_again_until_something_new_is_decided(pictures: OpenProject) -> None:
    leak, other = pictures.auditing.audit().twins
    pictures.auditing.settle(leak.key, "drop")
    pictures.auditing.settle(other.key, "keep")
    for _ in range(2):
        assert [undone(pictures), undone(pictures), pictures.auditing.undo()] == [other.key, leak.key, None]
        assert pictures.labelling.item(leak.second.id).label == "a"
        again = [pictures.auditing.redo(), pictures.auditing.redo(), pictures.auditing.redo()]
        assert [one and one.key for one in again] == [leak.key, other.key, None]
        assert pictures.labelling.item(leak.second.id).label is None
        assert (left := pictures.auditing.last()) and left.twins == () and left.settled == 2
    undone(pictures)
    undone(pictures)
    pictures.auditing.settle(leak.key, "keep")
    assert pictures.auditing.redo() is None


def test_a_decision_taken_back_leaves_no_word_of_its_author(texts: OpenProject, tiny_ids: dict[str, str]) -> None:
    wrong = texts.auditing.audit(tiny_ids["bert"]).doubts[0]
    before = list(texts.people.opinions(wrong.item.id))
    texts.auditing.settle(wrong.key, "change", "ann")
    assert [o.author for o in texts.people.opinions(wrong.item.id)] != [o.author for o in before]
    texts.auditing.undo("ann")
    assert list(texts.people.opinions(wrong.item.id)) == before
    assert texts.auditing.undo("ann") is None


def test_a_label_that_the_person_was_not_shown_is_left(texts: OpenProject, tiny_ids: dict[str, str]) -> None:
    wrong = texts.auditing.audit(tiny_ids["bert"]).doubts[0]
    for act in ("change", "drop"):
        with pytest.raises(Overtaken, match="changed meanwhile"):
            texts.auditing.settle(wrong.key, act, "ann", saw="another")
    assert texts.labelling.item(wrong.item.id).label == wrong.item.label
    assert (left := texts.auditing.last()) and left.settled == 0


def test_what_somebody_said_after_a_decision_stays_when_it_is_taken_back(texts: OpenProject, tiny_ids: dict[str, str]) -> None:
    wrong = texts.auditing.audit(tiny_ids["bert"]).doubts[0]
    texts.auditing.settle(wrong.key, "drop", "ann")
    texts.labelling.label(wrong.item.id, wrong.suggested, "bob")
    assert (taken := texts.auditing.undo("ann")) and taken.stays
    assert texts.labelling.item(wrong.item.id).label == wrong.suggested
    assert texts.auditing.redo("ann") is None


def test_what_was_dropped_gets_no_label_among_many(pictures: OpenProject) -> None:
    leak, _ = pictures.auditing.audit().twins
    pictures.auditing.settle(leak.key, "drop")
    pictures.labelling.label_each({leak.second.id: None})  # it has none to lose, and stays dropped
    assert leak.second.id not in pictures.auditing._store.standing({leak.second.id})


def test_a_wrong_label_is_doubted_and_changed(texts: OpenProject, tiny_ids: dict[str, str]) -> None:
    found = texts.auditing.audit(tiny_ids["bert"])
    assert found.why_no_doubts == ""
    wrong = next(doubt for doubt in found.doubts if doubt.item.content["text"] == "cat 3")
    assert (wrong.item.label, wrong.suggested) == ("dog", "cat") and wrong.probability > 0.5
    texts.auditing.settle(wrong.key, "change")
    assert texts.labelling.item(wrong.item.id).label == "cat"
    left = texts.auditing.last()
    assert left and wrong.key not in {doubt.key for doubt in left.doubts}
    texts.auditing.undo()
    assert texts.labelling.item(wrong.item.id).label == "dog"


def test_who_relabels_elsewhere_has_settled_it(texts: OpenProject, tiny_ids: dict[str, str]) -> None:
    wrong = texts.auditing.audit(tiny_ids["bert"]).doubts[0]
    texts.labelling.label(wrong.item.id, wrong.suggested)
    with pytest.raises(NotFound):
        texts.auditing.settle(wrong.key, "drop")


def test_what_cannot_be_done_is_refused(pictures: OpenProject) -> None:
    leak, _ = pictures.auditing.audit().twins
    for act in ("change", "delete"):
        with pytest.raises(BadInput):
            pictures.auditing.settle(leak.key, act)
    with pytest.raises(NotFound):
        pictures.auditing.settle("twins/1/99", "keep")
    assert pictures.labelling.counts().labelled == 10


def test_few_labels_and_no_audit_are_said(workspace: Workspace, tmp_path: Path, tiny_ids: dict[str, str]) -> None:
    made = workspace.create_project("Bare", "text-classification")
    assert made.auditing.last() is None and made.auditing.leaks({1}, {2}) == 0
    (tmp_path / "bare.csv").write_text("text\none\ntwo\n")
    made.labelling.import_data(str(tmp_path / "bare.csv"), ImportOptions(test_share=0))
    found = made.auditing.audit(tiny_ids["bert"])
    assert found.twins == () and found.why_no_doubts


def test_a_picture_that_is_gone_is_passed_over(pictures: OpenProject) -> None:
    for item in pictures.labelling.page(ItemFilter()).items[:1]:
        sha = item.content["image"]
        for path in (Path(pictures.path) / "media").rglob(f"{sha}*"):
            path.unlink()
    assert len(pictures.auditing.audit().twins) <= 2
