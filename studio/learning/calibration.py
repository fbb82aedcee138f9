"""Calibration: one temperature, how far confidences can be believed, and when to say "not sure".

Works on logits or probabilities `[n, C]` of items that the predictor did not learn from, and their labels `[n]`. Trains
no model and refuses items that took part in learning only by trusting its caller.
"""

from __future__ import annotations

from math import ceil, exp, fsum, lgamma, log, log1p, pi, sqrt

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from studio.core.errors import BadInput
from studio.core.results.evidence import Abstention, Calibration, Reliability, ReliabilityBin, RiskPoint

COLDEST, HOTTEST = 0.02, 50.0
"""Bounds of the temperature: beyond them there is no evidence, only separable data or answers worse than chance."""
BISECTIONS = 60
BINS = 15
POINTS = 200
"""Points kept of a risk–coverage curve: what a plot can show."""
COVERAGES = 20
CERTAINTY = 0.95


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """T > 0 that makes softmax(logits / T) most likely. `logits` `[n, C]`, `labels` `[n]`.

    Temperature scaling (Guo et al. 2017, arXiv:1706.04599). Convex in β = 1/T, so the root of its monotone derivative is
    bisected. The right class counts for 1 − 1/(n + 2) and its strongest rival for the rest, Platt's (1999) correction:
    a handful of items that are all right would else claim certainty. Raises BadInput without items.
    """
    logits, labels = _checked(logits, labels)
    doubt = 1.0 / (len(labels) + 2)
    right = logits.gather(1, labels[:, None]).squeeze(1)
    rival = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    target = (1 - doubt) * right + doubt * rival

    def slope(beta: float) -> float:
        return float(((beta * logits).softmax(1) * logits).sum(1).sub(target).mean())

    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return float(1 / (low * high) ** 0.5)


def calibrate(logits: Tensor, labels: Tensor) -> Calibration:
    """The temperature of out-of-fold `logits` `[n, C]` and reliability before and after it.

    "After" is on the items that chose the temperature: with one number to choose its optimism is small.
    """
    temperature = fit_temperature(logits, labels)
    before, after = (reliability((logits.double() / t).softmax(1), labels) for t in (1.0, temperature))
    return Calibration(temperature, len(labels), before, after)


def reliability(probabilities: Tensor, labels: Tensor) -> Reliability:
    """Bins of equal mass and the expected calibration error of the answers. `probabilities` `[n, C]`, `labels` `[n]`.

    At most 15 bins of equally many answers: bins of equal width leave most of them empty where a model is sure, and their
    error is the more biased estimate (Nixon et al. 2019, arXiv:1904.01685; Roelofs et al. 2022, arXiv:2012.08668).
    """
    probabilities, labels = _checked(probabilities, labels)
    confidence, right = _answers(probabilities, labels)
    order = confidence.argsort(stable=True)
    parts = order.tensor_split(min(BINS, ceil(len(order) ** 0.5)))
    bins = tuple(ReliabilityBin(float(confidence[i].mean()), float(right[i].mean()), len(i)) for i in parts)
    # E|X − EX| of a normal X with the variance that the confidences themselves imply in each bin
    spread = sum(float((confidence[i] * (1 - confidence[i])).sum()) ** 0.5 for i in parts)
    return Reliability(
        bins,
        ece=sum(abs(b.accuracy - b.confidence) * b.n for b in bins) / len(order),
        ece_by_chance=sqrt(2 / pi) * spread / len(order),
        nll=float(cross_entropy(probabilities.clamp_min(1e-12).log(), labels)),
    )


def risk_coverage(probabilities: Tensor, labels: Tensor) -> tuple[RiskPoint, ...]:
    """Error rate of the most confident answers against the share that is answered (Geifman & El-Yaniv 2017, arXiv:1705.08500).

    From the surest answer to all of them, at most 200 points; answers of equal confidence come in together.
    """
    confidence, errors = _ranked(*_checked(probabilities, labels))
    n = len(confidence)
    ends = _ends(confidence)
    kept = ends[torch.linspace(0, len(ends) - 1, min(POINTS, len(ends))).round().long()]
    return tuple(RiskPoint(float(confidence[k]), (int(k) + 1) / n, int(errors[k]) / (int(k) + 1)) for k in kept)


def threshold_for(error_rate: float, probabilities: Tensor, labels: Tensor, certainty: float | None = None) -> Abstention:
    """The smallest confidence whose accepted answers were wrong in at most `error_rate` of the cases.

    Without `certainty` this holds on these items. With it (as 0.95), it holds on new items of the same kind with that
    probability: the largest of 20 evenly spaced coverages whose exact binomial test rejects a higher error rate, at
    (1 − `certainty`) / 20 each (Learn then Test, Angelopoulos et al. 2021, arXiv:2110.01052, with Bonferroni's correction).
    Raises BadInput for a rate outside 0 … 1 or without items.
    """
    if not 0 <= error_rate <= 1:
        raise BadInput(f"An error rate of {error_rate:g} is none.", "Give a share between 0 and 1, as 0.05.")
    confidence, errors = _ranked(*_checked(probabilities, labels))
    ends = _ends(confidence)
    if certainty is None:
        delta = 1 - CERTAINTY
        passing = [k for k in ends.tolist() if int(errors[k]) <= error_rate * (k + 1)]
    else:
        delta = (1 - certainty) / COVERAGES
        tried = ends[torch.linspace(0, len(ends) - 1, COVERAGES + 1)[1:].round().long()].tolist()
        passing = [k for k in tried if _tail(int(errors[k]), k + 1, error_rate) <= delta]
    kept = max(passing, default=None)
    n = len(confidence)
    if kept is None:
        return Abstention(error_rate, None, 0, n, 0, 1.0, certainty)
    wrong = int(errors[kept])
    return Abstention(
        error_rate, float(confidence[kept]), kept + 1, n, wrong, clopper_pearson_upper(wrong, kept + 1, delta), certainty
    )


def clopper_pearson_upper(errors: int, n: int, delta: float = 1 - CERTAINTY) -> float:
    """The largest error rate under which at most `errors` among `n` still have probability `delta` (Clopper & Pearson 1934)."""
    if errors >= n:
        return 1.0
    low, high = errors / n, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(errors, n, middle) > delta else (low, middle)
    return high


def _tail(errors: int, n: int, p: float) -> float:
    """Probability of at most `errors` among `n` at error rate `p`."""
    if p <= 0 or p >= 1:
        return float(p <= 0 or errors >= n)
    log_p, log_q, of_n = log(p), log1p(-p), lgamma(n + 1)
    terms = (of_n - lgamma(k + 1) - lgamma(n - k + 1) + k * log_p + (n - k) * log_q for k in range(errors + 1))
    return min(1.0, fsum(exp(term) for term in terms))


def _answers(probabilities: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """(confidence, 1 where right), each `[n]` float64."""
    confidence, answer = probabilities.max(1)
    return confidence, (answer == labels).double()


def _ranked(probabilities: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Confidences from high to low, and how many of the answers up to each are wrong; both `[n]`."""
    confidence, right = _answers(probabilities, labels)
    order = confidence.argsort(descending=True, stable=True)
    return confidence[order], (1 - right[order]).cumsum(0).round().long()


def _ends(confidence: Tensor) -> Tensor:
    """Places where a threshold can lie: the last of each run of equal confidences."""
    return torch.cat([confidence[1:] != confidence[:-1], torch.ones(1, dtype=torch.bool)]).nonzero().flatten()


def _checked(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    if scores.ndim != 2 or scores.shape[1] < 2 or labels.shape != scores.shape[:1] or not len(labels):
        raise BadInput(
            f"Scores of shape {tuple(scores.shape)} do not go with labels of shape {tuple(labels.shape)}.",
            "Give [n, C] scores of at least two classes and n labels, n at least 1.",
        )
    return scores.detach().double().cpu(), labels.detach().long().cpu()
