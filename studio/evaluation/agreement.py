"""How far people agree on labels, beyond chance: Cohen's kappa of two, Fleiss' kappa of several.

κ = (p_o − p_e) / (1 − p_e): the observed share of agreement, and the share that the same habits would give by chance (Cohen 1960;
Fleiss 1971, here with a number of opinions that may differ from item to item). Refuses to know items or people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from studio.core.results.people import Kappa
from studio.evaluation.metrics import wilson


def cohen(said: Iterable[tuple[str, str, int]]) -> Kappa:
    """Of two people: (what one said, what the other said, of how many items). Raises ValueError for no item.

    The interval is of the observed share (Wilson), with chance held as it is.
    """
    first, second, both = Counter[str](), Counter[str](), Counter[bool]()
    for a, b, n in said:
        first[a] += n
        second[b] += n
        both[a == b] += n
    items = both.total()
    if not items:
        raise ValueError("nothing that both have labelled")
    chance = sum(first[c] * second[c] for c in first) / items**2
    return _kappa(both[True] / items, chance, items)


def fleiss(spreads: Sequence[tuple[Sequence[tuple[str, int]], int]]) -> Kappa | None:
    """Of several people: (((class, people who said it), …), of how many items). None where no item has two opinions.

    An item with m opinions has m(m − 1)/2 pairs; its agreement is the share of them that agree, and each item counts alike. The
    interval is as wide as if each item agreed whole or not at all: of several people it is a little too wide.
    """
    opinions, items, agreed = Counter[str](), 0, 0.0
    for spread, n in spreads:
        people = sum(count for _, count in spread)
        if people < 2:
            continue
        share = sum(count * (count - 1) for _, count in spread) / (people * (people - 1))
        items += n
        agreed += n * share
        for name, count in spread:
            opinions[name] += n * count
    if not items:
        return None
    chance = sum((count / opinions.total()) ** 2 for count in opinions.values())
    return _kappa(agreed / items, chance, items)


def _kappa(observed: float, chance: float, items: int) -> Kappa:
    if chance >= 1:
        return Kappa(None, None, None, observed, items)
    value, low, high = ((share - chance) / (1 - chance) for share in (observed, *wilson(observed * items, items)))
    return Kappa(value, max(-1.0, low), high, observed, items)
