"""What a tree of files means, on disk or in an archive: splits, classes and tables by the names of folders.

`train/cat/1.jpg`, `cat/1.jpg`, `test/1.jpg`, `train.csv` beside `test.csv`, `captions.csv` that names pictures. Hidden files
and what systems leave behind are passed over in silence; every other file becomes a row or a reject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from studio.core.errors import ImportFailed
from studio.core.interfaces import Progress
from studio.core.results.projects import Reject
from studio.core.types import Split
from studio.data.exported import SIDECAR, Sidecar, read_sidecar
from studio.data.importers import MAX_FILE_BYTES, ImportRequest, Offered, Row, split_of
from studio.data.importers.arrow import stored_rows, stored_splits
from studio.data.importers.formats import TABLE_SUFFIXES
from studio.data.importers.records import table_rows

Parts = tuple[str, ...]

LINK = "is a link, which is not followed: put what it leads to in its place"

_LEFT_BEHIND = frozenset({"__macosx", "thumbs.db", "desktop.ini", "__pycache__"})
_NESTED = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})


class Tree(Protocol):
    """Files by their path's parts, as an importer sees them."""

    title: str

    def paths(self) -> Sequence[Parts]:
        """Every file and every link that is not followed, in natural order."""
        ...

    def is_unfollowed_link(self, path: Parts) -> bool:
        """Whether that one of `paths` is a link, to a folder or in an archive, so that `read` refuses it."""
        ...

    def read(self, path: Parts, most: int = MAX_FILE_BYTES) -> bytes | Reject:
        """A file's bytes, `most` at most, or why it cannot be had."""
        ...


def tree_rows(tree: Tree, request: ImportRequest, progress: Progress | None = None) -> Iterator[Offered]:
    """The rows of a tree. Raises ImportFailed where it holds nothing that the request can use."""
    paths = [path for path in tree.paths() if not _hidden(path)]
    sidecar = _take_sidecar(tree, paths)
    yield from sidecar.classes if sidecar else ()
    if stored := stored_splits(paths):
        yield from stored_rows(tree, stored, paths, request, progress)
        return
    tables = [path for path in paths if suffix(path[-1]) in TABLE_SUFFIXES]
    suffixes = request.suffixes()
    loose = [path for path in paths if suffix(path[-1]) in suffixes]
    if tables and (sidecar or len(request.modalities) > 1 or not loose):
        yield from _table_files(tree, tables, request, progress)
        return
    if len(request.modalities) > 1:
        wanted = " and ".join(request.modalities)
        raise ImportFailed(
            f"{tree.title} holds no table, and each item needs {wanted}.",
            "Put a captions.csv with the columns image and caption beside the pictures.",
        )
    if not loose:
        links = " Links in it are not followed." if any(map(tree.is_unfollowed_link, paths)) else ""
        raise ImportFailed(
            f"{tree.title} holds nothing to import.",
            f"This project takes {', '.join(sorted(suffixes))} files or tables.{links}",
        )
    yield from _loose_files(tree, paths, loose, request, progress, sidecar.folders if sidecar else {})


def _take_sidecar(tree: Tree, paths: list[Parts]) -> Sidecar | None:
    """What an export says of its classes; its file is then none of the `paths`."""
    for path in sorted((path for path in paths if path[-1] == SIDECAR), key=len)[:1]:
        data = tree.read(path)
        sidecar = None if isinstance(data, Reject) else read_sidecar(data)
        if sidecar is not None:
            paths.remove(path)
        return sidecar
    return None


def _loose_files(
    tree: Tree,
    paths: list[Parts],
    loose: list[Parts],
    request: ImportRequest,
    progress: Progress | None,
    labels: Mapping[str, str],
) -> Iterator[Row | Reject]:
    """`labels` is {folder: class} where they differ."""
    place, suffixes = Layout(loose, tree.title), request.suffixes()
    for number, path in enumerate(paths, 1):
        shown = "/".join(path)
        modality = suffixes.get(suffix(path[-1]))
        if modality is None:
            yield Reject(shown, None, LINK if tree.is_unfollowed_link(path) else _why_not_taken(path[-1], request))
        else:
            data = tree.read(path)
            if isinstance(data, Reject):
                yield data
            else:
                split, label = place(path)
                yield Row({modality: data}, path[-1], shown, None, labels.get(label, label) if label else label, split)
            del data  # before the next is read: one may have 200 MB
        if progress:
            progress(number, len(paths), shown)


def _table_files(tree: Tree, tables: list[Parts], request: ImportRequest, progress: Progress | None) -> Iterator[Row | Reject]:
    for path in tables:
        data = tree.read(path)
        if isinstance(data, Reject):
            yield data
            continue
        stem = path[-1].rsplit(".", 1)[0]
        split = split_of(stem) or (split_of(path[-2]) if len(path) > 1 else None)
        yield from table_rows(data, "/".join(path), path[:-1], tree, request, split, progress)


class Layout:
    """Where a file stands: (split, label), from the folders above it.

    The first folders are splits where all of them bear a split's name, or one is called train and holds folders itself (a
    `train` of pictures beside `bus` and `car` is a class); the next are classes.
    A lone folder around everything (as archives often have) is passed over. A tree that is itself called `test` or `val` is
    held out; one called `train` still shares out its items, since a person may have no other.
    """

    def __init__(self, paths: Sequence[Parts], title: str) -> None:
        self._depth = 0
        name = title.rsplit(".", 1)[0] if title.lower().endswith(".zip") else title
        while lone := self._lone_folder(paths):
            self._depth += 1
            name = lone
        tops = {path[self._depth] for path in paths if len(path) > self._depth + 1}
        holds_folders = {path[self._depth] for path in paths if len(path) > self._depth + 2}
        trains = any(split_of(top) == "train" for top in holds_folders)
        self._has_splits = bool(tops) and (trains or all(split_of(top) for top in tops))
        whole = split_of(name)
        self._whole: Split | None = whole if whole != "train" and not self._has_splits else None

    def __call__(self, path: Parts) -> tuple[Split | None, str | None]:
        folders = path[self._depth : -1]
        split = self._whole
        if self._has_splits and folders and split_of(folders[0]):
            split, folders = split_of(folders[0]), folders[1:]
        return split, folders[0] if folders else None

    def _lone_folder(self, paths: Sequence[Parts]) -> str | None:
        """The folder around everything at this depth, if it is neither a split nor a class."""
        tops = {path[self._depth] for path in paths}
        within = all(len(path) > self._depth + 2 for path in paths)
        lone = next(iter(tops)) if len(tops) == 1 and within else None
        return lone if lone and not split_of(lone) else None


def suffix(name: str) -> str:
    """Lower case, with the dot; empty where there is none."""
    return "." + name.rsplit(".", 1)[1].lower() if "." in name else ""


def _hidden(path: Parts) -> bool:
    return any((part.startswith(".") and part not in {".", ".."}) or part.lower() in _LEFT_BEHIND for part in path)


def _why_not_taken(name: str, request: ImportRequest) -> str:
    if suffix(name) in _NESTED:
        return "is an archive inside the source: unpack it first"
    if suffix(name) in TABLE_SUFFIXES:
        return "is a table beside files: import it by itself"
    return f"is not a file that this project takes ({', '.join(sorted(request.suffixes()))})"
