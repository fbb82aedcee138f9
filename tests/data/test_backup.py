"""A backup holds the whole project, and nothing is restored that is not byte for byte what was backed up."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest

from studio.core.errors import ProjectError
from studio.core.types import ItemFilter
from studio.data import backup
from studio.data.backup import MANIFEST, back_up, name_in, restore
from studio.data.content import canonical
from studio.data.enter import Candidate, enter
from studio.data.project import Project

Files = dict[str, bytes]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "project", "Waste", "image-text")
    sha = made.media.put(b"a picture")
    rows = [Candidate(canonical({"image": sha, "text": str(n)}), "train", str(n), "cat", "", n) for n in range(5)]
    enter(made.store, rows, keep_labels=True, add_classes=True)
    made.store.label(1, None, "ann")
    run = made.runs / "run-1" / "adapter"
    run.mkdir(parents=True)
    (run / "weights.safetensors").write_bytes(b"weights")
    (made.runs / "run-1" / ".half.tmp").write_bytes(b"unfinished")
    (made.features / "cache").write_bytes(b"made again")
    (tmp_path / "secret").write_bytes(b"of somebody")
    (run / "link").symlink_to(tmp_path / "secret")
    return made


def states(project: Project) -> Any:
    items = [(i.content, i.split, i.name, i.label) for i in project.store.items(ItemFilter(), limit=100)]
    return items, [project.store.history(n) for n in range(1, 6)], project.store.counts(), project.store.classes()


def test_what_was_backed_up_is_restored_with_its_history_pictures_and_runs(project: Project, tmp_path: Path) -> None:
    back_up(project, tmp_path / "kept.zip")
    wanted = states(project)
    project.store.label(2, None, "ann")  # after it
    project.close()
    assert name_in(tmp_path / "kept.zip") == "Waste"
    restore(tmp_path / "kept.zip", tmp_path / "again")
    with Project.open(tmp_path / "again") as again:
        assert states(again) == wanted
        assert again.media.read(hashlib.sha256(b"a picture").hexdigest()) == b"a picture"
        assert (again.runs / "run-1" / "adapter" / "weights.safetensors").read_bytes() == b"weights"
        assert not (again.runs / "run-1" / "adapter" / "link").exists()
        assert not (again.runs / "run-1" / ".half.tmp").exists() and not (again.features / "cache").exists()
        again.store.label(3, None, "ben")
        assert again.store.undo("ben")
    assert {path.name for path in tmp_path.iterdir()} == {"project", "again", "kept.zip", "secret"}


def test_labels_go_on_meanwhile_and_the_backup_is_of_one_moment(project: Project, tmp_path: Path) -> None:
    rows = [Candidate(canonical({"text": f"text {n}"}), "train", str(n), None, "", n) for n in range(3_000)]
    enter(project.store, rows, keep_labels=True, add_classes=True)
    stop = threading.Event()

    def labelling() -> None:
        n = 6
        while not stop.is_set():
            project.store.label(n, "cat", "ann")
            n = 6 + (n - 5) % 3_000

    person = threading.Thread(target=labelling)
    person.start()
    try:
        back_up(project, tmp_path / "kept.zip")
    finally:
        stop.set()
        person.join()
    project.close()
    restore(tmp_path / "kept.zip", tmp_path / "again")
    with Project.open(tmp_path / "again") as again:
        labelled = again.store.items(ItemFilter(labelled=True), limit=4_000)
        assert again.store.counts().labelled == len(labelled)
        assert all(again.store.history(item.id)[-1].after == item.label for item in labelled[-50:])


def changed(source: Path, target: Path, change: Callable[[Files, dict[str, Any]], None]) -> Path:
    """A backup of which some files, or the manifest, are others."""
    with ZipFile(source) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(files.pop(MANIFEST))
    change(files, manifest)
    with ZipFile(target, "w", ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
        packed.writestr(MANIFEST, json.dumps(manifest))
    return target


def listed(files: Files, manifest: dict[str, Any], name: str, data: bytes) -> None:
    files[name] = data
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


MEDIUM = f"media/00/{'0' * 64}"
WRONG: dict[str, Callable[[Files, dict[str, Any]], Any]] = {
    "a byte is another": lambda files, manifest: files.update({"studio.db": files["studio.db"][:-1] + b"x"}),
    "a file is cut off": lambda files, manifest: files.update({"studio.db": files["studio.db"][:-1]}),
    "a file is longer": lambda files, manifest: files.update({"project.json": files["project.json"] + b" "}),
    "a file is missing": lambda files, manifest: files.pop("project.json"),
    "a file is not listed": lambda files, manifest: files.update({"media/more": b"x"}),
    "no database": lambda files, manifest: (files.pop("studio.db"), manifest["files"].pop("studio.db")),
    "a picture under another's name": lambda files, manifest: listed(files, manifest, MEDIUM, b"x"),
    "out of the folder": lambda files, manifest: listed(files, manifest, "../out", b"x"),
    "out of the runs": lambda files, manifest: listed(files, manifest, "runs/../../out", b"x"),
    "an absolute name": lambda files, manifest: listed(files, manifest, "/tmp/out", b"x"),
    "a drive": lambda files, manifest: listed(files, manifest, "C:\\out", b"x"),
    "another folder": lambda files, manifest: listed(files, manifest, "features/x", b"x"),
    "a bomb": lambda files, manifest: files.update({"project.json": b" " * 10**8}),
    "another format": lambda files, manifest: manifest.update(format="x"),
    "a newer Studio": lambda files, manifest: manifest.update(version=2),
    "a length that is none": lambda files, manifest: manifest["files"]["studio.db"].update(bytes="1"),
    "a length beyond every disk": lambda files, manifest: manifest["files"]["studio.db"].update(bytes=10**400),
    "a list that is a bomb": lambda files, manifest: manifest.update(more=" " * 10**8),
    "a version that is none": lambda files, manifest: manifest.update(version=True),
    "a list of lists": lambda files, manifest: manifest.update(more=[[]] * 2_000),
    "a name that cannot be shown": lambda files, manifest: manifest["project"].update(name="\ud800"),
    "files that are none": lambda files, manifest: manifest.update(files=[]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_as_it_was_backed_up_leaves_nothing(project: Project, tmp_path: Path, what: str) -> None:
    back_up(project, tmp_path / "kept.zip")
    project.close()
    bad = changed(tmp_path / "kept.zip", tmp_path / "bad.zip", WRONG[what])
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(ProjectError, match=r"bad\.zip"):
        restore(bad, tmp_path / "again")
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("kind", [ZIP_BZIP2, ZIP_LZMA])
def test_what_can_only_be_unpacked_at_one_go_is_no_backup(project: Project, tmp_path: Path, kind: int) -> None:
    """A kilobyte of it can hold gigabytes, and they would be in memory before they are counted."""
    back_up(project, tmp_path / "kept.zip")
    with ZipFile(tmp_path / "kept.zip") as packed, ZipFile(tmp_path / "bad.zip", "w") as other:
        for info in packed.infolist():
            other.writestr(info.filename, packed.read(info), kind if info.filename == "project.json" else ZIP_DEFLATED)
    for read in (name_in, lambda file: restore(file, tmp_path / "again")):
        with pytest.raises(ProjectError, match=r"bad\.zip is no backup"):
            read(tmp_path / "bad.zip")
    assert not (tmp_path / "again").exists()


def test_packing_that_is_damaged_is_said(project: Project, tmp_path: Path) -> None:
    back_up(project, tmp_path / "kept.zip")
    with ZipFile(tmp_path / "kept.zip") as packed:
        header = packed.getinfo("studio.db").header_offset
    data = (tmp_path / "kept.zip").read_bytes()
    at = header + 30 + sum(struct.unpack_from("<2H", data, header + 26))  # where what is packed begins
    (tmp_path / "bad.zip").write_bytes(data[:at] + b"\xff" * 200 + data[at + 200 :])
    with pytest.raises(ProjectError, match=r"bad\.zip cannot be restored"):
        restore(tmp_path / "bad.zip", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100])
def test_what_is_no_backup_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ProjectError, match="no backup"):
        restore(tmp_path / "x.zip", tmp_path / "again")


def test_a_folder_with_something_in_it_is_left_as_it_is(project: Project, tmp_path: Path) -> None:
    back_up(project, tmp_path / "kept.zip")
    with pytest.raises(ProjectError, match="not empty"):
        restore(tmp_path / "kept.zip", project.root)
    project.close()


def test_too_little_room_is_said_before_anything_is_written(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(project, tmp_path / "kept.zip")
    project.close()
    usage = backup.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda path: usage._replace(free=10))
    with pytest.raises(ProjectError, match="MB"):
        restore(tmp_path / "kept.zip", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_folder_that_cannot_be_written_is_said(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be copied"):
        back_up(project, tmp_path / "missing" / "kept.zip")
    project.close()
