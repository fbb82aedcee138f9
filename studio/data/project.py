"""A project is a folder: `project.json`, `studio.db`, `media/`, `thumbs/`, `features/`, `runs/`.

Owns its creation and opening. `project.json` comes last, so a folder with one is a whole project. Refuses folders that hold
something else, folders on network file systems, and cards of a newer Studio; a database of a newer one is only read.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

from studio.core.errors import BadInput, ProjectError, StudioError
from studio.core.publish import clear_unfinished, make_folder, publish_text, unfinished
from studio.data.content import plain_name, shown
from studio.data.media import Media
from studio.data.place import refuse_network
from studio.data.store import Store
from studio.data.turn import tidy_up

SCHEMA = 1
FOLDERS = ("media", "thumbs", "features", "runs")
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class Project:
    """An open project. Use `create` or `open`, and `close` (or `with`)."""

    def __init__(self, root: Path, card: dict[str, Any]) -> None:
        self.root = root
        self.id = str(card["id"])
        self.name = str(card["name"])
        self.task = str(card["task"])
        self.created = float(card.get("created", 0.0))
        self.media = Media(root / "media", root / "thumbs")
        self.store = Store(root / "studio.db")

    @property
    def features(self) -> Path:
        """Folder of cached features."""
        return self.root / "features"

    @property
    def runs(self) -> Path:
        """Folder of the runs' folders."""
        return self.root / "runs"

    @classmethod
    def create(cls, root: Path, name: str, task: str) -> Project:
        """A new project in an empty or missing folder. Raises BadInput for an empty name, ProjectError for the folder."""
        clean = plain_name(name)
        if not clean:
            raise BadInput("The project needs a name.", "Type one, as in 'Waste on the belt'.")
        card = {"schema": SCHEMA, "id": _new_id(), "name": clean, "task": task, "created": time.time()}
        try:
            make_folder(root)
            root = root.resolve()
            refuse_network(root)
            if any(root.iterdir()):
                raise ProjectError(f"{root} is not empty.", "Choose a new or empty folder, or open the project that is there.")
            for folder in FOLDERS:
                (root / folder).mkdir()
        except OSError as error:
            raise _not_writable(root, error) from error
        project = cls(root, card)
        try:
            _write_card(root, card)
        except OSError as error:
            project.close()
            raise _not_writable(root, error) from error
        return project

    @classmethod
    def open(cls, root: Path, as_copy: bool = False) -> Project:
        """With `as_copy` it gets an id of its own first, and keeps it.

        Raises ProjectError for a folder that is no project, lies on a network file system, cannot be written, or whose card a
        newer Studio wrote.
        """
        root = root.resolve()
        card = read_card(root)
        refuse_network(root)
        try:
            for folder in FOLDERS:
                (root / folder).mkdir(exist_ok=True)
            probe = unfinished(root / "probe")
            probe.touch()
            probe.unlink()
            for place in (root, *root.glob("features/*/")):
                clear_unfinished(place, psutil.pid_exists)
            if as_copy:
                card["id"] = _new_id()
                _write_card(root, card)
        except OSError as error:
            raise _not_writable(root, error) from error
        project = cls(root, card)
        if not project.store.read_only:
            tidy_up(project.store, project.media)
        return project

    def close(self) -> None:
        """Commit what waits. May be called twice."""
        self.store.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def read_card(root: Path) -> dict[str, Any]:
    """`project.json` of a project, without opening it: schema, id, name, task, created. Raises ProjectError."""
    path = root / "project.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not root.is_dir():
            raise ProjectError(f"There is no folder {root}.", "If it was moved, open it where it lies now.") from None
        raise ProjectError(f"{root} is not a Studio project.", "Choose a folder with a project.json in it.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ProjectError(f"{path} cannot be read ({error}).", "Restore the file from a backup.") from error
    if not _is_card(card):
        raise ProjectError(f"{path} is not a project's card.", "Choose a folder that Studio made.")
    if card["schema"] > SCHEMA:
        raise ProjectError(f"{root.name} was written by a newer Studio.", "Update Studio, then open it again.")
    return dict(card)


def _is_card(card: Any) -> bool:
    if not isinstance(card, dict) or type(card.get("schema")) is not int or type(card.get("created", 0.0)) not in (int, float):
        return False
    said = [card.get(part) for part in ("id", "name", "task")]
    return all(isinstance(part, str) and shown(part) == part for part in said) and bool(_ID.fullmatch(card["id"]))


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


def _write_card(root: Path, card: dict[str, Any]) -> None:
    publish_text(root / "project.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def _not_writable(root: Path, error: OSError) -> StudioError:
    return ProjectError(f"{root} cannot be written ({error.strerror or error}).", "Choose a folder that you may write to.")
