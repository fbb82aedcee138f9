"""Whatever bears its final name is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.publish import publish_bytes, publish_folder, publish_text


def test_text_replaces_the_old_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    publish_text(tmp_path / "card.json", "old")
    publish_text(tmp_path / "card.json", "näu")
    assert (tmp_path / "card.json").read_text(encoding="utf-8") == "näu"
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def test_failing_publish_keeps_what_was_there_and_removes_its_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(OSError):
        publish_bytes(tmp_path / "taken", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("there_is_an_old_one", [False, True])
def test_folder_takes_its_name_with_everything_in_it(tmp_path: Path, there_is_an_old_one: bool) -> None:
    if there_is_an_old_one:
        (tmp_path / "step-50").mkdir()
        (tmp_path / "step-50" / "old").touch()
    (tmp_path / "new" / "deep").mkdir(parents=True)
    (tmp_path / "new" / "deep" / "weights").write_bytes(b"1")
    publish_folder(tmp_path / "new", tmp_path / "step-50")
    assert [path.name for path in tmp_path.iterdir()] == ["step-50"]
    assert [path.name for path in (tmp_path / "step-50").iterdir()] == ["deep"]
