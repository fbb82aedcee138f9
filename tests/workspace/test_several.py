"""Multi-label projects in use: what comes in, what goes out, labels by one and by many, commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from studio.cli import main
from studio.core.errors import BadInput
from studio.core.types import NONE_OF_THESE, ImportOptions, ItemFilter
from studio.data.overview import overview
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

CLASSES = ("b/c", "=a", "Ä b", "con")
SETS: tuple[tuple[str, ...] | None, ...] = (
    ("=a",),
    ("con", "b/c"),
    (),
    None,
    ("Ä b", "=a", "b/c", "con"),
    ("b/c",),
    ("=a", "con"),
)
SAID = ["=a", "b/c | con", NONE_OF_THESE, None, "b/c | =a | Ä b | con", "b/c", "=a | con"]


def imported(workspace: Workspace, table: Path, task: str = "text-multi-label", **options: Any) -> OpenProject:
    project = workspace.create_project("Several", task)
    report = project.labelling.import_data(str(table), ImportOptions(**options))
    assert report.rejects == ()
    return project


def labels(project: OpenProject) -> list[str | None]:
    return [item.label for item in project.labelling.page(ItemFilter()).items]


# what comes in


def csv(folder: Path, between: str) -> Path:
    (folder / "rows.csv").write_text(
        f"text,labels\na,red{between}round\nb,\nc,None of these\nd,round{between}red\ne,big\n", "utf-8"
    )
    return folder / "rows.csv"


def jsonl(folder: Path, key: str) -> Path:
    said: tuple[Any, ...] = (["red", "round"], None, ["none of these"], "round | red", ["big", "big"])
    rows = [{"text": text, key: label} for text, label in zip("abcde", said, strict=True)]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder / "rows.jsonl"


def parquet(folder: Path, named: bool) -> Path:
    if not named:
        said = [["red", "round"], None, [], ["round", "red"], ["big"]]
        pq.write_table(pa.table({"text": list("abcde"), "labels": said}), folder / "rows.parquet")
        return folder / "rows.parquet"
    kind = datasets.Sequence(datasets.ClassLabel(names=["red", "round", "big"]))
    features = datasets.Features({"text": datasets.Value("string"), "labels": kind})
    rows = {"text": list("abcde"), "labels": [[0, 1], None, [], [1, 0], [2]]}
    datasets.Dataset.from_dict(rows, features).to_parquet(str(folder / "rows.parquet"))
    return folder / "rows.parquet"


@pytest.mark.parametrize(
    "make",
    [lambda f: csv(f, " | "), lambda f: csv(f, ";"), lambda f: jsonl(f, "label"), lambda f: parquet(f, False),
     lambda f: parquet(f, True)],
    ids=["csv |", "csv ;", "jsonl", "parquet", "parquet of class numbers"],
)  # fmt: skip
def test_a_cell_or_a_list_names_several_classes(workspace: Workspace, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    project = imported(workspace, make(tmp_path), test_share=0.0)
    assert sorted(c.name for c in project.labelling.classes()) == ["big", "red", "round"]
    assert labels(project) == ["red | round", None, NONE_OF_THESE, "red | round", "big"]
    assert {c.name: c.labelled for c in project.labelling.classes()} == {"red": 2, "round": 2, "big": 1}
    report = project.labelling.last_report()
    assert report is not None and report.by_label == {"red": 2, "round": 2, "big": 1, NONE_OF_THESE: 1}


def test_the_same_content_with_another_set_is_a_conflict(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,red;round\na,round|red\na,red\nb,red|none of these\n", "utf-8")
    project = workspace.create_project("Several", "text-multi-label")
    report = project.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    assert (report.added, report.duplicates, report.rejected) == (1, 1, 2)
    assert [reject.row for reject in report.rejects] == [5, 4]


def test_an_entry_of_a_list_is_one_class(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "label": ["x|y", "z"]}\n{"text": "b", "label": ["x", 2, null]}', "utf-8")
    project = workspace.create_project("Several", "text-multi-label")
    report = project.labelling.import_data(str(tmp_path / "rows.jsonl"), ImportOptions())
    assert [(reject.row, "'x|y'" in reject.reason) for reject in report.rejects] == [(1, True)]
    assert labels(project) == ["2 | x"]


def test_the_first_page_counts_items_of_several_classes_once(workspace: Workspace, tmp_path: Path) -> None:
    project = imported(workspace, csv(tmp_path, ";"))
    card = overview(Path(project.path), 0.0)
    assert (card.items, card.labelled) == (5, 4)


def test_a_folder_is_a_class_for_its_pictures(workspace: Workspace, tmp_path: Path) -> None:
    for n, name in enumerate(("red", "red", "round")):
        (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (50 * n, 0, 0)).save(tmp_path / "in" / name / f"{n}.png")
    project = imported(workspace, tmp_path / "in", "image-multi-label")
    assert labels(project) == ["red", "red", "round"]


def test_labels_of_a_hidden_split_are_kept_and_given(workspace: Workspace, tmp_path: Path) -> None:
    project = imported(workspace, csv(tmp_path, ";"), split="train", hidden_split="train")
    assert labels(project) == [None] * 5
    given = project.labelling.label_for_me(1)
    assert given.by_class == {"red": 1, "round": 1, "big": 1, NONE_OF_THESE: 1}
    assert project.labelling.counts().labelled == 3


# what goes out


def filled(workspace: Workspace, task: str, folder: Path) -> OpenProject:
    """Items with each of `SETS`; skipped ones, and notes."""
    project = workspace.create_project(f"From {task}", task)
    rows = []
    for n in range(14):
        Image.new("RGB", (8, 8), (10 * n, 0, 0)).save(folder / f"{n}.png")
        content = {"image": f"{n}.png", "text": f"text {n}"}
        state = {"name": f"item {n}", "state": "", "note": "", "label": None, "split": ("train", "val", "test")[n % 3]}
        rows.append({**state, **{part: content[part] for part in project.modalities}})
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    project.labelling.import_data(str(folder / "rows.jsonl"), ImportOptions())
    for name in CLASSES:
        project.labelling.add_class(name)
    project.labelling.set_guideline("=a", "All that\nis 'A'.")
    for number, item in enumerate(project.labelling.page(ItemFilter()).items):
        said = SETS[number % len(SETS)]
        if said is not None:
            project.labelling.label(item.id, said, "ann")
        elif number > 7:
            project.labelling.skip(item.id)
        project.labelling.note(item.id, f"note {number}" if number % 2 else "")
    assert labels(project) == SAID * 2
    return project


def state(project: OpenProject, whole: bool = True) -> list[Any]:
    left = {i.id for i in project.labelling.page(ItemFilter(skipped=True)).items}
    items = project.labelling.page(ItemFilter(), limit=1000).items
    return sorted(
        (
            sorted(i.content.items()),
            i.split,
            sorted(i.labels),
            i.label == NONE_OF_THESE,
            i.none,
            *((i.name, i.note, i.id in left) if whole else ()),
        )
        for i in items
    )


@pytest.mark.parametrize("task", ["image-multi-label", "text-multi-label"])
@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "datasets", "folder"])
def test_what_is_exported_comes_in_as_it_was(workspace: Workspace, task: str, format: str, tmp_path: Path) -> None:
    first = filled(workspace, task, tmp_path)
    if format not in dict(first.sharing.formats()):
        return
    table = first.sharing.labels(tmp_path, format)
    second = imported(workspace, table, task)
    assert state(second, format != "folder") == state(first, format != "folder")
    if table.suffix == ".zip":
        assert second.labelling.classes() == first.labelling.classes()
        with ZipFile(table) as packed:
            assert not [name for name in packed.namelist() if set(name) & set('<>:"\\|?*')]
            packed.extractall(tmp_path / "unpacked")
        assert state(imported(workspace, tmp_path / "unpacked", task), format != "folder") == state(first, format != "folder")


def test_scripts_find_lists_and_spreadsheets_texts(workspace: Workspace, tmp_path: Path) -> None:
    project = filled(workspace, "text-multi-label", tmp_path)
    with ZipFile(project.sharing.labels(tmp_path, "jsonl")) as packed:
        rows = [json.loads(line) for line in packed.read("labels.jsonl").splitlines()]
    assert [row["label"] for row in rows[:4]] == [["=a"], ["b/c", "con"], [], None]
    assert [row["state"] for row in rows[:4]] == ["", "", NONE_OF_THESE, ""]
    with ZipFile(project.sharing.labels(tmp_path, "datasets")) as packed:
        packed.extractall(tmp_path / "arrow")
    found = datasets.load_from_disk(str(tmp_path / "arrow"))
    assert found["train"].features["label"].feature.names == list(CLASSES)
    assert found["validation"][0]["label"] == [0, 3] and found["train"][1]["label"] is None
    assert "b/c | con" in project.sharing.labels(tmp_path, "csv").read_text("utf-8-sig")


# labels


def test_one_label_for_all_that_match_comes_beside_what_they_have(workspace: Workspace, tmp_path: Path) -> None:
    project = imported(workspace, csv(tmp_path, ";"), test_share=0.0)
    events = project.labelling.label_matching(ItemFilter(), "big", "ann")
    assert len(events) == 4
    assert labels(project) == ["big | red | round", "big", "big", "big | red | round", "big"]
    project.labelling.undo("ann")
    assert labels(project) == ["red | round", None, NONE_OF_THESE, "red | round", "big"]
    project.labelling.label_matching(ItemFilter(label="round"), None, "ann")
    assert labels(project) == [None, None, NONE_OF_THESE, None, "big"]


def test_of_one_class_stays_of_one_class(workspace: Workspace, tmp_path: Path) -> None:
    project = imported(workspace, csv(tmp_path, "; "), "text-classification", test_share=0.0)
    assert labels(project) == ["red; round", None, None, "round; red", "big"]
    with pytest.raises(BadInput, match="one class"):
        project.labelling.label(1, ["big", "round; red"])
    lists = imported(workspace, csv(tmp_path, ";"), "text-classification").labelling.import_data(
        str(jsonl(tmp_path, "label")), ImportOptions()
    )
    assert "list" in lists.rejects[0].reason


def test_people_settle_sets(workspace: Workspace, tmp_path: Path) -> None:
    project = imported(workspace, csv(tmp_path, ";"), test_share=0.0)
    project.labelling.label(2, ["red"], "ann", None)
    project.labelling.label(2, ["round", "red"], "ben", None)
    agreement = project.people.agreement()
    assert (agreement.disputes, len(agreement.confused)) == (1, 1)
    project.people.settle(2, "red | round", "ann")
    project.people.settle(5, NONE_OF_THESE, "ann")
    assert (labels(project)[1], labels(project)[4], project.people.disputes()) == ("red | round", NONE_OF_THESE, 0)


# commands


@pytest.fixture
def said(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_the_command_takes_several_names(workspace: Workspace, said: Any, tmp_path: Path) -> None:
    project = imported(workspace, csv(tmp_path, ";"), test_share=0.0).path
    assert said("label", project, "2", "round", "red")[1]["label"] == "red | round"
    assert said("label", project, "2", "big | red")[1]["label"] == "big | red"
    assert said("label", project, "2", NONE_OF_THESE)[1]["label"] == NONE_OF_THESE
    code, error = said("label", project, "2", "red", "green")
    assert code == 2 and "green" in error["error"]
    assert said("label", "--new", project, "2", "red", "green")[1]["label"].split(" | ") == ["red", "green"]
    assert said("items", project, "--label", "green")[1]["total"] == 1
    code, error = said("label", project, "2", "red", NONE_OF_THESE)
    assert code == 2 and error["hint"]


def test_the_command_takes_one_name_where_an_item_is_of_one_class(workspace: Workspace, said: Any, tmp_path: Path) -> None:
    project = imported(workspace, csv(tmp_path, ";"), "text-classification").path
    code, error = said("label", project, "1", "big", "red;round")
    assert code == 2 and "one class" in error["error"]
    assert said("label", project, "1", "red;round")[1]["label"] == "red;round"
