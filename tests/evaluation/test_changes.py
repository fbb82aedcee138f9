from __future__ import annotations

from studio.core.types import Item, Prediction
from studio.evaluation.changes import LONGEST, SHOWN, changes

CLASSES = ("cat", "dog")


def item(number: int, label: str, text: str = "a text") -> Item:
    return Item(id=number, name=f"{number}", content={"text": text}, split="test", label=label)


def said(label: str, sure: float) -> Prediction:
    return Prediction((sure, 1 - sure) if label == "cat" else (1 - sure, sure), CLASSES)


def test_what_was_wrong_and_is_right_is_fixed_and_the_reverse_is_broken() -> None:
    items = [item(n, "cat") for n in range(4)]
    before = [said(label, 0.9) for label in ("dog", "cat", "cat", "dog")]
    after = [said(label, 0.8) for label in ("cat", "dog", "cat", "dog")]
    found = changes(("Zero-shot", "Fine-tuned"), items, before, after)
    assert [a.item for a in found.fixed] == [0] and [a.item for a in found.broken] == [1]
    assert {a.item for a in found.worst} == {1, 3}
    assert (found.fixed[0].before, found.fixed[0].after, found.fixed[0].truth) == ("dog", "cat", "cat")


def test_the_surest_come_first_and_all_are_counted() -> None:
    items = [item(n, "cat") for n in range(SHOWN + 3)]
    after = [said("cat", 0.51 + 0.01 * n) for n in range(len(items))]
    found = changes(("A", "B"), items, [said("dog", 0.6)] * len(items), after)
    assert found.n_fixed == SHOWN + 3 and len(found.fixed) == SHOWN
    assert found.fixed[0].item == SHOWN + 2 and found.fixed[0].confidence > found.fixed[-1].confidence


def test_of_a_long_text_the_beginning_is_kept() -> None:
    found = changes(("A", "B"), [item(1, "cat", "x" * 5000)], [said("dog", 0.6)], [said("cat", 0.6)])
    assert len(found.fixed[0].content["text"]) == LONGEST + 1
