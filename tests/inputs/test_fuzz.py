"""Mutated files end in an answer or in an error of Studio's own, within two seconds: a few here, many by `tests.inputs.fuzz`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.inputs.mutate import spoilt
from tests.inputs.targets import Target, targets

TARGETS = targets()
LONGEST_S = 2.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_is_mutated_ends_in_an_answer_or_an_error_of_studio_s_own(target: Target) -> None:
    folder = Path(tempfile.mkdtemp())

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(spoilt(target.seeds))
    def run(data: bytes) -> None:
        begun = time.monotonic()
        target.run(data, folder)
        assert time.monotonic() - begun < LONGEST_S

    run()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_seeds_are_taken_whole(target: Target, tmp_path: Path) -> None:
    """Else mutations of them would all end at the first check."""
    assert all(target.run(seed, tmp_path) for seed in target.seeds)
