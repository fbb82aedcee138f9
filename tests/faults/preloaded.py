"""What every life of a test has imported before it begins. Starts nothing."""

import os

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false"
)

import pytest  # noqa: F401  each life looks at what was started: pytest, or the script

import studio.ui
import studio.workspace.libraries
import tests.faults.labelling
import tests.faults.publishing
import tests.faults.served_runs
import tests.faults.training
import tests.faults.two  # noqa: F401

studio.workspace.libraries.libraries()
