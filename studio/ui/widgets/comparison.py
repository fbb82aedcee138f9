"""The verdict on the held-out items: big figures with 95 % intervals, dots with whiskers, a table of recall per class."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.results import Comparison, Score
from studio.ui.widgets.confusion import confusion_maps
from studio.ui.widgets.markup import Markup, interval, join, percent, plural, tag, took
from studio.ui.widgets.model_choice import short_name

SPLITS = {"test": "test split", "val": "validation split"}

KS = (1, 5, 10)

WAYS = (("image_to_text", "Picture → text"), ("text_to_image", "Text → picture"))


def comparison_report(comparison: Comparison) -> Markup:
    """The whole report. What is held out, and that it is the same for all, is said first."""
    scores = comparison.scores
    pairs = any(score.recall is not None for score in scores)
    details = _recall_at_k(scores) if pairs else _per_class(comparison)
    return tag(
        "div",
        tag("p", comparison.verdict, class_="lr-verdict"),
        tag("p", _held_out(comparison, pairs), class_="st-note"),
        tag("div", *(_figure(score, pairs) for score in scores), class_="lr-figures"),
        whiskers(scores, "Recall@1, picture → text" if pairs else "Accuracy"),
        details,
        class_="lr-report",
    )


def whiskers(scores: Sequence[Score], what: str) -> Markup:
    """A dot at each method's figure, a line over its 95 % interval, all on one axis from 0 to 100 %."""
    rows = (_whisker(score) for score in scores if _main(score) is not None)
    axis = tag(
        "div",
        *(tag("span", f"{tick} %", style=f"left:{tick}%") for tick in (0, 25, 50, 75, 100)),
        class_="lr-axis",
        aria_hidden="true",
    )
    title = tag("h3", what, tag("small", " dot: measured; line: 95 % interval"))
    return tag("section", title, tag("div", *rows, axis, class_="lr-whiskers"), class_="st-card")


def _held_out(comparison: Comparison, pairs: bool) -> str:
    asked = max((score.n for score in comparison.scores), default=0)
    what = plural(asked, "picture" if pairs else "labelled item")
    split = SPLITS.get(comparison.split, comparison.split)
    return f"{what} of the {split}, the same for all methods; none took part in learning. {short_name(comparison.model)}"


def _main(score: Score) -> float | None:
    return score.accuracy if score.recall is None else score.recall.get("image_to_text@1")


def _figure(score: Score, pairs: bool) -> Markup:
    head = tag("h3", score.title, tag("small", f" {score.note}" if score.note else ""))
    if _main(score) is None:
        return tag("section", head, tag("p", score.why_not or "No result.", class_="st-note"), class_="st-card lr-figure")
    f1 = None if pairs else _line("macro-F1", percent(score.macro_f1), interval(score.macro_f1_ci95))
    per_item = (
        _line("per item", took(score.milliseconds), "in batches, when first read") if score.milliseconds is not None else None
    )
    return tag(
        "section",
        head,
        tag("p", percent(_main(score)), class_="lr-big"),
        tag("p", f"{'recall@1' if pairs else 'accuracy'}, 95 % interval {interval(score.ci95)}", class_="st-note"),
        f1,
        per_item,
        class_="st-card lr-figure",
    )


def _line(name: str, value: str, note: str) -> Markup:
    return tag("p", f"{name} ", tag("b", value), tag("span", f" {note}", class_="st-note") if note else None)


def _whisker(score: Score) -> Markup:
    value = _main(score) or 0.0
    low, high = score.ci95 or (value, value)
    spoken = f"{score.title}: {percent(value)}, 95 % interval {interval((low, high))}"
    line = tag("i", style=f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%")
    dot = tag("b", style=f"left:{100 * value:.2f}%")
    return tag(
        "div", tag("span", score.title), tag("div", line, dot, role="img", aria_label=spoken), class_=f"lr-whisker {score.method}"
    )


def _per_class(comparison: Comparison) -> Markup:
    scores = [score for score in comparison.scores if score.per_class]
    if not scores:
        return join([])
    head = tag(
        "tr", tag("th", "Class", scope="col"), tag("th", "Items", scope="col"), *(tag("th", s.title, scope="col") for s in scores)
    )
    rows = join(_class_row(index, name, scores) for index, name in enumerate(comparison.classes))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="lr-table"), class_="lr-scroll", tabindex=0)
    recalls = tag(
        "section",
        tag("h3", "Recall per class", tag("small", " share of a class's items that were found")),
        table,
        class_="st-card",
    )
    maps = tag("section", tag("h3", "What is taken for what"), confusion_maps(scores, comparison.classes), class_="st-card")
    return join([recalls, maps])


def _class_row(index: int, name: str, scores: Sequence[Score]) -> Markup:
    recalls = [score.per_class[index].recall for score in scores]
    cells = (_recall_cell(recall, recall == max(recalls) and min(recalls) < recall) for recall in recalls)
    return tag("tr", tag("th", name, scope="row"), tag("td", f"{scores[0].per_class[index].support:,}"), *cells)


def _recall_cell(recall: float, best: bool) -> Markup:
    words = tag("b", percent(recall, 0)) if best else tag("span", percent(recall, 0))
    return tag("td", tag("i", style=f"--w:{100 * recall:.1f}%"), words)


def _recall_at_k(scores: Sequence[Score]) -> Markup:
    shown = [score for score in scores if score.recall is not None]
    head = tag("tr", tag("th", "Recall", scope="col"), *(tag("th", score.title, scope="col") for score in shown))
    rows = (_recall_row(f"{way}@{k}", f"{words}, recall@{k}", shown) for way, words in WAYS for k in KS)
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="lr-table")
    title = tag("h3", "Recall@k both ways", tag("small", " the right one is among the first k"))
    return tag("section", title, tag("div", table, class_="lr-scroll"), class_="st-card")


def _recall_row(key: str, words: str, scores: Sequence[Score]) -> Markup:
    cells = (
        tag("td", tag("span", percent((s.recall or {}).get(key))), tag("small", f" {interval((s.recall_ci95 or {}).get(key))}"))
        for s in scores
    )
    return tag("tr", tag("th", words, scope="row"), *cells)
