"""What the held-out items say: which method to use, big figures with 95 % intervals, every rung, and which classes are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studio.core.results.comparison import Best, Comparison, Score
from studio.ui.widgets.changes import Picture, change_galleries
from studio.ui.widgets.confusion import confusion_maps, worst
from studio.ui.widgets.fold import fold
from studio.ui.widgets.ladder import ladder_table
from studio.ui.widgets.markup import Child, Markup, interval, join, percent, plural, tag, took

SPLITS = {"test": "test split", "val": "validation split"}

KS = (1, 5, 10)

WAYS = (("image_to_text", "Picture → text"), ("text_to_image", "Text → picture"))


def comparison_report(comparison: Comparison, *more: Child, picture: Picture | None = None, model: str = "") -> Markup:
    """The answer, the figures, what changed and the rungs stand open; what else there is to know is folded, `more` after it.

    `picture` gives the address of a picture by its content's hash; without it there are names. `model` is what people
    call it, instead of its id.
    """
    shown = main_methods(comparison)
    pairs = any(score.recall is not None for score in shown)
    ladder = comparison.ladder
    return tag(
        "div",
        _answer(comparison),
        tag("p", _held_out(comparison, pairs, model or comparison.model), class_="st-note"),
        tag("p", comparison.caution, class_="lr-problem", role="note") if comparison.caution else None,
        tag("div", *(_figure(score, pairs, comparison.several) for score in shown), class_="lr-figures"),
        change_galleries(comparison.changes, picture, comparison.several) if comparison.changes else None,
        ladder_table(ladder) if ladder else whiskers(shown, "Recall@1, picture → text" if pairs else "Accuracy"),
        _recall_at_k(shown) if pairs else _per_class(shown, comparison),
        *more,
        class_="lr-report",
    )


def main_methods(comparison: Comparison) -> tuple[Score, ...]:
    """Zero-shot, the rung that stands for few-shot under that title, fine-tuned. Of pairs: all that there are."""
    scores = comparison.scores
    rungs = [score for score in scores if score.method not in ("zero_shot", "lora")]
    if not rungs:
        return scores
    stands = comparison.score(comparison.few_shot) or rungs[0]
    note = stands.note if comparison.few_shot is None else f"{stands.title} · {stands.note}"
    few_shot = replace(stands, method="few_shot", title="Few-shot", note=note)
    return tuple(s for s in (comparison.score("zero_shot"), few_shot, comparison.score("lora")) if s is not None)


def _answer(comparison: Comparison) -> Markup:
    verdict = tag("div", tag("h3", "On the held-out items"), tag("p", comparison.verdict))
    best = comparison.best
    said = _best(best, best.rung == comparison.few_shot) if best else None
    return tag("section", said, verdict, class_="st-card lr-answer")


def _best(best: Best, few_shot: bool) -> Markup:
    title = f"Few-shot: {best.title}" if few_shot else best.title + (f" ({best.run})" if best.run else "")
    chosen = tag("h3", "Best method", tag("small", " chosen on training labels and validation items, without the test split"))
    return tag("div", chosen, tag("p", title, class_="lr-big"), tag("p", best.reason))


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


def _held_out(comparison: Comparison, pairs: bool, model: str) -> str:
    asked = max((score.n for score in comparison.scores), default=0)
    what = plural(asked, "picture" if pairs else "labelled item")
    split = SPLITS.get(comparison.split, comparison.split)
    return f"{what} of the {split}, the same for all methods; none took part in learning. {model}"


def _main(score: Score) -> float | None:
    return score.accuracy if score.recall is None else score.recall.get("image_to_text@1")


def _figure(score: Score, pairs: bool, several: bool) -> Markup:
    head = tag("h3", score.title, tag("small", f" {score.note}" if score.note else ""))
    if _main(score) is None:
        return tag("section", head, tag("p", score.why_not or "No result.", class_="st-note"), class_="st-card lr-figure")
    f1 = (
        None
        if pairs
        else _line("macro-F1", percent(score.macro_f1), interval(score.macro_f1_ci95) or "no interval: a class has one item")
    )
    per_item = (
        _line("per item", took(score.milliseconds), "in batches, when first read") if score.milliseconds is not None else None
    )
    return tag(
        "section",
        head,
        tag("p", percent(_main(score)), class_="lr-big"),
        tag("p", f"{_measure(pairs, several)}, 95 % interval {interval(score.ci95)}", class_="st-note"),
        f1,
        _line("mean average precision", percent(score.mean_average_precision), "") if several else None,
        per_item,
        class_="st-card lr-figure",
    )


def _measure(pairs: bool, several: bool) -> str:
    return "recall@1" if pairs else "items with exactly their classes" if several else "accuracy"


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


def _per_class(shown: Sequence[Score], comparison: Comparison) -> Markup:
    scores, classes = [score for score in shown if score.per_class], comparison.classes
    if not scores:
        return join([])
    best = comparison.best.rung if comparison.best else None
    told = next((s for s in scores if s.method == ("few_shot" if best == comparison.few_shot else best)), scores[-1])
    head = tag(
        "tr", tag("th", "Class", scope="col"), tag("th", "Items", scope="col"), *(tag("th", s.title, scope="col") for s in scores)
    )
    rows = join(_class_row(index, name, scores) for index, name in enumerate(classes))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="lr-table"), class_="lr-scroll", tabindex=0)
    note = tag("p", "Recall: the share of a class's items that were found.", class_="st-note")
    recalls = fold("Which classes are found?", _weakest(told), note, table)
    if comparison.several:  # of several classes none is taken for another: they are found or not
        return recalls
    mistakes = f"{told.title}: {worst(told, classes)}."
    return join([recalls, fold("What is taken for what?", mistakes, confusion_maps(scores, classes))])


def _weakest(score: Score) -> str:
    found = [c for c in score.per_class if c.support]
    least, most = min(found, key=lambda c: c.recall), max(found, key=lambda c: c.recall)
    if least.recall == most.recall:
        return f"{score.title} finds {percent(most.recall, 0)} of every class."
    return f"{score.title} finds {percent(most.recall, 0)} of {most.name}, and of {least.name} {percent(least.recall, 0)}."


def _class_row(index: int, name: str, scores: Sequence[Score]) -> Markup:
    support = scores[0].per_class[index].support
    recalls = [score.per_class[index].recall if support else None for score in scores]
    found = [recall for recall in recalls if recall is not None]
    cells = (_recall_cell(recall, min(found, default=0) < max(found, default=0) == recall) for recall in recalls)
    return tag("tr", tag("th", name, scope="row"), tag("td", f"{support:,}"), *cells)


def _recall_cell(recall: float | None, best: bool) -> Markup:
    words = tag("b", percent(recall, 0)) if best else tag("span", percent(recall, 0))
    return tag("td", tag("i", style=f"--w:{100 * (recall or 0):.1f}%"), words)


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
