from __future__ import annotations

from dataclasses import replace

from studio.core.results.comparison import Answered, Changes
from studio.ui.widgets.changes import change_galleries

ONE = Answered(7, "<i>name</i>", {"image": "ab12"}, "<b>cat</b>", "dog", "<b>cat</b>", 0.83)
CHANGES = Changes("Zero-shot", "Fine-tuned", 3, 0, (ONE,), (), ())


def picture(sha: str) -> str:
    return f"/pictures/{sha}"


def test_galleries_show_pictures_with_both_answers_escaped() -> None:
    html = change_galleries(CHANGES, picture)
    assert 'src="/pictures/ab12"' in html and "&lt;b&gt;cat" in html
    assert "<b>cat</b>" not in html and "<i>name" not in html
    assert "83 % sure" in html and "and 2 more items" in html


def test_a_gallery_without_items_says_so() -> None:
    html = change_galleries(CHANGES, picture)
    assert "Broken: 0" in html and "None." in html and "Fine-tuned makes none." in html


def test_texts_stand_as_quotes_and_a_picture_without_an_address_has_its_name() -> None:
    text = replace(ONE, content={"text": "good morning"})
    assert "good morning</q>" in change_galleries(replace(CHANGES, fixed=(text,)), picture)
    assert "<img" not in change_galleries(CHANGES, None) and "&lt;i&gt;name" in change_galleries(CHANGES, None)


def test_a_mistake_of_both_names_the_truth() -> None:
    both = replace(ONE, after="fish")
    assert "is &lt;b&gt;cat" in change_galleries(replace(CHANGES, worst=(both,)), picture)


def test_sets_of_classes_stand_as_lists() -> None:
    sets = replace(ONE, truth="cat | dog", before="none of these", after="cat | dog")
    html = change_galleries(replace(CHANGES, fixed=(sets,)), picture, several=True)
    assert "cat, dog" in html and "none of these" in html and "|" not in html
