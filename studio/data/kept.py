"""Small things that a project keeps beside its items, read as the types that wrote them: a stranger's may say anything."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from studio.data.store import Store

T = TypeVar("T")


def kept(store: Store, key: str, of: type[T]) -> T | None:
    """The value under that key; None where there is none, or it is not what `of` is written as."""
    return checked(store.meta(key), of)


def checked(value: Any, of: type[T]) -> T | None:
    """What JSON has made of an `of`, as that again; None where it is none."""
    try:
        found: T | None = None if value is None else _adapter(cast("Any", of)).validate_python(value)
    except ValidationError:
        return None
    return found


@cache
def _adapter(of: Any) -> TypeAdapter[Any]:
    """Built once: some are asked for at every act."""
    return TypeAdapter(of)
