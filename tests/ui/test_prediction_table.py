from __future__ import annotations

from dataclasses import replace

from studio.core.results.answers import MethodAnswer, PredictionTable
from studio.ui.widgets.prediction_table import ROWS_AT_FIRST, prediction_table

ZERO = MethodAnswer("zero_shot", "Zero-shot", "no training", (0.2, 0.7, 0.1), 41.4)
TUNED = MethodAnswer("lora", "Fine-tuned", "", None, None, "No finished run. Start one.")


def many(count: int) -> PredictionTable:
    shares = tuple((k + 1) / sum(range(count + 1)) for k in range(count))
    return PredictionTable(tuple(f"class{k}" for k in range(count)), (MethodAnswer("zero_shot", "Zero-shot", "", shares, 1.0),))


def test_each_method_ticks_its_own_winner() -> None:
    few = MethodAnswer("few_shot", "Few-shot", "96 labels", (0.8, 0.1, 0.1), 42.0)
    html = prediction_table(PredictionTable(("cat", "dog", "owl"), (ZERO, few)))
    assert html.count("✓") == 2
    assert "Zero-shot: dog, 70 %. Few-shot: cat, 80 %." in html
    assert "no training · 41 ms" in html


def test_a_method_that_cannot_answer_says_why_once() -> None:
    html = prediction_table(PredictionTable(("cat", "dog", "owl"), (ZERO, TUNED)))
    assert html.count("No finished run. Start one.") == 1
    assert 'rowspan="3"' in html


def test_few_classes_keep_the_order_of_the_project() -> None:
    html = prediction_table(PredictionTable(("cat", "dog", "owl"), (ZERO,)))
    assert html.index(">cat<") < html.index(">dog<") < html.index(">owl<")


def test_many_classes_show_the_most_probable_and_fold_the_rest() -> None:
    html = prediction_table(many(77))
    assert "Show all 77 classes" in html
    assert html.count('class="more"') == 77 - ROWS_AT_FIRST
    assert html.index(">class76<") < html.index(">class0<")


def test_class_names_are_escaped() -> None:
    html = prediction_table(PredictionTable(("<script>x</script>", "dog", "owl"), (ZERO,)))
    assert "<script" not in html


def test_only_a_method_that_doubts_says_not_sure() -> None:
    doubting = replace(ZERO, sure=False)
    html = prediction_table(PredictionTable(("cat", "dog", "owl"), (ZERO, doubting, replace(ZERO, sure=True))))
    assert html.count(">not sure<") == 1
    assert html.count("Zero-shot: not sure, dog, 70 %.") == 1


def test_where_there_may_be_several_every_class_that_is_likelier_than_not_is_ticked() -> None:
    few = MethodAnswer("few_shot", "Few-shot", "", (0.8, 0.9, 0.1), 42.0)
    none = replace(ZERO, probabilities=(0.2, 0.4, 0.1))
    html = prediction_table(PredictionTable(("cat", "dog", "owl"), (none, few), several=True))
    assert html.count("✓") == 2
    assert "Zero-shot: none of these, 43 %. Few-shot: cat | dog, 65 %." in html
