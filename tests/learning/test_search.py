"""The search against a loss that is known, and against itself: resumed, it goes on as if it had never stopped."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from studio.core.config import LoraConfig, TrainConfig
from studio.core.errors import BadInput
from studio.learning.search import Search, Trial, lora_space, preset_settings

SPACE = lora_space(two_towers=True, steps=(50, 100, 200))
PRESET = preset_settings(SPACE, TrainConfig(steps=100, lora=LoraConfig(rank=8, dropout=0.1)))


def loss(settings: Mapping[str, Any]) -> float:
    """Least at lr 8e-4 with the top two layers."""
    return abs(math.log(settings["lr"] / 8e-4)) + (0.0 if settings["layers"] == "top-2" else 0.5)


def search(budget_s: float = 1e6, past: tuple[Trial, ...] = (), seed: int = 1, most: int = 20) -> Search:
    return Search(SPACE, PRESET, seed, budget_s, past, most)


def run(of: Search, seconds: float = 10.0) -> Search:
    while (settings := of.propose()) is not None:
        of.told(Trial(settings, loss(settings), seconds))
    return of


def test_the_preset_is_tried_first_also_where_it_lies_outside_the_space() -> None:
    assert PRESET["dropout"] == 0.1
    assert search().propose() == PRESET


def test_proposals_are_settings_that_a_run_takes() -> None:
    for trial in run(search(most=8)).trials:
        settings = TrainConfig().with_settings(trial.settings)
        assert 5e-5 <= settings.lr <= 1e-3
        assert settings.lora.rank in (2, 4, 8, 16)


def alike(of: Search) -> list[dict[int, float]]:
    """Each trial's loss, the same on every item: nothing is chance."""
    return [{} if trial.loss is None else {item: trial.loss for item in range(4)} for trial in of.trials]


def test_the_search_ends_nearer_to_the_best_settings_than_the_preset() -> None:
    gains = []
    for seed in range(5):
        ended = run(search(seed=seed))
        found = ended.best(alike(ended))
        assert found is not None
        assert found.loss is not None
        gains.append(loss(PRESET) - found.loss)
    assert min(gains) > 0.5


def test_a_resumed_search_goes_on_as_an_uninterrupted_one() -> None:
    whole = run(search(most=9)).trials
    saved = json.loads(json.dumps([asdict(trial) for trial in whole[:5]], allow_nan=False))
    resumed = run(search(past=tuple(Trial(**trial) for trial in saved), most=9)).trials
    assert resumed == whole


def test_another_seed_searches_elsewhere() -> None:
    assert run(search(seed=1, most=4)).trials[1:] != run(search(seed=2, most=4)).trials[1:]


def test_no_trial_is_proposed_that_would_not_fit_the_budget() -> None:
    steps_a_second = 10
    of = search(budget_s=65)
    while (settings := of.propose()) is not None:
        of.told(Trial(settings, loss(settings), settings["steps"] / steps_a_second))
    assert 2 <= len(of.trials) < 20
    assert 0 <= of.left_s < 20


def test_a_used_up_budget_proposes_nothing_after_a_restart() -> None:
    assert search(budget_s=10, past=(Trial(PRESET, 1.0, 11.0),)).propose() is None


def test_failed_and_pruned_trials_are_never_best_and_do_not_stop_the_search() -> None:
    past = (Trial(PRESET, 1.0, 5.0), Trial(PRESET, None, 5.0, "failed"), Trial(PRESET, 0.1, 2.0, "pruned", {"0": 0.1}))
    of = search(past=past)
    assert of.best(alike(of)) == past[0]
    assert of.propose() is not None


def test_the_preset_is_left_only_for_what_is_better_by_more_than_chance() -> None:
    better, lucky = {**PRESET, "rank": 2}, {**PRESET, "rank": 4}
    items = {item: 1.0 for item in range(10)}
    luck = {item: 0.0 if item == 0 else 1.05 for item in items}  # the least mean, but from one item of ten
    steady = {item: 0.96 for item in items}
    past = (Trial(PRESET, 1.0, 1.0), Trial(lucky, 0.945, 1.0), Trial(better, 0.96, 1.0))
    assert search(past=past).best([items, luck, steady]) == past[2]
    assert search(past=past[:2]).best([items, luck]) == past[0]


def test_trials_are_paired_on_the_items_that_both_were_judged_by() -> None:
    past = (Trial(PRESET, 1.0, 1.0), Trial({**PRESET, "rank": 2}, 0.5, 1.0))
    of = search(past=past)
    assert of.best([{1: 1.0, 2: 1.0, 3: 1.0}, {3: 0.5, 4: 0.5}]) == past[0]  # one item says nothing
    assert of.best([{1: 1.0, 2: 1.0, 3: 1.0}, {2: 0.5, 3: 0.5, 4: 0.5}]) == past[1]


def test_where_the_preset_came_to_no_end_the_least_loss_is_best() -> None:
    past = (Trial(PRESET, None, 1.0, "failed"), Trial({**PRESET, "rank": 2}, 0.9, 1.0), Trial({**PRESET, "rank": 4}, 0.8, 1.0))
    assert search(past=past).best([{}, {1: 0.9}, {1: 0.8}]) == past[2]


def test_the_best_third_goes_on() -> None:
    past = tuple(Trial(PRESET, value, 1.0, looks={"0": value}) for value in (1.0, 2.0, 3.0, 4.0, 5.0))
    of = search(past=past)
    assert [of.goes_on(0, value) for value in (0.5, 1.5, 2.5, 6.0)] == [True, True, False, False]


def test_the_first_trials_go_on_whatever_they_show() -> None:
    assert search(past=(Trial(PRESET, 1.0, 1.0, looks={"0": 1.0}),)).goes_on(0, 99.0)
    assert search().goes_on(1, 99.0)


def test_towers_are_searched_only_where_there_are_two() -> None:
    assert "towers" in SPACE
    assert "towers" not in lora_space(two_towers=False, steps=(100,))


def test_settings_of_another_space_are_refused() -> None:
    with pytest.raises(BadInput, match="not those of the space"):
        search(past=(Trial({"lr": 1e-4}, 1.0, 1.0),))
    with pytest.raises(BadInput, match="tries nothing"):
        search(budget_s=0)


def test_importing_the_search_imports_neither_torch_nor_optuna() -> None:
    code = "import sys, studio.learning.search; print(sorted({'torch', 'optuna'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
