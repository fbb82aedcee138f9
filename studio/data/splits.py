"""Splits: same items and seed, same split, on any machine and in any order. Reads no files.

Whatever shares a picture stays together (`group`), so the captions of one picture never straddle learning and judging.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from studio.core.types import Item, Split
from studio.data.content import item_group, item_key

K = TypeVar("K", bound=Hashable)

VALIDATION_CAP = 200
"""Enough for ± 7 points at 50 %; every look at them costs a forward pass over all."""
_FEWEST_TO_SHARE = 3
"""Groups that a class needs before one of them is held out."""


def assign(group: str, share: float, seed: int = 0) -> Split:
    """`test` for about `share` of all groups, by hash: no list of items is needed, and a later import changes nothing."""
    return "test" if int(_rank(group, seed)[:15], 16) / 16**15 < share else "train"


Said = Callable[[Item], Sequence[str | None]]
"""The classes that an item is of."""


def one_class(item: Item) -> tuple[str | None, ...]:
    """What an item is of, where it is of one."""
    return (item.label,)


def support(items: Iterable[Item], shots: int, seed: int = 0, said_of: Said = one_class) -> list[Item]:
    """The support set: `shots` labelled items per class (all with 0, or where there are fewer), in order of id.

    Nested: the set of 4 shots lies in the set of 8. Unlabelled items take no part. `said_of` gives an item's classes: where it
    may be of several, each class gets its items, those that others brought included, and so do those that are of none.
    """
    labelled = [item for item in items if item.label is not None]
    if not shots:
        return sorted(labelled, key=lambda item: item.id)
    chosen: list[Item] = []
    have: Counter[str | None] = Counter()
    for item in sorted(labelled, key=lambda item: _rank(item_key(item), seed)):
        names = said_of(item) or (None,)
        if any(have[name] < shots for name in names):
            chosen.append(item)
            have.update(names)
    return sorted(chosen, key=lambda item: item.id)


def validation(
    items: Sequence[Item],
    support: Sequence[Item],
    explicit: Sequence[Item] = (),
    share: float = 0.15,
    cap: int = VALIDATION_CAP,
    seed: int = 0,
    said_of: Said = one_class,
) -> tuple[list[Item], list[Item]]:
    """(support set, validation items) for learning from `support` out of the training candidates `items`.

    `explicit` items (a source's own validation split) are taken where there are any. Else candidates that are not in the
    support set, at most `cap`, in the proportions of their classes. Else, where the support set is everything, `share` of
    it: at least one group a class stays in training, and classes of fewer than three groups give none.
    Items of pairs have no label and count as one class. Where an item may be of several (`said_of`), it counts for the rarest of
    its classes, so that the share is of each class and not of each set.
    """
    held = {item_group(item) for item in support}
    for pool in (explicit, items):
        rest = [item for item in pool if item_group(item) not in held]
        if rest:
            return list(support), _proportional(rest, cap, seed, said_of)
    return _share_out(support, share, cap, seed, said_of)


def _share_out(support: Sequence[Item], share: float, cap: int, seed: int, said_of: Said) -> tuple[list[Item], list[Item]]:
    taken: set[str] = set()
    strata = _group_strata(support, seed, said_of)
    if any(len(said_of(item)) > 1 for item in support):  # few of the rarest of many classes are still some of the items
        few = [name for name, groups in strata.items() if len(groups) < _FEWEST_TO_SHARE]
        strata["|"] = [group for name in few for group in strata.pop(name)]
    smaller = min(1.0, cap / (share * len(support))) if share and support else 1.0
    for groups in strata.values():
        if len(groups) >= _FEWEST_TO_SHARE:
            count = max(1, round(len(groups) * share * smaller))
            taken.update(groups[: min(count, len(groups) - 1)])
    return (
        [item for item in support if item_group(item) not in taken],
        [item for item in support if item_group(item) in taken],
    )


def _proportional(items: Sequence[Item], cap: int, seed: int, said_of: Said) -> list[Item]:
    """At most `cap` items, whole groups, each class by its share, in order of id."""
    order: list[tuple[float, str]] = []
    for groups in _group_strata(items, seed, said_of).values():
        order += [((position + 0.5) / len(groups), group) for position, group in enumerate(groups)]
    members = _strata(items, item_group)
    chosen: list[Item] = []
    for _, group in sorted(order):
        if chosen and len(chosen) + len(members[group]) > cap:
            break
        chosen += members[group]
    return sorted(chosen, key=lambda item: item.id)


def _group_strata(items: Sequence[Item], seed: int, said_of: Said) -> dict[str | None, list[str]]:
    """{class: its groups in hashed order}; a group counts for the class of its first item, of several for the rarest."""
    often = Counter(name for item in items for name in said_of(item))
    class_of: dict[str, str | None] = {}
    for item in items:
        rarest = min(said_of(item), key=lambda name: (often[name], str(name)), default=None)
        class_of.setdefault(item_group(item), rarest)
    strata: dict[str | None, list[str]] = {}
    for group in sorted(class_of, key=lambda group: _rank(group, seed)):
        strata.setdefault(class_of[group], []).append(group)
    return strata


def _strata(items: Iterable[Item], key: Callable[[Item], K]) -> dict[K, list[Item]]:
    strata: dict[K, list[Item]] = {}
    for item in items:
        strata.setdefault(key(item), []).append(item)
    return strata


def _rank(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
