"""AutoML's search: which settings to try next, from the trials that there are. Runs nothing, keeps no state, needs no torch.

Every proposal is a function of (space, preset, seed, budget, past trials): the list of trials is all that has to be saved, and
a resumed search goes on exactly as an uninterrupted one would have.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from studio.core.config import TrainConfig
from studio.core.errors import BadInput

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

ETA = 3
"""Of the trials that reached a rung, the best third goes on."""
HALVINGS = (1 / 9, 1 / 3)
"""Shares of a run's steps at which it is compared with the others."""
STARTUP = 4
"""Trials drawn at random before TPE models the space: half a usual search of 12 would be random with Optuna's ten."""


class Dimension(Protocol):
    """The values of one setting that are searched."""

    def including(self, value: Any) -> Dimension:
        """The same with `value`: the preset lies in every space."""
        ...

    def distribution(self) -> BaseDistribution: ...


@dataclass(frozen=True, slots=True)
class LogRange:
    """Numbers between two bounds, even on a logarithmic scale."""

    low: float
    high: float

    def including(self, value: float) -> LogRange:
        return LogRange(min(self.low, value), max(self.high, value))

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=True)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values."""

    values: tuple[str | int | float, ...]

    def including(self, value: str | int | float) -> OneOf:
        return self if value in self.values else OneOf((*self.values, value))

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


Space = Mapping[str, Dimension]


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a search, JSON-able."""

    settings: Mapping[str, Any]
    """Flat settings, one a dimension of the space."""
    loss: float | None
    """Negative log-likelihood on items outside the support set at its end (for `pruned`: when it was stopped)."""
    seconds: float
    state: Literal["done", "pruned", "failed"] = "done"
    looks: Mapping[str, float] = field(default_factory=dict)
    """Loss at each rung that it reached: `{"0": 1.3, "1": 1.1}`."""


def lora_space(two_towers: bool, steps: Sequence[int]) -> Space:
    """What is searched for LoRA; towers only where a model has two."""
    space: dict[str, Dimension] = {
        "lr": LogRange(5e-5, 1e-3),
        "rank": OneOf((2, 4, 8, 16)),
        "layers": OneOf(("top-1", "top-2", "half", "all")),
        "dropout": OneOf((0.0, 0.25)),
        "steps": OneOf(tuple(steps)),
    }
    if two_towers:
        space["towers"] = OneOf(("image", "both"))
    return space


def preset_settings(space: Space, preset: TrainConfig) -> dict[str, Any]:
    """The preset's values of the settings that are searched."""
    flat = preset.as_json()
    flat.update(flat.pop("lora"))
    return {name: flat[name] for name in space}


class Search:
    """Proposals within a budget: the preset first, then TPE (Bergstra et al. 2011; Watanabe 2023, arXiv:2304.11127)."""

    def __init__(
        self, space: Space, preset: Mapping[str, Any], seed: int, budget_s: float, past: Sequence[Trial] = (), most: int = 20
    ) -> None:
        """`budget_s` seconds of trials in all, `past` what is done of them, `most` trials at most.

        Raises BadInput where `preset` or a past trial does not name exactly the settings of the space.
        """
        if budget_s <= 0:
            raise BadInput(f"A search of {budget_s:g} seconds tries nothing.", "Give it a minute or more.")
        self._preset = dict(preset)
        self._space = {name: dimension.including(preset[name]) for name, dimension in space.items() if name in preset}
        self._seed, self._budget, self._most = seed, budget_s, most
        self._past: list[Trial] = []
        for settings in (preset, *(trial.settings for trial in past)):
            if set(settings) != set(space):
                raise BadInput(f"Settings {sorted(settings)} are not those of the space.", f"Give {', '.join(space)}.")
        for trial in past:
            self.told(trial)

    @property
    def trials(self) -> tuple[Trial, ...]:
        return tuple(self._past)

    @property
    def left_s(self) -> float:
        """Seconds of the budget that no trial has used."""
        return self._budget - sum(trial.seconds for trial in self._past)

    def propose(self) -> dict[str, Any] | None:
        """Settings of the next trial; None where the budget holds no further one."""
        if len(self._past) >= self._most or self.left_s <= 0:
            return None
        if not self._past:
            return dict(self._preset)
        settings = self._sampled()
        return settings if self._expected(settings) <= self.left_s else None

    def told(self, trial: Trial) -> None:
        """Take in a finished trial."""
        self._past.append(trial)

    def goes_on(self, rung: int, loss: float) -> bool:
        """Whether a running trial with this loss at `HALVINGS[rung]` belongs to the best third of those that came so far.

        Asynchronous successive halving (Li et al. 2018, arXiv:1810.05934): no trial waits for another. The preset always
        goes on: fewer than three were there before it.
        """
        seen = sorted([*(t.looks[str(rung)] for t in self._past if str(rung) in t.looks), loss])
        return len(seen) < ETA or loss <= seen[len(seen) // ETA - 1]

    def best(self, losses: Sequence[Mapping[int, float]]) -> Trial | None:
        """The preset, unless another finished trial has less loss by more than a standard error: then the least of those.

        `losses` has for each trial, in their order, {validation item: its loss}. Of many trials on few items one is lucky: hence
        the one-standard-error rule (Breiman et al. 1984) with the error of paired differences, towards what was set before.
        """
        pairs = zip(self._past, losses, strict=True)
        done = [(trial, seen) for trial, seen in pairs if trial.state == "done" and trial.loss is not None]
        first = next(((trial, seen) for trial, seen in done if dict(trial.settings) == self._preset), None)
        if first is not None:
            done = [first, *((trial, seen) for trial, seen in done if _gain(seen, first[1]) > 0)]
            done = done[1:] or done
        return min((trial for trial, _ in done), key=lambda trial: trial.loss or 0.0, default=None)

    def _expected(self, settings: Mapping[str, Any]) -> float:
        """Seconds that a full trial takes: the median pace of the finished ones, by steps where these are searched."""
        done = [trial for trial in self._past if trial.state == "done"]
        if not done:
            return 0.0
        pace = statistics.median(trial.seconds / float(trial.settings.get("steps", 1)) for trial in done)
        return pace * float(settings.get("steps", 1))

    def _sampled(self) -> dict[str, Any]:
        import optuna
        from optuna.trial import TrialState, create_trial

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        states = {"done": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        distributions = {name: dimension.distribution() for name, dimension in self._space.items()}
        study = optuna.create_study(sampler=self._sampler())
        for trial in self._past:
            study.add_trial(
                create_trial(
                    state=states[trial.state],
                    params=dict(trial.settings),
                    distributions=distributions,
                    value=trial.loss if trial.state == "done" else None,
                    intermediate_values={int(rung): loss for rung, loss in trial.looks.items()},
                )
            )
        return study.ask(distributions).params

    def _sampler(self) -> optuna.samplers.BaseSampler:
        import optuna

        # a seed for each place in the list: what is proposed does not depend on when the process started
        return optuna.samplers.TPESampler(seed=self._seed * 1000 + len(self._past), n_startup_trials=STARTUP)


def _gain(these: Mapping[int, float], those: Mapping[int, float]) -> float:
    """Mean loss that `these` are below `those` on the items of both, less its standard error; -inf where that is not known."""
    less = [those[item] - loss for item, loss in these.items() if item in those]
    return statistics.fmean(less) - statistics.stdev(less) / len(less) ** 0.5 if len(less) > 1 else float("-inf")
