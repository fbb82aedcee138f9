from __future__ import annotations

import time

import pytest

from studio.core.errors import ModelError, Offline
from studio.models.hub import CONFIGURATION, ensure_config, fetch, local_folder


def test_offline_fails_at_once_with_what_to_do() -> None:
    start = time.monotonic()
    with pytest.raises(Offline) as caught:
        fetch("no-such-org/no-such-model", ("config.json",), CONFIGURATION, offline=True)
    assert time.monotonic() - start < 5
    assert "Download it once" in caught.value.hint and "local folder" in caught.value.hint


@pytest.mark.parametrize("repository", ["../secret", "https://host/x", "a/b/c", "a/../b"])
def test_other_strings_than_hub_ids_are_never_asked_for(repository: str) -> None:
    with pytest.raises(ModelError, match="no hub id"):
        fetch(repository, ("config.json",), CONFIGURATION, offline=False)


def test_ids_of_local_folders_ask_nothing(tiny_ids: dict[str, str]) -> None:
    for model_id in tiny_ids.values():
        ensure_config(model_id, offline=True)


def test_folder_goes_before_a_hub_id_of_that_name(tmp_path: object) -> None:
    assert local_folder(str(tmp_path)) is not None
    assert local_folder("org/name-that-is-no-folder") is None
