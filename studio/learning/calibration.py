"""Calibration: one temperature, how far confidences can be believed, and when to say "not sure".

Works on logits or probabilities `[n, C]` of items that the predictor did not learn from, and their labels `[n]`; where an item
may be of several classes, `[n, C]` of zeros and ones: the temperature is then of each class as an answer of its own, but what is
asked is whether an item is right with all of them, for the classes of one item are not so many items. Trains no model and refuses
items that took part in learning only by trusting its caller.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from math import ceil, exp, lgamma, log, log1p, pi, sqrt

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, cross_entropy

from studio.core.errors import BadInput
from studio.core.results.evidence import Abstention, Calibration, Reliability, ReliabilityBin, RiskPoint
from studio.tasks.objectives.likelihood import probabilities as probabilities_of

COLDEST, HOTTEST = 0.02, 50.0
"""Bounds of the temperature: beyond them there is no evidence, only separable data or answers worse than chance."""
BISECTIONS = 60
BINS = 15
Z_95 = 1.645
POINTS = 200
"""Points kept of a risk–coverage curve: what a plot can show."""
CERTAINTY = 0.9
"""Probability with which a threshold keeps to the error rate on new items."""
FIRST = 0.1
"""Share of the items at which the first threshold is tested, at least: a single wrong label among the surest does not end it."""
MOST_WANTED = 10_000
"""Answers beyond which nobody is told how many more would do."""


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """T > 0 that makes softmax(logits / T) most likely. `logits` `[n, C]`, `labels` `[n]`.

    Temperature scaling (Guo et al. 2017, arXiv:1706.04599). Convex in β = 1/T, so the root of its monotone derivative is
    bisected. The right class counts for 1 − 1/(n + 2) and its strongest rival for the rest, Platt's (1999) correction:
    a handful of items that are all right would else claim certainty. Raises BadInput without items.
    """
    logits, labels = _one_by_one(*_checked(logits, labels))
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
    """The temperature of out-of-fold `logits` `[n, C]`, n at least 2, and reliability before and after one.

    "After" is cross-fitted: each half of the items, drawn at random, by the temperature of the other.
    """
    logits, labels = _checked(logits, labels)
    halves = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).tensor_split(2)
    after = torch.empty_like(logits)
    for half, other in (halves, halves[::-1]):
        after[half] = probabilities_of(logits[half] / fit_temperature(logits[other], labels[other]), labels.ndim == 2)
    before, temperature = probabilities_of(logits, labels.ndim == 2), fit_temperature(logits, labels)
    return Calibration(temperature, len(labels), reliability(before, labels), reliability(after, labels))


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
    # of a sum of |X|, X normal with the variance that the confidences themselves imply in each bin: its mean, and its spread
    variances = [float((confidence[i] * (1 - confidence[i])).sum()) for i in parts]
    chance = sqrt(2 / pi) * sum(v**0.5 for v in variances) / len(order)
    return Reliability(
        bins,
        ece=sum(abs(b.accuracy - b.confidence) * b.n for b in bins) / len(order),
        ece_by_chance=chance,
        ece_at_most=chance + Z_95 * sqrt((1 - 2 / pi) * sum(variances)) / len(order),
        nll=_nll(probabilities, labels),
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


def threshold_for(error_rate: float, probabilities: Tensor, labels: Tensor, certainty: float = CERTAINTY) -> Abstention:
    """The confidence from which answers to new items like these are wrong in at most `error_rate`, with that `certainty`.

    Learn then Test (Angelopoulos et al. 2021, arXiv:2110.01052) in a fixed sequence: from the surest answers down, each
    threshold is tested once at level 1 − `certainty` against "more are wrong than `error_rate`", by the exact binomial tail,
    and the first that fails ends it. The thresholds lie where one more wrong answer may be among the accepted, from a tenth
    of the items on, and at all of them. The promise is for items that come as these did, and where surer answers are no less
    often right. Simulated, at most 7 % of the draws broke it, 10 % being allowed: tests/bench/README.md.
    Raises BadInput for a rate that is no share, or without items.
    """
    if not 0 < error_rate < 1:
        raise BadInput(f"An error rate of {error_rate:g} is none.", "Give a share between 0 and 1, as 0.05.")
    confidence, errors = _ranked(*_checked(probabilities, labels))
    n, ends, kept = len(confidence), _ends(confidence), None
    allowing = _allowing(error_rate, 1 - certainty, max(n, MOST_WANTED))
    tried = [k for k in allowing if FIRST * n <= k <= n]
    places = torch.searchsorted(ends, torch.tensor([k - 1 for k in (*tried, n) if tried], dtype=torch.long)).tolist()
    for end in ends[sorted(set(places))].tolist():
        if int(errors[end]) >= bisect_right(allowing, end + 1):  # of k answers, as many as there are sizes up to k are too many
            break
        kept = end
    if kept is None:
        return Abstention(error_rate, None, 0, n, 0, certainty, _wanted(errors[ends].tolist(), (ends + 1).tolist(), allowing))
    return Abstention(error_rate, float(confidence[kept]), kept + 1, n, int(errors[kept]), certainty)


@lru_cache(maxsize=16)
def _allowing(p: float, delta: float, most: int) -> tuple[int, ...]:
    """The fewest answers, up to `most`, among which 0, 1, 2, … wrong ones have at most probability `delta` at error rate `p`."""
    sizes: list[int] = []
    tail = 1.0  # P(at most len(sizes) wrong among n), walked along n and the number wrong
    for n in range(most):
        tail -= p * _binomial(len(sizes), n, p)
        if tail <= delta:
            sizes.append(n + 1)
            tail += _binomial(len(sizes), n + 1, p)
    return tuple(sizes)


def _binomial(k: int, n: int, p: float) -> float:
    """Probability of exactly `k` among `n`."""
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p)) if k <= n else 0.0


def _wanted(errors: list[int], accepted: list[int], allowing: tuple[int, ...]) -> int | None:
    """How many more items, about, if these shares of them were answered as well; None where that is nowhere well enough.

    With as many, the first threshold that is tested would just pass.
    """
    n, found = accepted[-1], []
    for wrong, of in zip(errors, accepted, strict=True):
        if of < FIRST * n:
            continue
        first = 0.0
        for allowed, size in enumerate(allowing):
            if first >= FIRST * n * size / of:  # the sequence would have begun before this size
                break
            if wrong * size <= allowed * of:
                found.append(ceil(n * size / of) - n)
                break
            first = size
    return max(1, min(found)) if found else None


def _nll(probabilities: Tensor, labels: Tensor) -> float:
    """Nats an item."""
    if labels.ndim == 2:
        return float(binary_cross_entropy(probabilities, labels.double(), reduction="sum")) / len(labels)
    return float(cross_entropy(probabilities.clamp_min(1e-12).log(), labels))


def _answers(probabilities: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """(confidence, 1 where right), each `[n]` float64."""
    if labels.ndim == 2:  # of several classes: that all are right, as if each were by itself
        said = probabilities > 0.5
        return torch.where(said, probabilities, 1 - probabilities).prod(1), (said == (labels > 0)).all(1).double()
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


def _one_by_one(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Where an item may be of several classes, each as an item of its own that has or has not the class."""
    if labels.ndim == 1:
        return logits, labels
    return torch.stack([torch.zeros_like(logits), logits], -1).reshape(-1, 2), labels.reshape(-1)


def _checked(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    fits = labels.shape == scores.shape or (labels.shape == scores.shape[:1] and scores.shape[1:] > (1,))
    if scores.ndim != 2 or not fits or not len(labels):
        raise BadInput(
            f"Scores of shape {tuple(scores.shape)} do not go with labels of shape {tuple(labels.shape)}.",
            "Give [n, C] scores of at least two classes and n labels, n at least 1.",
        )
    return scores.detach().double().cpu(), labels.detach().long().cpu()
