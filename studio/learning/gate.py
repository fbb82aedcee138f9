"""The gate: which rung is "best", by out-of-fold evidence, and why in a sentence. Refuses to look at the test split.

The one-standard-error rule (Breiman et al. 1984; Hastie, Tibshirani & Friedman 2009, section 7.10) with the error of paired
differences: the simplest rung that is not worse than the most likely one by more than the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from studio.learning.out_of_fold import log_likelihoods, out_of_fold
from studio.learning.rungs import Rung, all_rungs
from studio.learning.support import Support

ONE_SHOT = "linear"
"""The rung for one label a class: the most accurate on training items outside the support set."""
FEW = 6
"""Labels in all below which a fixed recipe stays with zero-shot."""


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


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the gate's table."""

    name: str
    title: str
    nll: float
    """Mean negative log-likelihood, in nats."""
    behind: float
    """How much more that is than the most likely method's."""
    error: float
    """Standard error of `behind`, over paired items."""
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
    found = [e for rung in rungs or all_rungs() if (e := evidence(rung, support)) is not None]
    return judge(found) if found else recipe(support)


def evidence(rung: Rung, support: Support) -> Evidence | None:
    """A rung's out-of-fold evidence; None where no fold can be made or it cannot learn from one."""
    if rung.why_not(support) is not None or (logits := out_of_fold(rung, support)) is None:
        return None
    accuracy = float((logits.argmax(1) == support.labels).float().mean())
    return Evidence(rung.name, rung.title, rung.order, log_likelihoods(logits, support), accuracy)


def judge(found: Sequence[Evidence]) -> Verdict:
    """The simplest of those within one paired standard error of the most likely one."""
    found = sorted(found, key=lambda e: e.order)
    top = max(found, key=lambda e: float(e.log_likelihoods.mean()))
    rows = tuple(_row(e, top) for e in found)
    best = next(row for row in rows if row.behind <= row.error)
    return Verdict(best.name, _reason(best, rows, top, len(top.log_likelihoods)), rows)


def _row(e: Evidence, top: Evidence) -> Row:
    behind = top.log_likelihoods - e.log_likelihoods
    error = float(behind.std() / len(behind) ** 0.5) if len(behind) > 1 else 0.0
    return Row(e.name, e.title, -float(e.log_likelihoods.mean()), float(behind.mean()), error, e.accuracy)


def _reason(best: Row, rows: Sequence[Row], top: Evidence, count: int) -> str:
    said = f"{best.title}: log loss {best.nll:.3f} on {count} labels that it had not learnt from"
    if best.name != top.name:
        return f"{said}; {top.title} is {best.behind:.3f} better, within its error of {best.error:.3f}, and costs more."
    simplest = rows[0]
    if best.name == simplest.name:
        return f"{said}; nothing that learns does better."
    return f"{said}, {simplest.behind:.3f} ± {simplest.error:.3f} better than {simplest.title}'s {simplest.nll:.3f}."


def recipe(support: Support) -> Verdict:
    """The fixed choice where a class has a single label, so that nothing can be held out."""
    count = len(support.labels)
    if count < FEW:
        said = f"Zero-shot: {count} labels are too few to learn from, and none can be held out to find out otherwise."
        return Verdict("zero_shot", said, ())
    said = (
        f"A fixed choice for {count} labels, as a class with a single one leaves none to judge by: the prompts, moved a little."
    )
    return Verdict(ONE_SHOT, said, ())
