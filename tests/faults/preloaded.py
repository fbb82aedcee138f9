"""What every life of a test has imported before it begins. Starts nothing."""

import os

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false"
)

import studio.ui
import studio.workspace.libraries

studio.workspace.libraries.libraries()
