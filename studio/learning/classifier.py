"""What a rung has learnt, and how it lies on disk: `classifier.safetensors` and `classifier.json`. Refuses to learn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import normalize

from studio.core.errors import ModelError

TENSORS, FACTS = "classifier.safetensors", "classifier.json"


@dataclass(frozen=True, slots=True)
class Bumps:
    """exp(−β‖x − S‖²) · A: one bump a support item."""

    points: Tensor  # S [n, d], unit
    coefficients: Tensor  # A [n, C]
    beta: float


@dataclass(frozen=True, slots=True)
class Unlearnt:
    """Classes without a label, beside those that were learnt: they keep the probability that zero-shot gives them, and what
    was learnt shares out the rest. Learnt together, a head would answer "never": no label speaks for them."""

    prior: Tensor  # [C, d]: zero-shot logits are x · priorᵀ
    labelled: Tensor  # [C], a mask

    def beside(self, x: Tensor, learnt: Tensor, several: bool) -> Tensor:
        """Features `[m, d]` and logits of what was learnt `[m, C]` → logarithms of probabilities `[m, C]`; logits of each class
        by itself where an item may be of several."""
        if several:
            return torch.where(self.labelled, learnt, odds(x @ self.prior.T))
        found = (x @ self.prior.T).log_softmax(-1)
        share = found[:, self.labelled].logsumexp(-1, keepdim=True)
        found[:, self.labelled] = share + learnt[:, self.labelled].log_softmax(-1)
        return found


@dataclass(frozen=True, slots=True)
class Classifier:
    """Features → logits: x · Wᵀ + b, and where a rung has them, bumps on support items or another last projection."""

    rung: str
    classes: tuple[str, ...]
    weight: Tensor  # [C, d]
    bias: Tensor  # [C]
    bumps: Bumps | None = None
    projection: Tensor | None = None
    """`[w, d]`: x is unit(raw · projection) instead of the given features."""
    unlearnt: Unlearnt | None = None
    """Where some classes had no label."""
    chosen: Mapping[str, float] = field(default_factory=dict)
    """The hyper-parameters that fitting chose, for people to read."""
    several: bool = False
    """Each class by itself, an item may be of several: its logits are no softmax's."""
    odds: bool = False
    """Of `several` classes, where nothing has been learnt: the odds of each against all others, as if an item were of one. By
    itself a similarity knows no threshold, and half of the classes are always above their average."""

    def logits(self, features: Tensor, raw: Tensor | None = None) -> Tensor:
        """Unit features `[m, d]` and, for a classifier with a projection, pre-projection features `[m, w]` → `[m, C]`.

        Raises ModelError where `raw` is needed and not given.
        """
        x = features
        if self.projection is not None:
            if raw is None:
                raise ModelError("This classifier needs features before the projection.", "Use the model it was fitted on.")
            x = normalize(raw @ self.projection, dim=-1)
        found = x @ self.weight.T + self.bias
        if self.bumps is not None:
            found = found + gaussian(x, self.bumps.points, self.bumps.beta) @ self.bumps.coefficients
        if self.odds:
            found = odds(found)
        return found if self.unlearnt is None else self.unlearnt.beside(features, found, self.several)

    def beside(self, classes: tuple[str, ...], unlearnt: Unlearnt) -> Classifier:
        """This classifier of the labelled classes as one of all `classes`."""
        learnt = unlearnt.labelled
        weight, bias = unlearnt.prior.clone(), torch.zeros(len(classes))
        weight[learnt], bias[learnt] = self.weight, self.bias
        bumps = self.bumps
        if bumps is not None:
            spread = torch.zeros(len(bumps.points), len(classes))
            spread[:, learnt] = bumps.coefficients
            bumps = replace(bumps, coefficients=spread)
        return replace(self, classes=classes, weight=weight, bias=bias, bumps=bumps, unlearnt=unlearnt)

    def sharpened(self, factor: float) -> Classifier:
        """The same classifier with its logits times `factor`: 1 / temperature."""
        bumps = self.bumps and replace(self.bumps, coefficients=self.bumps.coefficients * factor)
        return replace(self, weight=self.weight * factor, bias=self.bias * factor, bumps=bumps)

    def save(self, folder: Path) -> None:
        """Write the two files into `folder`, the JSON last."""
        tensors = {"weight": self.weight, "bias": self.bias}
        facts: dict[str, object] = {
            "rung": self.rung,
            "classes": self.classes,
            "chosen": dict(self.chosen),
            "several": self.several,
            "odds": self.odds,
        }
        if self.bumps is not None:
            tensors |= {"points": self.bumps.points, "coefficients": self.bumps.coefficients}
            facts["beta"] = self.bumps.beta
        if self.projection is not None:
            tensors["projection"] = self.projection
        if self.unlearnt is not None:
            tensors |= {"prior": self.unlearnt.prior, "labelled": self.unlearnt.labelled}
        save_file({k: v.detach().float().cpu().contiguous() for k, v in tensors.items()}, folder / TENSORS)
        (folder / FACTS).write_text(json.dumps(facts), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Classifier | None:
        """The classifier in `folder`, None where there is none. Raises ModelError where the files do not fit together."""
        if not (folder / FACTS).is_file():
            return None
        try:
            facts = json.loads((folder / FACTS).read_text("utf-8"))
            tensors = load_file(folder / TENSORS)
            bumps = Bumps(tensors["points"], tensors["coefficients"], float(facts["beta"])) if "points" in tensors else None
            unlearnt = Unlearnt(tensors["prior"], tensors["labelled"] > 0) if "prior" in tensors else None
            found = cls(
                rung=str(facts["rung"]),
                classes=tuple(map(str, facts["classes"])),
                weight=tensors["weight"],
                bias=tensors["bias"],
                bumps=bumps,
                projection=tensors.get("projection"),
                unlearnt=unlearnt,
                chosen={str(k): float(v) for k, v in facts["chosen"].items()},
                several=facts.get("several") is True,
                odds=facts.get("odds") is True,
            )
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"The saved classifier cannot be read: {error}", "Train again.") from error
        _check(found)
        return found


def odds(logits: Tensor) -> Tensor:
    """log p − log(1 − p) of a softmax's probabilities `[m, C]`; of a single class, which has no other, nothing is known."""
    if logits.shape[-1] == 1:
        return torch.zeros_like(logits)
    log_p = logits.log_softmax(-1).clamp(max=-1e-6)
    return log_p - (-torch.expm1(log_p)).log()


def gaussian(a: Tensor, b: Tensor, beta: float) -> Tensor:
    """exp(−β‖a − b‖²) `[m, n]` of unit rows."""
    # in place: more matrices of this size would take longer than the product
    return torch.addmm(a.new_full((1, 1), -2 * beta), a, b.T, alpha=2 * beta).exp_()


def _check(c: Classifier) -> None:
    """Raises ModelError unless shapes agree and all values are finite."""
    count, dim = len(c.classes), c.weight.shape[-1]
    wanted = [(c.weight, (count, dim)), (c.bias, (count,))]
    if c.bumps is not None:
        n = len(c.bumps.points)
        wanted += [(c.bumps.points, (n, dim)), (c.bumps.coefficients, (n, count))]
    if c.projection is not None:
        wanted.append((c.projection, (len(c.projection), dim)))
    if c.unlearnt is not None:
        wanted += [(c.unlearnt.prior, (count, dim)), (c.unlearnt.labelled, (count,))]
    if any(tuple(t.shape) != shape or not bool(torch.isfinite(t).all()) for t, shape in wanted):
        raise ModelError("The saved classifier's parts do not fit together.", "Train again.")
