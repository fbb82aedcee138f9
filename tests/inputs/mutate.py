"""Whole files with a few bytes of them changed, and random bytes: what fuzzing gives to a target, as hypothesis draws it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

TOKENS = (
    b"", b"\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"-1", b"NaN", b"1e999", b"9" * 5000, b"null", b"true", b"[]", b"{}",
    b"[" * 5000, b'"', b",", b"\n", b'"\\ud800"', b'"__metadata__":', b'"auto_map":{"a":"b"},', b"..", b"/", b"PK\3\4", b"PK\1\2",
    b"IHDR", b"IDAT", b"\xff\xd9", b"\xef\xbb\xbf", b"\xff\xfe", b"18446744073709551616",
)  # fmt: skip

Change = tuple[str, float, float, bytes]


def changes() -> st.SearchStrategy[Change]:
    place = st.floats(0, 1)
    kinds = st.sampled_from(("put", "put", "put", "over", "cut", "double"))
    return st.tuples(kinds, place, place, st.one_of(st.sampled_from(TOKENS), st.binary(min_size=1, max_size=8)))


def changed(data: bytes, how: Sequence[Change]) -> bytes:
    for kind, start, length, what in how:
        at = int(start * len(data))
        stop = at + int(length * min(64, len(data) - at))
        middle = {"put": what + data[at:stop], "over": what, "cut": b"", "double": 2 * data[at:stop]}[kind]
        data = data[:at] + middle + data[at + len(what) if kind == "over" else stop :]
    return data


def spoilt(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Mostly a changed seed, now and then bytes of any kind."""
    one = st.builds(changed, st.sampled_from(seeds), st.lists(changes(), min_size=1, max_size=4))
    return st.one_of(one, one, one, st.binary(max_size=200))
