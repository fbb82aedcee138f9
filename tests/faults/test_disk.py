"""A disk that is full, a folder that is read-only or far away: an error that says so, nothing lost, and it recovers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.core.errors import ImportFailed, ProjectError
from studio.core.types import ImportOptions
from studio.data.place import network_file_system
from studio.data.project import Project
from studio.data.store import Store
from studio.settings import Settings
from studio.ui.answers import answering
from studio.ui.widgets.label import Desk
from studio.workspace import Workspace
from tests.data.test_enter import bring, candidates

ITEMS = 2_000


def mounted(options: list[str], folder: Path) -> None:
    """Skips where this user may not mount."""
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True) if shutil.which("mount") else None
    if done is None or done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip() if done else 'no mount'}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted(["-t", "tmpfs", "-o", "size=4m", "none"], folder)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write until nothing more fits; the file that takes the room."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return path


def test_on_a_full_disk_an_act_says_so_what_was_saved_is_kept_and_it_recovers(small_disk: Path, tmp_path: Path) -> None:
    rows = "".join(f"text number {n},cat\n" for n in range(ITEMS))
    (tmp_path / "texts.csv").write_text(f"text,label\n{rows}", "utf-8")
    workspace = Workspace(Settings(home=tmp_path / "home", offline=True))
    project = workspace.create_project("Full", "text-classification", str(small_disk / "project"))
    project.labelling.import_data(str(tmp_path / "texts.csv"), ImportOptions(keep_labels=False, test_share=0))
    project.labelling.add_class("cat") if not project.labelling.classes() else None
    act = answering(Desk(workspace).act)

    def label(item: int) -> dict[str, Any]:
        return act({"project": project.id, "id": f"n{item}", "act": "label", "item": item, "label": "cat"})

    assert label(1)["ok"]
    filler = fill(small_disk)
    said = [label(item) for item in range(2, ITEMS)]
    refused = [answer for answer in said if not answer["ok"]]
    assert {(answer["error"], answer["hint"]) for answer in refused} == {
        ("Not saved: the disk is full.", "Free some space, then do it again; what was saved before is kept.")
    }
    with pytest.raises((ProjectError, ImportFailed)):
        more = tmp_path / "more.csv"
        more.write_text("text\n" + "".join(f"other {n}\n" for n in range(ITEMS)), "utf-8")
        project.labelling.import_data(str(more), ImportOptions())
    filler.unlink()
    acknowledged = [1, *(item for item, answer in enumerate(said, 2) if answer["ok"])]
    assert project.labelling.counts().labelled == len(acknowledged) and project.labelling.counts().total == ITEMS
    assert label(ITEMS)["ok"]
    workspace.close()
    with Project.open(small_disk / "project") as again:
        assert all(again.store.item(item).label == "cat" for item in (*acknowledged, ITEMS))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_where_no_file_may_grow_nothing_acknowledged_is_lost_and_it_recovers(tmp_path: Path) -> None:
    import resource

    store = Store(tmp_path / "studio.db")
    bring(store, candidates("ab", 500))
    grown = (tmp_path / "studio.db-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (grown + 64 * 1024, hard))
    kept = []
    try:
        with pytest.raises(ProjectError, match="Not saved"):
            for item in range(1, 500):
                store.label(item, "b", "ann")
                kept.append(item)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 0 < len(kept) < 499
    assert [len(store.history(item)) for item in range(1, len(kept) + 2)] == [2] * len(kept) + [1]
    store.label(499, "b", "ann")
    store.close()
    again = Store(tmp_path / "studio.db")
    assert all(again.item(item).label == "b" for item in (*kept, 499))
    again.close()


def test_a_read_only_folder_is_refused_with_the_reason_and_opens_once_it_can_be_written(tmp_path: Path) -> None:
    Project.create(tmp_path / "project", "Kept", "text-classification").close()
    folder = tmp_path / "project"
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:  # permissions do not bind root, a mount does
        mounted(["--bind", str(folder)], folder)
        mounted(["-o", "remount,ro,bind"], folder)
    else:
        folder.chmod(0o500)
    try:
        with pytest.raises(ProjectError, match="cannot be written") as refused:
            Project.open(folder)
        assert refused.value.hint == "Choose a folder that you may write to."
    finally:
        if root:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        else:
            folder.chmod(0o700)
    Project.open(folder).close()


Mount = namedtuple("Mount", "device mountpoint fstype opts")


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/home/ann/.studio", "nfs4"),
        ("/home/ann/disk/project", None),
        ("/srv/share/project", "fuse.sshfs"),
        ("/srv/shared", None),
        ("/media/project", "cifs"),
    ],
)
def test_a_network_file_system_is_known_by_the_mount_that_a_folder_lies_on(
    monkeypatch: pytest.MonkeyPatch, folder: str, found: str | None
) -> None:
    table = [("/", "ext4"), ("/media", "ext4"), ("/home/ann", "nfs4"), ("/home/ann/disk", "xfs")]
    table += [("/srv/share", "fuse.sshfs"), ("/media", "cifs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [Mount("x", place, kind, "rw") for place, kind in table])
    assert network_file_system(Path(folder)) == found


def test_a_project_on_a_network_file_system_is_neither_made_nor_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.create(tmp_path / "project", "Here", "text-classification").close()
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [Mount("server:/x", str(tmp_path.resolve()), "nfs", "rw")])
    for work in (lambda: Project.open(tmp_path / "project"), lambda: Project.create(tmp_path / "new", "There", "x")):
        with pytest.raises(ProjectError, match=r"network file system \(nfs\)") as refused:
            work()
        assert "a disk of this computer" in refused.value.hint
    assert not (tmp_path / "new" / "project.json").exists()
