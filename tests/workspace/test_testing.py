"""What a comparison may be judged on where there is no test split."""

from studio.core.types import Item
from studio.workspace.testing import untouched


def items(first: int, last: int) -> list[Item]:
    return [Item(n, {"text": f"text {n}"}, "val", f"row {n}", "a") for n in range(first, last)]


def test_items_that_a_run_was_judged_by_are_left_out() -> None:
    rest, caution = untouched(items(0, 30), items(0, 15))
    assert [i.id for i in rest] == list(range(15, 30)) and not caution


def test_where_too_few_are_left_all_serve_and_it_is_said() -> None:
    rest, caution = untouched(items(0, 30), items(0, 25))
    assert len(rest) == 30 and "flatter" in caution


def test_a_test_split_of_any_size_serves_whole() -> None:
    assert untouched(items(0, 3), items(50, 90)) == (items(0, 3), "")
