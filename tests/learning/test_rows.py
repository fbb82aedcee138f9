from pathlib import Path

import pytest
import torch

from studio.learning.rows import Rows


def test_what_does_not_fit_into_memory_comes_back_from_the_disk(tmp_path: Path) -> None:
    rows = Rows(tmp_path, budget=100)
    given = {
        "small": torch.arange(10, dtype=torch.int64),
        "large": torch.randn(3, 7, 5),
        "bf16": torch.randn(4, 6).bfloat16(),
        "bytes": torch.randint(0, 256, (9, 8, 3), dtype=torch.uint8)[:, ::2],
        "one": torch.tensor(7),
    }
    for key, tensor in given.items():
        rows.put(key, tensor)
    for key, tensor in given.items():
        assert key in rows
        assert torch.equal(rows.get(key), tensor) and rows.get(key).dtype == tensor.dtype
    assert "other" not in rows
    rows.close()


def test_no_file_is_left_behind(tmp_path: Path) -> None:
    rows = Rows(tmp_path, budget=0)
    rows.put("a", torch.ones(1000))
    rows.close()
    assert list(tmp_path.iterdir()) == []


def test_within_the_budget_there_is_no_file(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "nowhere", budget=10_000)
    rows.put("a", torch.ones(10))
    assert rows.get("a").sum() == 10
    with pytest.raises(KeyError):
        rows.get("b")
