from __future__ import annotations

from studio.core.results import ClassScore, Comparison, Score
from studio.ui.widgets.comparison import comparison_report, whiskers
from studio.ui.widgets.confusion import heat_map

CLASSES = ("cat", "<b>dog</b>")


def score(method: str, title: str, right: int) -> Score:
    """Ten held-out items a class, `right` of each found."""
    per_class = tuple(ClassScore(name, 0.5, right / 10, 0.5, 10) for name in CLASSES)
    confusion = ((right, 10 - right), (10 - right, right))
    return Score(
        method, title, "note", 20, right / 10, (right / 10 - 0.1, right / 10 + 0.1), 0.5, (0.4, 0.6), per_class, confusion
    )


SCORES = (score("zero_shot", "Zero-shot", 5), score("few_shot", "Few-shot", 7), score("lora", "Fine-tuned", 8))
COMPARISON = Comparison("hf:model", "test", CLASSES, SCORES, "Fine-tuning wins <i>.")


def test_the_report_says_how_many_were_held_out_and_that_they_are_the_same() -> None:
    assert "20 labelled items of the test split, the same for all methods" in comparison_report(COMPARISON)


def test_the_report_shows_three_figures_with_intervals() -> None:
    html = comparison_report(COMPARISON)
    for figure in ("50.0 %", "70.0 %", "80.0 %", "70.0–90.0 %"):
        assert figure in html


def test_the_best_recall_of_a_class_is_bold() -> None:
    assert comparison_report(COMPARISON).count("<b>80 %</b>") == len(CLASSES)


def test_names_and_verdict_are_escaped() -> None:
    html = comparison_report(COMPARISON)
    assert "<b>dog</b>" not in html
    assert "&lt;i&gt;" in html


def test_a_method_without_a_result_says_why_and_has_no_whisker() -> None:
    missing = Score("lora", "Fine-tuned", "", 20, why_not="No finished run.")
    assert "No finished run." in comparison_report(Comparison("m", "val", CLASSES, (*SCORES[:2], missing), ""))
    assert whiskers((*SCORES[:2], missing), "Accuracy").count('role="img"') == 2


def test_the_whisker_lies_where_the_interval_lies() -> None:
    assert "left:40.00%;width:20.00%" in whiskers(SCORES[:1], "Accuracy")


def test_pairs_show_recall_both_ways() -> None:
    recall = {f"{way}@{k}": 0.5 for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)}
    pair = Score("zero_shot", "Before", "", 79, ci95=(0.4, 0.6), recall=recall, recall_ci95={k: (0.4, 0.6) for k in recall})
    html = comparison_report(Comparison("m", "val", (), (pair,), ""))
    assert "79 pictures of the validation split" in html
    assert "Text → picture, recall@10" in html
    assert "40.0–60.0 %" in html


def test_the_heat_map_names_the_commonest_mistake() -> None:
    html = heat_map(SCORES[0], CLASSES)
    assert "10 mistakes" in html
    assert html.count("<td") == 4
