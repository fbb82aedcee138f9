import pytest

from studio.core.errors import NotFound
from studio.core.registry import Registry


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    registry: Registry[int] = Registry("number")
    registry.register("one", 1)
    with pytest.raises(NotFound, match=r"no number named 'two'.*Known: one"):
        registry.get("two")


def test_a_name_is_taken_once() -> None:
    registry: Registry[int] = Registry("number")
    registry.register("one", 1)
    with pytest.raises(ValueError, match="twice"):
        registry.register("one", 2)
