"""Folders and archives: splits and classes by the names of folders, and what is refused."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from studio.core.errors import ImportFailed
from studio.core.results.projects import Reject
from studio.data.importers import ImportRequest, Row, importer_for
from studio.modalities import modalities_named

IMAGES = ImportRequest(modalities=modalities_named(["image"]))
TEXTS = ImportRequest(modalities=modalities_named(["text"]))
PAIRS = ImportRequest(modalities=modalities_named(["image", "text"]))


def source(root: Path, files: dict[str, bytes], zipped: bool) -> str:
    for name, data in files.items():
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if not zipped:
        return str(root / "data")
    with zipfile.ZipFile(root / "data.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(root / "data.zip")


def taken(source: str, request: ImportRequest = IMAGES) -> tuple[list[Row], list[Reject]]:
    rows = list(importer_for(source).rows(source, request))
    return [row for row in rows if isinstance(row, Row)], [row for row in rows if isinstance(row, Reject)]


def placed(rows: list[Row]) -> set[tuple[str, str | None, str | None]]:
    return {(row.file, row.split, row.label) for row in rows}


both = pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])


@both
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["cat/1.jpg", "dog/2.jpg"], {("cat/1.jpg", None, "cat"), ("dog/2.jpg", None, "dog")}),
        (["cat/1.jpg"], {("cat/1.jpg", None, "cat")}),
        (["1.jpg"], {("1.jpg", None, None)}),
        (["train/cat/1.jpg", "Dev/cat/2.jpg", "test/3.jpg"],
         {("train/cat/1.jpg", "train", "cat"), ("Dev/cat/2.jpg", "val", "cat"), ("test/3.jpg", "test", None)}),
        (["set/train/cat/1.jpg", "set/test/cat/2.jpg"],
         {("set/train/cat/1.jpg", "train", "cat"), ("set/test/cat/2.jpg", "test", "cat")}),
        (["test/cat/1.jpg"], {("test/cat/1.jpg", "test", "cat")}),
        (["cat/a/1.jpg", "dog/2.jpg"], {("cat/a/1.jpg", None, "cat"), ("dog/2.jpg", None, "dog")}),
        (["train/1.jpg", "bus/2.jpg", "car/3.jpg"],
         {("train/1.jpg", None, "train"), ("bus/2.jpg", None, "bus"), ("car/3.jpg", None, "car")}),
        (["train/cat/1.jpg", "test/2.jpg", "more/3.jpg"],
         {("train/cat/1.jpg", "train", "cat"), ("test/2.jpg", "test", None), ("more/3.jpg", None, "more")}),
        (["train/1.jpg", "test/2.jpg", ".cache/3.jpg"], {("train/1.jpg", "train", None), ("test/2.jpg", "test", None)}),
        (["test/1.jpg", "quiz/2.jpg"], {("test/1.jpg", None, "test"), ("quiz/2.jpg", None, "quiz")}),
    ],
)  # fmt: skip
def test_folders_name_splits_and_classes(
    tmp_path: Path, zipped: bool, files: list[str], expected: set[tuple[str, str | None, str | None]]
) -> None:
    rows, rejects = taken(source(tmp_path, dict.fromkeys(files, b"x"), zipped))
    assert placed(rows) == expected
    assert not rejects


def test_names_in_utf8_without_the_zips_flag_are_read_as_they_were_written(tmp_path: Path) -> None:
    raw = "train/grün/1.jpg".encode()  # as zip under the C locale writes it
    with zipfile.ZipFile(tmp_path / "plain.zip", "w") as archive:
        archive.writestr("x" * len(raw), b"x")
    (tmp_path / "plain.zip").write_bytes((tmp_path / "plain.zip").read_bytes().replace(b"x" * len(raw), raw))
    rows, rejects = taken(str(tmp_path / "plain.zip"))
    assert [row.label for row in rows] == ["grün"] and not rejects


@both
def test_what_systems_leave_behind_is_passed_over_and_other_files_are_rejected(tmp_path: Path, zipped: bool) -> None:
    files = [
        "cat/1.jpg", ".DS_Store", "cat/.hidden.jpg", ".ipynb_checkpoints/1.jpg", "__MACOSX/cat/1.jpg", "cat/Thumbs.db",
        "Desktop.ini", "cat/.ipynb_checkpoints/1-checkpoint.jpg", "cat/._1.jpg", "__MACOSX/._cat",
        "cat/2.heic", "inner.zip", "labels.csv",
    ]  # fmt: skip
    rows, rejects = taken(source(tmp_path, dict.fromkeys(files, b"x"), zipped))
    assert [row.file for row in rows] == ["cat/1.jpg"]
    assert {reject.file for reject in rejects} == {"cat/2.heic", "inner.zip", "labels.csv"}


def test_folder_that_is_itself_a_test_split_is_held_out(tmp_path: Path) -> None:
    data = source(tmp_path, {"test/cat/1.jpg": b"x", "test/dog/1.jpg": b"x", "train/cat/2.jpg": b"x"}, zipped=False)
    assert {row.split for row in taken(f"{data}/test")[0]} == {"test"}
    assert {row.split for row in taken(f"{data}/train")[0]} == {None}


@both
def test_tables_of_a_folder_go_where_their_names_say(tmp_path: Path, zipped: bool) -> None:
    files = {"train.csv": b"text,label\nhi,a\n", "dev.csv": b"text,label\nho,b\n", "README.md": b""}
    rows, _ = taken(source(tmp_path, files, zipped), TEXTS)
    assert {(row.content["text"], row.split, row.label) for row in rows} == {("hi", "train", "a"), ("ho", "val", "b")}


@both
def test_table_without_rows_does_not_stop_those_beside_it(tmp_path: Path, zipped: bool) -> None:
    files = {"dev.csv": b"text,label\n", "train.csv": b"text,label\nhi,a\n"}
    rows, rejects = taken(source(tmp_path, files, zipped), TEXTS)
    assert [row.content["text"] for row in rows] == ["hi"]
    assert [(reject.file, reject.reason) for reject in rejects] == [("dev.csv", "has no rows")]


@both
def test_pairs_come_from_the_table_beside_the_pictures(tmp_path: Path, zipped: bool) -> None:
    files = {"set/captions.csv": b"image,caption\na/1.jpg,one\n./a/1.jpg,two\n../x.jpg,three\n", "set/a/1.jpg": b"pixels"}
    rows, rejects = taken(source(tmp_path, files, zipped), PAIRS)
    assert [(row.content, row.name, row.row) for row in rows] == [
        ({"image": b"pixels", "text": "one"}, "1.jpg", 2), ({"image": b"pixels", "text": "two"}, "1.jpg", 3)
    ]  # fmt: skip
    assert [(reject.row, "leads out" in reject.reason) for reject in rejects] == [(4, True)]


@both
def test_source_without_anything_to_import_fails(tmp_path: Path, zipped: bool) -> None:
    with pytest.raises(ImportFailed, match="holds nothing"):
        taken(source(tmp_path, {"notes.md": b"x"}, zipped))


def test_link_that_leads_out_of_the_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    data = source(tmp_path, {"1.jpg": b"x"}, zipped=False)
    Path(data, "2.jpg").symlink_to(tmp_path / "secret.jpg")
    Path(data, "3.jpg").symlink_to(Path(data, "3.jpg"))
    rows, rejects = taken(data)
    assert [row.file for row in rows] == ["1.jpg"]
    assert [reject.file for reject in rejects] == ["2.jpg", "3.jpg"]


def with_linked_folder(root: Path, files: dict[str, bytes], zipped: bool) -> str:
    """A source with `dog`, a link to a folder outside it, and with `.cache`, one that is hidden."""
    path = source(root, files, zipped)
    if zipped:
        with zipfile.ZipFile(path, "a") as archive:
            for name in ("dog", ".cache"):
                link = zipfile.ZipInfo(name)
                link.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(link, "../elsewhere")
        return path
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "2.jpg").write_bytes(b"x")
    for name in ("dog", ".cache"):
        Path(path, name).symlink_to(root / "elsewhere")
    return path


@both
def test_linked_folder_is_rejected_and_the_others_are_taken(tmp_path: Path, zipped: bool) -> None:
    rows, rejects = taken(with_linked_folder(tmp_path, {"cat/1.jpg": b"x"}, zipped))
    assert placed(rows) == {("cat/1.jpg", None, "cat")}
    assert [(reject.file, "is a link" in reject.reason) for reject in rejects] == [("dog", True)]


def test_linked_file_that_is_not_taken_is_rejected_for_its_kind(tmp_path: Path) -> None:
    data = source(tmp_path, {"1.jpg": b"x", "notes.md": b"x"}, zipped=False)
    Path(data, "more.md").symlink_to(Path(data, "notes.md"))
    _, rejects = taken(data)
    assert [(reject.file, "is not a file that this project takes" in reject.reason) for reject in rejects] == [
        ("more.md", True), ("notes.md", True)
    ]  # fmt: skip


@both
def test_source_of_links_alone_says_that_they_are_not_followed(tmp_path: Path, zipped: bool) -> None:
    with pytest.raises(ImportFailed, match="holds nothing") as refused:
        taken(with_linked_folder(tmp_path, {"notes.md": b"x"}, zipped))
    assert "not followed" in refused.value.hint


def test_unsafe_members_are_rejected_and_the_others_taken(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("cat/1.jpg", "../../evil.jpg", "/abs.jpg", "C:\\win.jpg"):
            archive.writestr(name, b"x")
        link = zipfile.ZipInfo("cat/link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        locked = zipfile.ZipInfo("cat/locked.jpg")
        archive.writestr(locked, b"x")
    data = path.read_bytes()
    at = data.rindex(b"cat/locked.jpg") - 46
    path.write_bytes(data[: at + 8] + b"\1" + data[at + 9 :])
    rows, rejects = taken(str(path))
    assert [row.file for row in rows] == ["cat/1.jpg"]
    assert len(rejects) == 5
    assert not list(tmp_path.glob("*.jpg"))


def test_archive_that_grows_too_much_fails(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.jpg", bytes(40 * 2**20))
    with pytest.raises(ImportFailed, match="unpacks to more"):
        taken(str(path))


def test_damaged_archive_fails(tmp_path: Path) -> None:
    path = source(tmp_path, {"1.jpg": b"x"}, zipped=True)
    Path(path).write_bytes(Path(path).read_bytes()[:-10])
    with pytest.raises(ImportFailed, match="whole"):
        taken(path)


def test_source_that_nothing_reads_names_the_forms(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed) as refused:
        importer_for(str(tmp_path / "missing.csv"))
    assert "folder" in refused.value.hint
