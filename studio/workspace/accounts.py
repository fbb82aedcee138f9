"""Who may sign in, and who is signed in: one file in the home folder that only its owner can read.

Keeps no password and no session's token, only what tells them again: argon2 of the one, sha256 of the other. Refuses short
passwords and names that are no person's. Knows nothing of the web.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from filelock import FileLock

from studio.core.errors import BadInput, NotFound, ProjectError
from studio.core.publish import publish_text
from studio.workspace.people import person

SHORTEST, LONGEST = 8, 1_000
"""Characters of a password."""
SESSION_S = 7 * 24 * 3600
MOST_SESSIONS = 1_000
"""Older ones are signed out."""


class _Session(TypedDict):
    name: str
    until: float


class _Kept(TypedDict):
    accounts: dict[str, str]
    """{name: argon2 of the password}."""
    sessions: dict[str, _Session]
    """{sha256 of the token: whose}."""


class Accounts:
    """Of one home folder; what another process changes is seen at the next question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._kept: _Kept = {"accounts": {}, "sessions": {}}

    def names(self) -> tuple[str, ...]:
        """Who may sign in, in alphabetical order."""
        return tuple(sorted(self._now()["accounts"]))

    def set(self, name: str, password: str) -> str:
        """A new account, or another password for one that is there, which signs it out everywhere; the name as it is kept.
        Raises BadInput."""
        clean = person(name)
        if not SHORTEST <= len(password) <= LONGEST:
            raise BadInput(f"A password has {SHORTEST} to {LONGEST:,} characters.", "Three or four words make a good one.")
        hashed = _hasher().hash(password)
        with self._changing() as kept:
            kept["accounts"][clean] = hashed
            _end(kept, clean)
        return clean

    def remove(self, name: str) -> None:
        """The account, and with it every session of it. Raises NotFound."""
        with self._changing() as kept:
            if kept["accounts"].pop(name, None) is None:
                raise NotFound(f"There is no account {name!r}.", f"There are: {', '.join(sorted(kept['accounts'])) or 'none'}.")
            _end(kept, name)

    def sign_in(self, name: str, password: str) -> str | None:
        """The token of a new session; None where the name or the password is wrong, which takes as long."""
        import argon2

        hashed = self._now()["accounts"].get(name)
        try:
            _hasher().verify(hashed or _nobodys(), password[: LONGEST + 1])
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return None
        if hashed is None:
            return None
        token = secrets.token_urlsafe(32)
        with self._changing() as kept:
            if kept["accounts"].get(name) != hashed:  # changed meanwhile
                return None
            kept["sessions"][_told(token)] = {"name": name, "until": time.time() + SESSION_S}
        return token

    def signed_in(self, token: str) -> str | None:
        """Whose session that is; None where there is none, or it is over."""
        session = self._now()["sessions"].get(_told(token))
        return session["name"] if session and session["until"] > time.time() else None

    def sign_out(self, token: str) -> None:
        """End that session, if there is one."""
        with self._changing() as kept:
            kept["sessions"].pop(_told(token), None)

    def _now(self) -> _Kept:
        """As the file stands; read again where it was changed."""
        try:
            at = self._path.stat()
        except FileNotFoundError:
            return {"accounts": {}, "sessions": {}}
        with self._lock:
            if self._read_at != (at.st_mtime_ns, at.st_ino):
                self._kept = _parsed(self._path)
                self._read_at = (at.st_mtime_ns, at.st_ino)
            return self._kept

    @contextmanager
    def _changing(self) -> Iterator[_Kept]:
        """What is kept, to be changed; written where nothing was raised, for its owner alone."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._path.with_name(f".{self._path.name}.lock"), mode=0o600):
            kept = _parsed(self._path) if self._path.exists() else _Kept(accounts={}, sessions={})
            yield kept
            now = time.time()
            alive = sorted((s["until"], told) for told, s in kept["sessions"].items() if s["until"] > now)
            kept["sessions"] = {told: kept["sessions"][told] for _, told in alive[-MOST_SESSIONS:]}
            publish_text(self._path, json.dumps(kept, indent=2), private=True)


def _parsed(path: Path) -> _Kept:
    """Raises ProjectError: who may sign in is not guessed."""
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        accounts = {str(name): str(hashed) for name, hashed in found["accounts"].items()}
        sessions = {str(told): _Session(name=str(s["name"]), until=float(s["until"])) for told, s in found["sessions"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProjectError(f"{path} cannot be read ({error}).", "Move it away, and make the accounts anew.") from error
    return {"accounts": accounts, "sessions": sessions}


def _end(kept: _Kept, name: str) -> None:
    kept["sessions"] = {told: session for told, session in kept["sessions"].items() if session["name"] != name}


def _told(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _hasher() -> Any:
    from argon2 import PasswordHasher  # not with the page: it is wanted only where people sign in

    return PasswordHasher()


@cache
def _nobodys() -> str:
    """A hash that no password fits."""
    return str(_hasher().hash(secrets.token_urlsafe(32)))
