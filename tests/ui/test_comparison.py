from __future__ import annotations

from dataclasses import replace

from studio.core.results.comparison import Best, ClassScore, Comparison, Score
from studio.core.results.evidence import Ladder, RungRow
from studio.ui.widgets.comparison import comparison_report, main_methods, whiskers
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


def test_a_class_without_held_out_items_has_no_recall() -> None:
    none = ClassScore("fish", 0.0, 0.0, 0.0, 0)
    table = ((5, 5, 0), (5, 5, 0), (0, 0, 0))
    scores = [replace(s, per_class=(*s.per_class, none), confusion=table) for s in SCORES]
    html = comparison_report(replace(COMPARISON, classes=(*CLASSES, "fish"), scores=tuple(scores)))
    row = html[html.index('scope="row">fish') :].split("</tr>")[0]
    assert row.count("–") == len(SCORES) and " %<" not in row


def test_a_missing_interval_of_macro_f1_says_why() -> None:
    html = comparison_report(replace(COMPARISON, scores=tuple(replace(s, macro_f1_ci95=None) for s in SCORES)))
    assert html.count("no interval: a class has one item") == len(SCORES)


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


RUNGS = (
    SCORES[0],
    score("linear", "Linear head", 6),
    replace(score("instant", "Instant", 7), note="96 labels"),
    Score("prolip", "ProLIP", "", 20, why_not="No projection."),
    SCORES[2],
)
LADDER = Ladder(tuple(RungRow(s.method, s.title, s.note, s.accuracy, s.ci95) for s in RUNGS), "instant", "why", "judged")
BEST = Best("instant", "Instant", "Instant: least loss <out of fold>.")
WHOLE = Comparison("m", "test", CLASSES, RUNGS, "A verdict.", "instant", BEST, LADDER)


def test_of_many_rungs_three_figures_are_shown_and_few_shot_names_its_rung() -> None:
    assert [s.title for s in main_methods(WHOLE)] == ["Zero-shot", "Few-shot", "Fine-tuned"]
    html = comparison_report(WHOLE)
    assert html.count('class="st-card lr-figure"') == 3
    assert "Instant · 96 labels" in html and "Few-shot: Instant" in html


def test_the_answer_stands_before_the_figures_with_its_reason_and_the_paired_test() -> None:
    html = comparison_report(WHOLE)
    said = [html.index(words) for words in ("Best method", "least loss &lt;out of fold&gt;", "A verdict.", "lr-figures")]
    assert said == sorted(said)


def test_all_rungs_stand_on_one_axis_once() -> None:
    html = comparison_report(WHOLE)
    assert html.count('class="lr-dot"') == 4
    assert "No projection." not in comparison_report(replace(WHOLE, ladder=None))
    assert "lr-whiskers" not in html and "lr-whiskers" in comparison_report(replace(WHOLE, ladder=None))


def test_classes_and_confusions_are_folded_behind_what_the_best_method_does() -> None:
    html = comparison_report(WHOLE)
    assert html.count("<details") == 2 and " open" not in html
    assert "Few-shot finds 70 % of" in html
    assert "Few-shot: 6 mistakes" in html
    assert "Fine-tuned finds" in comparison_report(replace(WHOLE, best=replace(BEST, rung="lora")))


def test_without_a_label_few_shot_says_once_why_it_cannot_answer() -> None:
    why = tuple(Score(name, name, "", 20, why_not="No label yet.") for name in ("linear", "instant", "lora"))
    html = comparison_report(Comparison("m", "test", CLASSES, (SCORES[0], *why), ""))
    assert html.count("No label yet.") == 2  # few-shot's and fine-tuned's
    assert "Best method" not in html


def test_where_there_may_be_several_classes_items_are_right_as_a_whole_and_none_is_taken_for_another() -> None:
    scores = tuple(replace(s, confusion=(), mean_average_precision=0.625) for s in SCORES)
    html = comparison_report(replace(COMPARISON, scores=scores, several=True))
    assert html.count("items with exactly their classes, 95 % interval") == 3
    assert html.count("62.5 %") == 3
    assert "Which classes are found?" in html and "What is taken for what?" not in html
