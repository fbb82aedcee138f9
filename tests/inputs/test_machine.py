"""Some dozens of sequences of acts against a dict; `python -m tests.inputs.fuzz` runs two thousand."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.inputs.machine import Labelling


@pytest.mark.slow
def test_a_project_holds_what_a_dict_holds() -> None:
    few = settings(max_examples=40, stateful_step_count=25, deadline=None, database=None, derandomize=True,
                   suppress_health_check=list(HealthCheck))  # fmt: skip
    run_state_machine_as_test(Labelling, settings=few)
