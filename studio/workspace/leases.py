"""Which items are in whose hands: what somebody is about to label is not handed to somebody else meanwhile.

A page says, with each act, which items come next on it; it is granted those that nobody else holds. Kept in memory alone: a lease
saves work, it does not guard labels, for what two people say of one item is kept anyway. Refuses to know what an item is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from threading import Lock

HELD_S = 300.0
"""A lease ends so long after its holder's last act."""
AHEAD = 12
"""Items that a page holds: those it has fetched already, and a few more."""


class Leases:
    """Of one project. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of: dict[int, tuple[str, float]] = {}
        self._seen: dict[str, float] = {}

    def renew(self, who: str, coming: Sequence[int]) -> frozenset[int]:
        """Let go of what `who` held, take the first `AHEAD` of `coming`; those of `coming` that somebody else holds."""
        now = time.monotonic()
        with self._lock:
            self._seen[who] = now
            self._of = {item: held for item, held in self._of.items() if held[0] != who and held[1] > now}
            theirs = frozenset(item for item in coming if item in self._of)
            mine = [item for item in coming if item not in theirs][:AHEAD]
            self._of.update({item: (who, now + HELD_S) for item in mine})
            return theirs

    def leave(self, who: str) -> None:
        """`who` is no longer at work: they go by another name now."""
        with self._lock:
            self._seen.pop(who, None)
            self._of = {item: held for item, held in self._of.items() if held[0] != who}

    def held(self, without: str) -> Mapping[int, str]:
        """What others hold: {item: who}."""
        now = time.monotonic()
        with self._lock:
            return {item: who for item, (who, until) in self._of.items() if who != without and until > now}

    def others(self, without: str) -> Mapping[str, int]:
        """Who else is at work, and how many items each holds."""
        now, holding = time.monotonic(), Counter(self.held(without).values())
        with self._lock:
            active = [who for who, seen in self._seen.items() if who != without and seen + HELD_S > now]
        return {who: holding[who] for who in sorted(active)}

    def free(self, items: Collection[int], who: str) -> frozenset[int]:
        """Those of `items` that nobody but `who` holds."""
        held = self.held(who)
        return frozenset(item for item in items if item not in held)
