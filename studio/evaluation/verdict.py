"""What a paired test on the same held-out items says of methods, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import comb

SIGNIFICANT = 0.05


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> tuple[int, int, float]:
    """(fixed, broken, p): items that only the second or only the first got right, and the exact two-sided p-value.

    McNemar's test as a binomial on the discordant pairs. Raises ValueError for sequences of different length.
    """
    fixed = sum(b and not a for a, b in zip(first, second, strict=True))
    broken = sum(a and not b for a, b in zip(first, second, strict=True))
    n, k = fixed + broken, min(fixed, broken)
    tail: float = sum(comb(n, i) for i in range(k + 1)) / 2**n if n else 1.0
    return fixed, broken, min(1.0, 2 * tail)


def verdict(right: Mapping[str, Sequence[bool]], titles: Mapping[str, str], what: str = "answer") -> str:
    """A sentence for each method beside the next simpler one, and for the costliest beside the simplest; recommends none.

    `right` holds for each method, simplest first, which held-out items it got right.
    """
    methods = list(right)
    if len(methods) < 2 or not right[methods[0]]:
        return "Only one method can answer here, so there is nothing to compare yet."
    pairs = [*pairwise(methods), *([(methods[0], methods[-1])] if len(methods) > 2 else [])]
    return " ".join(_sentence(a, b, right, titles, what) for a, b in pairs)


def _sentence(a: str, b: str, right: Mapping[str, Sequence[bool]], titles: Mapping[str, str], what: str) -> str:
    fixed, broken, p = mcnemar(right[a], right[b])
    gained = f"{fixed} {what}{'' if fixed == 1 else 's'} gained, {broken} lost"
    if fixed == broken:
        return f"{titles[b]} and {titles[a]} are even: {gained}."
    if p >= SIGNIFICANT:
        return f"{titles[b]} and {titles[a]} cannot be told apart on {len(right[a])} items: {gained} ({_p(p)})."
    return f"{titles[b]} is {'better' if fixed > broken else 'worse'} than {titles[a]}, beyond chance: {gained} ({_p(p)})."


def _p(p: float) -> str:
    return "p\u00a0<\u00a00.001" if p < 0.001 else f"p\u00a0=\u00a0{p:.3f}"
