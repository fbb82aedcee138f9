"""Which items are in whose hands: what somebody is about to label is not handed to somebody else meanwhile.

A page says, with each act, which items come next on it; it is granted those that nobody else holds. Kept in memory alone: a lease
saves work, it does not guard labels, for what two people say of one item is kept anyway. Refuses to know what an item is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from threading import Lock

HELD_S = 300.0
"""A lease ends so long after its holder's last act."""
AHEAD = 12
"""Items that a page holds: those it has fetched already, and a few more."""


class Leases:
    """Of one project. Thread-safe. What each act asks takes as long as there are people, not items in their hands."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by: dict[str, tuple[float, list[int]]] = {}
        """{who: (until when, items)}, of everybody who is at work."""
        self._of: dict[int, str] = {}
        self._seats: dict[str, dict[str, float]] = {}
        """{who: {browser: until when}}."""

    def sits(self, who: str, browser: str) -> bool:
        """Note that `who` sits at that browser; whether the same name is at work in another one too."""
        now = time.monotonic()
        with self._lock:
            there = {seat: until for seat, until in self._seats.get(who, {}).items() if until > now}
            self._seats[who] = {**there, browser: now + HELD_S}
            return len(self._seats[who]) > 1

    def renew(self, who: str, coming: Sequence[int]) -> frozenset[int]:
        """Let go of what `who` held, take the first `AHEAD` of `coming`; those of `coming` that somebody else holds."""
        now = time.monotonic()
        with self._lock:
            for gone in [name for name, (until, _) in self._by.items() if name == who or until <= now]:
                for item in self._by.pop(gone)[1]:
                    del self._of[item]
            theirs = frozenset(item for item in coming if item in self._of)
            mine = list(dict.fromkeys(item for item in coming if item not in theirs))[:AHEAD]
            self._by[who] = (now + HELD_S, mine)
            self._of.update(dict.fromkeys(mine, who))
            return theirs

    def leave(self, who: str, browser: str = "") -> None:
        """Nobody is at work under the name of `who` at that browser any longer: they go by another name now."""
        now = time.monotonic()
        with self._lock:
            left = {seat: until for seat, until in self._seats.pop(who, {}).items() if seat != browser and until > now}
            if left:  # whoever goes by that name elsewhere keeps what they hold
                self._seats[who] = left
                return
            for item in self._by.pop(who, (0.0, []))[1]:
                del self._of[item]

    def held(self, without: str) -> Mapping[int, str]:
        """What others hold: {item: who}."""
        return {item: name for name, items in self._others(without) for item in items}

    def others(self, without: str) -> Mapping[str, int]:
        """Who else is at work, and how many items each holds."""
        return {name: len(items) for name, items in sorted(self._others(without))}

    def _others(self, without: str) -> list[tuple[str, list[int]]]:
        now = time.monotonic()
        with self._lock:
            return [(name, items) for name, (until, items) in self._by.items() if name != without and until > now]
