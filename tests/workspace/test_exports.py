"""What is exported comes in again as it was: every format of every task, whatever stands in the texts."""

from __future__ import annotations

import csv
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import datasets
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.cli import main
from studio.core.errors import BadInput, CannotRun, NotFound
from studio.core.types import ImportOptions, ItemFilter
from studio.data.exported import FORMULA
from studio.data.exporters import Source
from studio.data.exporters.archive import Archive
from studio.data.exporters.tables import CSV, JSONL, PARQUET, TableExporter
from studio.modalities import modalities_named
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

TASKS = ("image-classification", "text-classification", "image-text")
TABLES = ("csv", "jsonl", "parquet", "datasets")
NASTY = [
    "=1+1",
    "-2",
    "@x",
    "+3",
    "'=1",
    "''tis",
    "'tis",
    'a,\nb "c"\r\nd;\te',
    "نص عربي \u202eabc",
    "🙈👩‍👩‍👧",
    "nan",
    "1.0",
    "null",
]
CLASSES = ("b/c", "=a", "..", "Ä b", ".hidden", "10", "2", "con")


def filled(workspace: Workspace, task: str, folder: Path) -> OpenProject:
    """One item a nasty text, or a picture named by it: labelled, skipped, of none of the classes, noted, or nothing of it."""
    project = workspace.create_project(f"From {task}", task)
    rows = []
    for n, text in enumerate(NASTY):
        Image.new("RGB", (8, 8), (20 * n, 0, 0)).save(folder / f"{n}.png")
        content = {"image": f"{n}.png", "text": text}
        state = {"name": text, "state": "", "note": "", "label": None}
        rows.append({**state, "split": ("train", "val", "test")[n % 3], **{part: content[part] for part in project.modalities}})
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    project.labelling.import_data(str(folder / "rows.jsonl"), ImportOptions())
    classes = project.fixed_classes or CLASSES
    for name in () if project.fixed_classes else classes:
        project.labelling.add_class(name)
    project.labelling.set_phrase(classes[1], "an A")
    project.labelling.set_guideline(classes[1], "All that\nis 'A'.")
    for number, item in enumerate(project.labelling.page(ItemFilter()).items):
        if number % 4 == 0:
            project.labelling.label(item.id, classes[number // 4 % len(classes)], "ann")
        elif number % 4 == 1:
            project.labelling.none_of_these(item.id)
        elif number % 4 == 2:
            project.labelling.skip(item.id)
        project.labelling.note(item.id, f"{item.name}\n{number}" if number % 2 else "")
    return project


def items(project: OpenProject, notes: bool = True, skipped: bool = True) -> list[Any]:
    left = {i.id for i in project.labelling.page(ItemFilter(skipped=True), limit=1000).items} if skipped else set()
    found = project.labelling.page(ItemFilter(), limit=1000).items
    return sorted(
        (sorted(i.content.items()), i.name, i.split, i.label or "", i.none, i.note if notes else "", i.id in left) for i in found
    )


def classes(project: OpenProject) -> list[Any]:
    return [(c.name, c.phrase, c.guideline, c.labelled) for c in project.labelling.classes()]


def again(workspace: Workspace, project: OpenProject, table: Path) -> OpenProject:
    second = workspace.create_project("Again", project.task)
    report = second.labelling.import_data(str(table), ImportOptions())
    assert report.rejects == () and report.duplicates == 0
    return second


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("format", TABLES)
def test_what_is_exported_comes_in_as_it_was(workspace: Workspace, task: str, format: str, tmp_path: Path) -> None:
    first = filled(workspace, task, tmp_path)
    table = first.sharing.labels(tmp_path, format)
    second = again(workspace, first, table)
    assert items(second) == items(first)
    assert second.labelling.counts() == first.labelling.counts() or table.suffix == ".csv"
    if table.suffix == ".zip":
        assert classes(second) == classes(first)
        with ZipFile(table) as packed:
            packed.extractall(tmp_path / "unpacked")
        assert items(again(workspace, first, tmp_path / "unpacked")) == items(first)


def test_a_folder_holds_all_but_notes_and_what_was_skipped(workspace: Workspace, tmp_path: Path) -> None:
    first = filled(workspace, "image-classification", tmp_path)
    second = again(workspace, first, first.sharing.labels(tmp_path, "folder"))

    def nameless(project: OpenProject) -> list[Any]:
        return [(content, *rest) for content, _, *rest in items(project, notes=False, skipped=False)]

    assert nameless(second) == nameless(first) and classes(second) == classes(first)


def test_pictures_keep_their_names_in_a_folder_where_they_can(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.create_project("Pictures", "image-classification")
    for n, name in enumerate(("a/cat/one.PNG", "b/cat/One.png", "b/cat/two.jpeg")):
        path = tmp_path / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (20 * n, 0, 0)).save(path)
    project.labelling.import_data(str(tmp_path / "train"), ImportOptions(split="train"))
    with ZipFile(project.sharing.labels(tmp_path, "folder")) as packed:
        names = [name for name in packed.namelist() if name.startswith("train/")]
    assert sorted(names) == ["train/a/one.PNG", "train/b/One.png", "train/b/two.jpeg"]


@pytest.mark.parametrize("task", ["text-classification", "image-text"])
def test_texts_are_no_folder_of_pictures(workspace: Workspace, task: str, tmp_path: Path) -> None:
    project = workspace.create_project("Texts", task)
    with pytest.raises(BadInput, match="A folder holds") as refused:
        project.sharing.labels(tmp_path, "folder")
    assert refused.value.hint and "folder" not in dict(project.sharing.formats())
    with pytest.raises(NotFound):
        project.sharing.labels(tmp_path, "xml")
    with pytest.raises(CannotRun):
        project.sharing.labels(tmp_path, "jsonl")
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".*"))


def test_the_datasets_folder_opens_with_its_library(workspace: Workspace, tmp_path: Path) -> None:
    project = filled(workspace, "image-classification", tmp_path)
    with ZipFile(project.sharing.labels(tmp_path, "datasets")) as packed:
        packed.extractall(tmp_path / "unpacked")
    found = datasets.load_from_disk(str(tmp_path / "unpacked"))
    assert list(found) == ["train", "validation", "test"]
    train = found["train"]
    assert train.features["label"].names == list(CLASSES) and train[0]["image"].size == (8, 8)
    labels = {row["name"]: row["label"] for split in found.values() for row in split}
    said = {i.name: i.label for i in project.labelling.page(ItemFilter()).items}
    assert labels == {name: -1 if label is None else CLASSES.index(label) for name, label in said.items()}


def test_no_cell_of_a_csv_begins_a_formula(workspace: Workspace, tmp_path: Path) -> None:
    table = filled(workspace, "text-classification", tmp_path).sharing.labels(tmp_path)
    with table.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=1+1" in cells and not [cell for cell in cells if cell.startswith(FORMULA)]


def test_who_labelled_and_when_stands_beside_the_label(workspace: Workspace, tmp_path: Path) -> None:
    project = filled(workspace, "text-classification", tmp_path)
    project.labelling.label(4, "=a", "ann")
    project.labelling.undo("ann")
    with ZipFile(project.sharing.labels(tmp_path, "jsonl")) as packed:
        rows = [json.loads(line) for line in packed.read("labels.jsonl").splitlines()]
    assert (rows[0]["author"], rows[0]["at"][:4] > "2020") == ("ann", True)
    assert (rows[3]["author"], rows[3]["at"], rows[3]["label"]) == ("", "", None)


def test_an_apostrophe_of_somebody_else_s_table_stays(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\n'=1,'-a\n", "utf-8")
    project = workspace.create_project("Theirs", "text-classification")
    project.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    (item,) = project.labelling.page(ItemFilter()).items
    assert (item.content["text"], item.label) == ("'=1", "'-a")


def test_nul_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    row = {"name": "a", "text": "a", "label": "b", "split": "train", "state": "", "note": ""}
    rows = [{**row, "text": "a\0"}, {**row, "note": "\0"}, {**row, "note": "n" * 2001}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    project = workspace.create_project("Binary", "text-classification")
    report = project.labelling.import_data(str(tmp_path / "rows.jsonl"), ImportOptions())
    assert (report.added, report.rejected) == (0, 3)


def test_only_class_names_leave_everything_to_a_person(workspace: Workspace, tmp_path: Path) -> None:
    table = filled(workspace, "text-classification", tmp_path).sharing.labels(tmp_path, "jsonl")
    second = workspace.create_project("Names", "text-classification")
    second.labelling.import_data(str(table), ImportOptions(keep_labels=False))
    counts = second.labelling.counts()
    assert (counts.labelled, counts.none, counts.skipped) == (0, 0, 0)
    assert [c.name for c in second.labelling.classes()] == list(CLASSES)


def test_a_guideline_that_a_person_wrote_here_stays(workspace: Workspace, tmp_path: Path) -> None:
    table = filled(workspace, "text-classification", tmp_path).sharing.labels(tmp_path, "jsonl")
    second = workspace.create_project("Mine", "text-classification")
    second.labelling.add_class("=a")
    second.labelling.set_guideline("=a", "Mine.")
    second.labelling.import_data(str(table), ImportOptions())
    assert classes(second)[0][1:3] == ("an A", "Mine.")


def test_code_in_a_datasets_folder_is_neither_read_nor_run(workspace: Workspace, tmp_path: Path) -> None:
    project = filled(workspace, "text-classification", tmp_path)
    with ZipFile(project.sharing.labels(tmp_path, "datasets")) as packed:
        packed.extractall(tmp_path / "unpacked")
    (tmp_path / "unpacked" / "unpacked.py").write_text("raise SystemExit", "utf-8")
    second = workspace.create_project("Again", project.task)
    report = second.labelling.import_data(str(tmp_path / "unpacked"), ImportOptions())
    assert [reject.file for reject in report.rejects] == ["unpacked.py"] and items(second) == items(project)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
LINES = st.one_of(TEXTS, st.builds("{}{}".format, st.sampled_from([*FORMULA, "'", "'=", '"', "\ufeff", "\r", "\x1a"]), TEXTS))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(LINES.map(str.strip).filter(len), min_size=1, max_size=20, unique=True))
def test_any_text_comes_back(tmp_path: Path, texts: list[str]) -> None:
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    workspace = Workspace(Settings(home=folder / "home", device="cpu", offline=True))
    first = workspace.create_project("Any", "text-classification")
    rows = [{"name": t, "text": t, "label": None, "split": "train", "state": "skipped", "note": t} for t in texts]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    first.labelling.import_data(str(folder / "rows.jsonl"), ImportOptions())
    assert [(i.content["text"], i.note) for i in first.labelling.page(ItemFilter()).items] == [(t, t) for t in texts]
    for format in TABLES:
        assert items(again(workspace, first, first.sharing.labels(folder, format))) == items(first), format
    workspace.close()


def test_a_long_table_is_written_as_it_is_read(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.create_project("Long", "text-classification")
    (tmp_path / "rows.csv").write_text("text\n" + "".join(f"{n} {'long ' * 800}\n" for n in range(5_000)), "utf-8")
    project.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    for format in TABLES:
        seen: list[tuple[int, int]] = []
        project.sharing.labels(tmp_path, format)  # libraries that it needs are imported
        tracemalloc.start()
        project.sharing.labels(tmp_path, format, lambda done, total, what, seen=seen: seen.append((done, total)))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seen[-1] == (5_000, 5_000) and most < 18 * 2**20, format  # the texts are 20 MB, a page of them 4


@pytest.mark.parametrize("exporter", [CSV, JSONL, PARQUET], ids=lambda exporter: exporter.name)
def test_a_large_table_goes_on_in_another_file(workspace: Workspace, tmp_path: Path, exporter: TableExporter) -> None:
    first = workspace.create_project("Large", "text-classification")
    (tmp_path / "rows.csv").write_text("text\n" + "".join(f"{n} {'x' * 500}\n" for n in range(2_500)), "utf-8")
    first.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    with Archive(tmp_path / "large.zip", tmp_path, alone=False) as archive:
        source = Source(first._project.store, first._project.media, modalities_named(["text"]))
        replace(exporter, most=2**19, single=False).write(source, archive)
    with ZipFile(tmp_path / "large.zip") as packed:
        assert len(packed.namelist()) >= 3
    second = again(workspace, first, tmp_path / "large.zip")
    assert [i.name for i in second._project.store.all_items()] == [i.name for i in first._project.store.all_items()]


def test_the_command_takes_a_format(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = filled(workspace, "text-classification", tmp_path)
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    assert main(["export", project.path, "labels", "--format", "parquet", "--to", str(tmp_path)]) == 0
    assert (tmp_path / "from-text-classification-labels-parquet.zip").is_file()
    assert main(["export", project.path, "labels", "--format", "xml", "--to", str(tmp_path)]) == 2
