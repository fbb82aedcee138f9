"""No file in media/ that no item names: not after a failed import, not after a killed one, and never one that is needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import ImportFailed
from studio.core.types import ImportOptions
from studio.data.importers import Row
from studio.data.ingest import Rules, ingest
from studio.data.project import Project
from studio.data.turn import turn
from studio.tasks import task
from studio.workspace.labelling import Labelling, readers_of

IMAGES = "image-classification"


def picture(path: Path, shade: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 10), (shade, 0, 0)).save(path)
    return path


def rows(root: Path, shades: range) -> Iterator[Row]:
    for n in shades:
        yield Row({"image": picture(root / f"{n}.png", n).read_bytes()}, f"{n}.png", f"{n}.png", label="red")


def files(project: Project) -> set[str]:
    """What lies in media/, but for the import's own lock."""
    found = {path.name for path in project.media.folder.rglob("*") if path.is_file()}
    return found - {".import.lock"}


def named(project: Project) -> set[str]:
    return {item.key("image") for item in project.store.all_items()}


def bring(project: Project, source: Iterator[Row]) -> None:
    ingest(project.store, project.media, Rules(readers_of(task(IMAGES))), source, ImportOptions(), "pictures")


def failing(source: Iterator[Row]) -> Iterator[Row]:
    yield from source
    raise ImportFailed("The archive ends in the middle.")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "project", "Red", IMAGES) as made:
        yield made


def test_a_failed_import_takes_its_own_files_with_it_and_no_other(project: Project, tmp_path: Path) -> None:
    bring(project, rows(tmp_path, range(5)))
    before = files(project)
    assert before == named(project) and len(before) == 5
    with pytest.raises(ImportFailed):
        bring(project, failing(rows(tmp_path, range(3, 60))))
    assert files(project) == before == named(project)


def test_a_file_that_was_lost_and_brought_back_by_a_failed_import_stays(project: Project, tmp_path: Path) -> None:
    bring(project, rows(tmp_path, range(2)))
    (lost,) = [sha for sha in named(project) if project.store.item(1).key("image") == sha]
    project.media.path(lost).unlink()
    with pytest.raises(ImportFailed):
        bring(project, failing(rows(tmp_path, range(9))))
    assert files(project) == named(project)


def test_the_picture_of_a_rejected_row_is_not_kept(tmp_path: Path) -> None:
    with Project.create(tmp_path / "pairs", "Pairs", "image-text") as project:
        for n in range(2):
            picture(tmp_path / f"{n}.png", n)
        (tmp_path / "rows.csv").write_text("image,caption\n0.png,red\n1.png,\n", encoding="utf-8")
        report = Labelling(project, task("image-text")).import_data(str(tmp_path / "rows.csv"), ImportOptions())
        assert (report.added, report.rejected) == (1, 1)
        assert files(project) == named(project) and len(named(project)) == 1


IMPORTER = """
import sys
from pathlib import Path
from studio.data.project import Project
from tests.data.test_turn import bring, rows

def slowly(source):
    for n, row in enumerate(source):
        yield row
        if n == 39:
            print("half", flush=True)
            sys.stdin.readline()

with Project.open(Path(sys.argv[1])) as project:
    bring(project, slowly(rows(Path(sys.argv[2]), range(80))))
"""


@pytest.fixture
def importer(project: Project, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of an import of 80 pictures; a line lets it go on."""
    command = [sys.executable, "-c", IMPORTER, str(project.root), str(tmp_path / "theirs")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == "half\n"
        yield process
        process.kill()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("then", ["open", "import"])
def test_what_a_killed_import_left_goes_when_somebody_opens_or_imports(
    project: Project, tmp_path: Path, importer: subprocess.Popen[str], then: str
) -> None:
    importer.send_signal(signal.SIGKILL)
    importer.wait()
    some = next(path for path in project.media.folder.glob("??/*"))
    some.rename(some.with_name(f".{some.name}.0123.tmp"))  # as a kill while it was written leaves it
    assert len(files(project)) > 20 and not named(project)
    if then == "open":
        with Project.open(project.root):
            while files(project):
                time.sleep(0.01)
    else:
        bring(project, rows(tmp_path, range(70, 75)))
        assert files(project) == named(project) and len(named(project)) == 5


def test_an_import_at_work_elsewhere_keeps_its_files_and_the_next_waits_for_it(
    project: Project, tmp_path: Path, importer: subprocess.Popen[str]
) -> None:
    Project.open(project.root).close()
    waited = threading.Event()

    def say(done: int, total: int, what: str) -> None:
        if what == "waiting for another import":
            waited.set()

    rules = Rules(readers_of(task(IMAGES)))
    mine = threading.Thread(
        target=lambda: ingest(project.store, project.media, rules, rows(tmp_path, range(60, 90)), ImportOptions(), "mine", say)
    )
    mine.start()
    assert waited.wait(10)
    assert importer.stdin is not None
    importer.stdin.write("\n")
    importer.stdin.flush()
    assert importer.wait(30) == 0
    mine.join(30)
    assert len(named(project)) == 90
    assert files(project) == named(project)


def test_notes_that_a_power_cut_spoilt_stop_nobody(project: Project, tmp_path: Path) -> None:
    sha = project.media.put(b"nobody's")
    (project.media.folder / ".written").write_bytes(f"{sha}\n".encode() + b"\0\xff" * 40)
    Project.open(project.root).close()
    bring(project, rows(tmp_path, range(3)))
    assert files(project) == named(project) and len(named(project)) == 3


def test_the_turn_ends_with_an_error_as_well(project: Project) -> None:
    for _ in range(2):
        with pytest.raises(ImportFailed), turn(project.store, project.media, lambda: pytest.fail("nobody else imports")):
            raise ImportFailed("It ends here.")
