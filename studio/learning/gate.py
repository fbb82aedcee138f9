"""The gate: which rung is "best", by out-of-fold evidence, and why in a sentence. Refuses to look at the test split.

The one-standard-error rule (Breiman et al. 1984; Hastie, Tibshirani & Friedman 2009, section 7.10) with the error of paired
differences: the simplest rung that is not worse than the most likely one by more than the noise. A handful of labels has more
noise than any gain, so each rung brings what it showed before, its `head_start`, with the weight of PRIOR labels; some hundred
labels outweigh it. Head starts and PRIOR come from training items outside the support set, over six sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from studio.learning.out_of_fold import log_likelihoods, out_of_fold
from studio.learning.rungs import Rung, all_rungs
from studio.learning.support import Support
from studio.tasks.objectives.likelihood import right

PRIOR = 20
"""Labels that a head start counts for."""
FEW = 6
"""Labels in all below which nothing is learnt: too few to judge by, and on two classes a head start is none."""
SKEWED = 3
"""How many times the labels of another class one may have for a choice that nothing was held out for."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How one method did on items it had not learnt from."""

    name: str
    title: str
    order: int
    """Place on the ladder, as `Rung.order`."""
    log_likelihoods: Tensor
    """`[n]`, of each item's label, after a temperature; of the same items for all that are compared."""
    accuracy: float | None = None
    head_start: float = 0.0
    """As `Rung.head_start`."""
    logits: Tensor | None = None
    """`[n, C]`, before the temperature."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the gate's table."""

    name: str
    title: str
    nll: float
    """Mean negative log-likelihood, in nats."""
    gain: float
    """How much less that is than the first row's."""
    error: float
    """Standard error of `gain`, over paired items."""
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer."""

    rung: str
    reason: str
    table: tuple[Row, ...]
    """In the ladder's order; empty where nothing could be held out."""


def gate(support: Support, rungs: Sequence[Rung] | None = None) -> Verdict:
    """Judge rungs on the support set alone, out of fold. Zero-shot is always among them."""
    chosen = rungs or all_rungs()
    found = [e for rung in chosen if (e := evidence(rung, support)) is not None]
    return decide(support, found, chosen)


def evidence(rung: Rung, support: Support) -> Evidence | None:
    """A rung's out-of-fold evidence; None where no fold can be made or it cannot learn from one."""
    if rung.why_not(support) is not None or (logits := out_of_fold(rung, support)) is None:
        return None
    accuracy = float(right(logits, support.labels).float().mean())
    likelihoods = log_likelihoods(logits, support)
    if not bool(torch.isfinite(likelihoods).all()):  # what is no number is no evidence
        return None
    # what a rung gained on other sets was seen where each item is of one class
    head_start = 0.0 if support.several else rung.head_start
    return Evidence(rung.name, rung.title, rung.order, likelihoods, accuracy, head_start, logits)


def decide(support: Support, found: Sequence[Evidence], rungs: Sequence[Rung] | None = None) -> Verdict:
    """By the evidence, or by a fixed recipe where there is none: a class has a single label, or there are hardly any."""
    count = len(support.labels)
    if count < FEW:
        return Verdict("zero_shot", f"Zero-shot: {count} labels are too few to learn from, or to judge by.", ())
    if found:
        return judge(found)
    some = support.counts[support.labelled]
    if support.several or len(some) < 2 or some.max() > SKEWED * some.min():
        few = (
            "no class is on several items and missing from several"
            if support.several
            else "fewer than two classes have several labels"
        )
        return Verdict("zero_shot", f"Zero-shot: {few}, so nothing that learns can be judged.", ())
    able = [rung for rung in rungs or all_rungs() if rung.why_not(support) is None]
    best = max(able, key=lambda rung: rung.head_start)
    said = f"{best.title}: a fixed choice, as single labels leave none to judge by; it gained most on other sets."
    return Verdict(best.name, said, ())


def judge(found: Sequence[Evidence]) -> Verdict:
    """The simplest of those within one paired standard error of the most likely one, head starts counted."""
    found = sorted(found, key=lambda e: e.order)
    top = max(found, key=_expected)
    best = next(e for e in found if _expected(top) - _expected(e) <= _error(top, e))
    rows = tuple(_row(e, found[0]) for e in found)
    return Verdict(best.name, _reason(best, top, found[0]), rows)


def _expected(e: Evidence) -> float:
    """Log-likelihood a label, of these labels and of PRIOR ones that showed the head start."""
    count = len(e.log_likelihoods)
    return (float(e.log_likelihoods.sum()) + PRIOR * e.head_start) / (count + PRIOR)


def _error(one: Evidence, other: Evidence) -> float:
    """Standard error of the difference of `_expected`: these labels' noise, spread over all."""
    difference = one.log_likelihoods - other.log_likelihoods
    count = len(difference)
    return float(difference.std()) * count**0.5 / (count + PRIOR) if count > 1 else 0.0


def _row(e: Evidence, first: Evidence) -> Row:
    nll = -float(e.log_likelihoods.mean())
    return Row(e.name, e.title, nll, *_gain(e, first), e.accuracy)


def _gain(e: Evidence, over: Evidence) -> tuple[float, float]:
    """(mean, standard error) of what these labels say, without head starts."""
    difference = e.log_likelihoods - over.log_likelihoods
    error = float(difference.std()) / len(difference) ** 0.5 if len(difference) > 1 else 0.0
    return float(difference.mean()), error


def _reason(best: Evidence, top: Evidence, simplest: Evidence) -> str:
    """One sentence with its figures: log loss on labels that had taken no part, and the paired gain."""
    count, nll = len(best.log_likelihoods), -float(best.log_likelihoods.mean())
    said = f"{best.title}: log loss {nll:.3f} on {count} labels that it had not learnt from"
    if best is simplest and best is top:
        return f"{said}; nothing that learns does better."
    if best is simplest:
        gain, error = _gain(top, best)
        if gain <= 0:
            return f"{said}; {top.title}, which gained most on other sets, is not better on these ({gain:+.3f} ± {error:.3f})."
        return f"{said}; {top.title} gains {gain:.3f} ± {error:.3f}, which is not enough to leave the simpler one."
    gain, error = _gain(best, simplest)
    if gain > error:
        return f"{said}, {gain:.3f} ± {error:.3f} better than {simplest.title}."
    against = f"{abs(gain):.3f} ± {error:.3f} {'better' if gain > 0 else 'worse'} than {simplest.title}"
    return f"{said}, {against}: too few to tell them apart, and on other data sets {best.title} gained."
