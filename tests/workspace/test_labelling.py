"""Import, browse, label and undo as pages and commands do it, on real data where it is there."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import BadInput, ImportFailed, NotFound
from studio.core.types import ImportOptions, ItemFilter
from studio.data.project import Project
from studio.tasks import task
from studio.workspace.labelling import Labelling

Opened = Callable[[str], Labelling]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Opened]:
    """`project(task)`: labelling of a new project."""
    made: list[Project] = []

    def create(name: str) -> Labelling:
        made.append(Project.create(tmp_path / f"project{len(made)}", "Test", name))
        return Labelling(made[-1], task(name), offline=True)

    yield create
    for opened in made:
        opened.close()


def csv(root: Path, text: str, name: str = "rows.csv") -> str:
    (root / name).write_text(text, encoding="utf-8")
    return str(root / name)


def picture(path: Path, color: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 10), color).save(path)


def test_folder_of_real_photos_comes_in_with_classes_and_splits(project: Opened, shared_data: Callable[[str], Path]) -> None:
    labelling, beats = project("image-classification"), [time.monotonic()]
    report = labelling.import_data(
        str(shared_data("trashnet")), ImportOptions(), lambda done, total, what: beats.append(time.monotonic())
    )
    # one photo of the test split is in the train split again, under another class
    assert (report.added, report.duplicates, report.rejected) == (886, 0, 2)
    assert report.by_split == {"test": 267, "train": 619}
    assert sorted(c.name for c in labelling.classes()) == ["cardboard", "glass", "metal", "paper", "plastic", "trash"]
    conflict = next(reject for reject in report.rejects if reject.file.startswith("train/"))
    assert "'plastic'" in conflict.reason and "'glass'" in conflict.reason
    assert max(later - earlier for earlier, later in pairwise(beats)) < 2.0
    assert labelling.last_report() == report


def test_importing_again_adds_nothing(project: Opened, shared_data: Callable[[str], Path]) -> None:
    labelling, source = project("image-classification"), str(shared_data("trashnet") / "test")
    first = labelling.import_data(source, ImportOptions())
    again = labelling.import_data(source, ImportOptions())
    assert (first.added, again.added, again.duplicates, again.rejected) == (267, 0, 267, 0)
    assert labelling.counts().by_split["test"] == labelling.counts().total == 267


def test_real_questions_come_in_from_csv(project: Opened, shared_data: Callable[[str], Path]) -> None:
    labelling = project("text-classification")
    report = labelling.import_data(str(shared_data("banking77")), ImportOptions())
    assert report.added + report.duplicates + report.rejected == 13_083
    assert len(labelling.classes()) == 77
    assert labelling.page(ItemFilter(search="CARD arrival")).total > 0


def test_captions_of_one_picture_are_pairs_that_share_it(project: Opened, shared_data: Callable[[str], Path]) -> None:
    labelling = project("image-text")
    report = labelling.import_data(str(shared_data("coco_mini") / "captions.csv"), ImportOptions())
    assert report.by_split == {"train": 400, "val": 395}
    items = labelling.page(ItemFilter(split="train"), limit=1000).items
    assert len({item.key("image") for item in items}) == 80
    assert [c.name for c in labelling.classes()] == ["match", "no match"]
    assert {item.label for item in items} == {None}


def test_pairs_without_a_named_split_keep_a_pictures_captions_together(project: Opened, tmp_path: Path) -> None:
    for number in range(30):
        picture(tmp_path / f"{number}.png", f"#{number:02x}8040")
    rows = "".join(f"{n}.png,{said} {n},{mark}\n" for n in range(30) for said, mark in (("one", "match"), ("two", "junk")))
    labelling = project("image-text")
    labelling.import_data(csv(tmp_path, "image,caption,label\n" + rows), ImportOptions(test_share=0.4))
    splits: dict[str, set[str]] = {}
    for item in labelling.page(ItemFilter()).items:
        splits.setdefault(item.key("image"), set()).add(item.split)
    assert {len(said) for said in splits.values()} == {1}
    assert labelling.counts().by_split["test"] > 0
    assert labelling.counts().labelled == 30


def test_bad_files_are_reported_and_the_others_taken(project: Opened, tmp_path: Path) -> None:
    source = tmp_path / "photos"
    picture(source / "cat" / "fine.png", "red")
    (source / "cat" / "page.jpg").write_text("<html>not found</html>")
    (source / "cat" / "empty.jpg").touch()
    labelling = project("image-classification")
    report = labelling.import_data(str(source), ImportOptions())
    assert (report.added, report.rejected) == (1, 2)
    assert {reject.file: reject.reason.split(":")[0] for reject in report.rejects} == {
        "cat/empty.jpg": "is empty (0 bytes)",
        "cat/page.jpg": "is a web page (HTML), not a picture",
    }


def test_source_that_fails_in_the_middle_leaves_nothing(project: Opened, tmp_path: Path) -> None:
    source = tmp_path / "both"
    source.mkdir()
    csv(source, "text,label\nhi,a\n", "a.csv")
    csv(source, "premise,label\nho,b\n", "b.csv")
    labelling = project("text-classification")
    with pytest.raises(ImportFailed):
        labelling.import_data(str(source), ImportOptions())
    assert labelling.counts().total == 0
    assert not labelling.classes()
    assert labelling.last_report() is None


def test_same_content_with_another_label_is_rejected_naming_both(project: Opened, tmp_path: Path) -> None:
    labelling = project("text-classification")
    report = labelling.import_data(csv(tmp_path, "text,label\nhi,a\nhi,a \nhi ,b\nhi,\n"), ImportOptions())
    assert (report.added, report.duplicates, report.rejected) == (1, 2, 1)
    assert (report.rejects[0].file, report.rejects[0].row) == ("rows.csv", 4)
    assert "'a'" in report.rejects[0].reason and "'b'" in report.rejects[0].reason


def test_later_import_labels_what_nobody_has_labelled_and_nothing_else(project: Opened, tmp_path: Path) -> None:
    labelling, source = project("text-classification"), csv(tmp_path, "text,label\nhi,a\nho,b\n")
    report = labelling.import_data(source, ImportOptions(keep_labels=False))
    assert (report.added, report.by_label, [c.name for c in labelling.classes()]) == (2, {}, ["a", "b"])
    labelling.label(1, "b")
    labelling.label(1, None)
    labelling.import_data(source, ImportOptions())
    assert [item.label for item in labelling.page(ItemFilter()).items] == [None, "b"]


def test_options_choose_the_split(project: Opened, tmp_path: Path) -> None:
    source = csv(tmp_path, "text,split\n" + "".join(f"text {n},tset\n" for n in range(50)))
    labelling = project("text-classification")
    assert labelling.import_data(source, ImportOptions()).rejected == 50
    assert labelling.import_data(source, ImportOptions(split="val")).by_split == {"val": 50}


def test_pages_show_each_item_once_and_the_total(project: Opened, tmp_path: Path) -> None:
    labelling = project("text-classification")
    labelling.import_data(csv(tmp_path, "text,label\n" + "".join(f"text {n},{n % 3}\n" for n in range(50))), ImportOptions())
    page, seen = labelling.page(ItemFilter(label="1"), limit=7), list[int]()
    while True:
        seen += [item.id for item in page.items]
        assert page.total == 17
        if page.after is None:
            break
        page = labelling.page(ItemFilter(label="1"), page.after, 7)
    assert len(seen) == len(set(seen)) == 17


def test_thumbnail_of_an_imported_picture(project: Opened, tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png", "red")
    labelling = project("image-classification")
    labelling.import_data(str(tmp_path / "in"), ImportOptions())
    sha = labelling.item(1).key("image")
    with Image.open(io.BytesIO(labelling.picture(sha, 96))) as thumbnail:
        assert thumbnail.format == "JPEG"
    with pytest.raises(NotFound):
        labelling.picture("../project.json", 96)


def test_captions_are_checked_before_they_are_stored(project: Opened, tmp_path: Path) -> None:
    labelling = project("text-classification")
    labelling.import_data(csv(tmp_path, "text\nhi\n"), ImportOptions())
    with pytest.raises(BadInput, match="empty"):
        labelling.caption(1, "  ")
    labelling.caption(1, " ho ")
    assert labelling.item(1).content["text"] == "ho"
    labelling.undo()
    assert labelling.item(1).content["text"] == "hi"


@pytest.mark.parametrize("templates", [[], ["  "], ["no place"], ["{} and {}"], ["{0}"]])
def test_templates_that_do_not_say_the_class_are_refused(project: Opened, templates: list[str]) -> None:
    labelling = project("image-classification")
    with pytest.raises(BadInput):
        labelling.set_templates(templates)
    labelling.set_templates(["a blurry {}. "])
    assert labelling.templates() == ("a blurry {}.",)


def test_classes_of_pairs_are_fixed(project: Opened) -> None:
    labelling = project("image-text")
    with pytest.raises(BadInput, match="fixed"):
        labelling.add_class("maybe")


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 201])
def test_class_names_that_cannot_be_shown_are_refused(project: Opened, name: str) -> None:
    with pytest.raises(BadInput):
        project("image-classification").add_class(name)
