from __future__ import annotations

import pytest
import torch

from studio.core.errors import BadInput
from studio.models.device import resolve


def test_auto_is_the_best_there_is() -> None:
    assert resolve("auto").type in ("cuda", "mps", "cpu")
    assert resolve("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:999", "meta"])
def test_devices_that_are_not_there_are_named(name: str) -> None:
    with pytest.raises(BadInput, match="device"):
        resolve(name)
