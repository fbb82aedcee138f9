"""Bad data beside good: the good is in, nothing of the bad is, the report names it with a reason, and the project goes on."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import ImportFailed
from studio.core.results.projects import ImportReport
from studio.core.types import ImportOptions, ItemFilter
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from tests.inputs import archives, pictures, tables
from tests.inputs.corpus import BAD
from tests.inputs.entries import GOOD, PICTURES, TEXTS, Bad, beside, file

ROOT = Path(__file__).resolve().parents[2]
Scale = Callable[[Path, str, Path], dict[str, float]]
MOST_MB = 512
FOR_MACHINES = re.compile(r"\w(Error|Exception)\b|Traceback|Errno|0x[0-9a-f]{6}|<class|object at")
"""What no reason for people has in it."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    yield made
    made.close()


@pytest.fixture(scope="module")
def scale() -> Iterator[Scale]:
    with weighing() as weigh:
        yield weigh


@contextmanager
def weighing() -> Iterator[Scale]:
    """A process that imports one source after another and says what each took; what the allocator has kept of one may be counted
    with the next."""
    command = [sys.executable, "-m", "tests.inputs.memory"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:

        def weigh(source: Path, task: str, home: Path) -> dict[str, float]:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps({"source": str(source), "task": task, "home": str(home)}) + "\n")
            return dict(json.loads(process.stdout.readline()))

        yield weigh
        assert process.stdin
        process.stdin.close()


def cases(entries: tuple[Bad, ...]) -> list[object]:
    return [pytest.param(entry, id=f"{entry.task} {entry.name}") for entry in entries]


def imported(project: OpenProject, source: Path) -> ImportReport | ImportFailed:
    """The report, or why there is none; nothing else may come out."""
    try:
        return project.labelling.import_data(str(source), ImportOptions(test_share=0))
    except ImportFailed as failed:
        return failed


def kept(project: OpenProject) -> tuple[int, int, int]:
    """(items, files of media, classes)."""
    names = [path.name for path in (Path(project.path) / "media").rglob("*")]
    media = [name for name in names if len(name) == 64 or name.endswith(".tmp")]
    return project.labelling.counts().total, len(media), len(project.labelling.classes())


def goes_on(project: OpenProject, task: str, room: Path) -> None:
    """Import, label, undo and export work."""
    more = room / "more"
    more.mkdir()
    good = beside("dog/good.png", archives.BLUE) if task == PICTURES else file("more.csv", "text,label\nmore,dog\nyet more,cat\n")
    if task in (PICTURES, TEXTS):
        assert isinstance(report := imported(project, good(more)), ImportReport) and report.added >= 1
    item, *_ = project.labelling.page(ItemFilter()).items
    name = project.labelling.classes()[-1].name
    before = item.label
    project.labelling.label(item.id, name)
    assert project.labelling.item(item.id).label == name
    project.labelling.undo()
    assert project.labelling.item(item.id).label == before
    assert project.sharing.labels(more, "jsonl").stat().st_size


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("entry", cases(BAD))
def test_bad_data_stays_out(entry: Bad, workspace: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    source = entry.make(tmp_path / "in")
    project = workspace.create_project("Bad", entry.task)
    begun = time.monotonic()
    found = imported(project, source)
    assert time.monotonic() - begun < entry.longest_s
    if isinstance(found, ImportFailed):
        assert entry.fails is not False, str(found)
        said = [(found.message, found.message)]
        assert found.hint and kept(project) == (0, 0, len(project.fixed_classes))
    else:
        assert not entry.fails and found.rejected >= 1, found
        said = [(reject.file, reject.reason) for reject in found.rejects]
        total, media, _ = kept(project)
        assert (found.added, total) == (entry.good, entry.good)
        assert media == (entry.good if "image" in project.modalities else 0), "something of the bad one was kept"
        assert json.dumps(asdict(found), ensure_ascii=False).encode("utf-8"), "a page cannot show it"
    assert any(entry.file in named and re.search(entry.said, why) for named, why in said), said
    assert not [why for _, why in said if FOR_MACHINES.search(why)]
    assert "Traceback" not in "".join(capfd.readouterr())
    goes_on(project, entry.task, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("entry", cases(tuple(entry for entry in BAD if entry.bomb)))
def test_bombs_stay_small(entry: Bad, scale: Scale, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "home").mkdir()
    took = scale(entry.make(tmp_path / "in"), entry.task, tmp_path / "home")
    print(entry.name, took)
    assert took["mb"] < MOST_MB and took["seconds"] < entry.longest_s


@pytest.mark.slow
def test_pictures_as_large_as_they_may_be_are_decoded_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "home").mkdir()
    for n, mode in enumerate(("RGBA", "RGBA", "LA", "P", "I;16")):
        Image.new(mode, (7_000 + n, 7_000)).save(tmp_path / "in" / f"{n}.png", **({"transparency": 0} if mode == "P" else {}))
    with weighing() as weigh:
        took = weigh(tmp_path / "in", PICTURES, tmp_path / "home")
    assert took["mb"] < 800  # one at work, and one that has just ended: each of four would take 600


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", pictures.FINE)
def test_pictures_that_only_look_bad_come_out_right(name: str, workspace: Workspace, tmp_path: Path) -> None:
    where, data, size, colour = pictures.FINE[name]
    project = workspace.create_project("Fine", PICTURES)
    report = imported(project, beside(f"dog/{where}", data)(tmp_path))
    assert isinstance(report, ImportReport) and (report.added, report.rejects) == (2, ())
    (item,) = project.labelling.page(ItemFilter(label="dog")).items
    with Image.open(io.BytesIO(project.labelling.picture(item.content["image"], 96))) as shown:
        assert shown.size == size
        assert all(abs(a - b) < 12 for a, b in zip(shown.getpixel((0, 0)), colour, strict=True))  # type: ignore[arg-type]


def test_names_that_differ_by_case_or_accent_are_all_taken(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.create_project("Names", PICTURES)
    report = imported(project, archives.SAME_NAMES(tmp_path))
    assert isinstance(report, ImportReport) and (report.added, report.rejects) == (4, ())
    assert {c.name: c.labelled for c in project.labelling.classes()} == {"cat": 2, "caf\u00e9": 2}


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_texts_that_only_look_bad_are_the_same_in_every_encoding(encoding: str, workspace: Workspace, tmp_path: Path) -> None:
    texts = tables.TEXTS_THAT_STAY if encoding != "latin-1" else ("Gr\u00fc\u00dfe", "caf\u00e9", "=1+1")
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("text", "label"), *((text, " dog ") for text in texts)])
    project = workspace.create_project("Texts", TEXTS)
    report = imported(project, file("data.csv", out.getvalue(), encoding)(tmp_path))
    assert isinstance(report, ImportReport) and report.rejects == ()
    assert sorted(item.content["text"] for item in project.labelling.page(ItemFilter()).items) == sorted(texts)
    assert [c.name for c in project.labelling.classes()] == ["dog"]


def test_formulas_leave_as_texts_and_jsonl_loses_nothing(workspace: Workspace, tmp_path: Path) -> None:
    lines = [json.dumps({"text": text, "label": "dog"}) for text in tables.TEXTS_THAT_STAY]
    project = workspace.create_project("Out", TEXTS)
    imported(project, file("data.jsonl", "\n".join(lines))(tmp_path))
    with project.sharing.labels(tmp_path, "csv").open(encoding="utf-8-sig", newline="") as table:
        cells = [row["text"] for row in csv.DictReader(table)]
    assert [cell for cell in cells if cell[0] in "=+-@\t\r"] == []
    assert sorted(cells) == sorted(f"'{text}" if text[0] in "=+-@" else text for text in tables.TEXTS_THAT_STAY)
    with zipfile.ZipFile(project.sharing.labels(tmp_path, "jsonl")) as packed:
        read = [json.loads(line)["text"] for line in packed.read("labels.jsonl").decode().split("\n") if line]
    assert sorted(read) == sorted(tables.TEXTS_THAT_STAY)


def test_labels_of_any_script_are_classes(workspace: Workspace, tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"text {n}", "label": f" {label} "}) for n, label in enumerate(tables.LABELS_THAT_STAY)]
    project = workspace.create_project("Labels", TEXTS)
    report = imported(project, file("data.jsonl", "\n".join(lines))(tmp_path))
    assert isinstance(report, ImportReport) and report.rejects == ()
    assert {c.name for c in project.labelling.classes()} == set(tables.LABELS_THAT_STAY)


def test_what_is_there_twice_is_one_item(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.create_project("Twice", TEXTS)
    report = imported(project, file("data.csv", "text,label\nsame,cat\nsame,cat\n same ,cat\n")(tmp_path))
    assert isinstance(report, ImportReport) and (report.added, report.duplicates, report.rejects) == (1, 2, ())


def test_one_class_alone_and_an_empty_class_are_taken(workspace: Workspace, tmp_path: Path) -> None:
    source = beside("cat/more.png", archives.BLUE)(tmp_path)
    (source / "dog").mkdir()
    project = workspace.create_project("One", PICTURES)
    report = imported(project, source)
    assert isinstance(report, ImportReport) and (report.added, report.rejects) == (2, ())
    assert [c.name for c in project.labelling.classes()] == ["cat"]


def test_a_label_that_the_task_does_not_know_leaves_the_item_unlabelled(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(GOOD)
    project = workspace.create_project("Pairs", "image-text")
    report = imported(project, file("data.csv", "image,caption,label\ngood.png,a red picture,perhaps\n")(tmp_path))
    assert isinstance(report, ImportReport) and report.added == 1 and report.labelled == 0
    assert tuple(c.name for c in project.labelling.classes()) == project.fixed_classes
