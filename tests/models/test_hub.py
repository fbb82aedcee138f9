from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.core.errors import ModelError, Offline
from studio.models.hub import CONFIGURATION, _bar, ensure_config, fetch, local_folder


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


def cached(cache: Path, repository: str, source: Path) -> None:
    """Lay `source` into a hub cache as a download would have."""
    root = cache / f"models--{repository.replace('/', '--')}"
    commit = "0123456789012345678901234567890123456789"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    (root / "blobs").mkdir()
    (root / "snapshots" / commit).mkdir(parents=True)
    for number, file in enumerate(sorted(source.iterdir())):
        shutil.copy(file, root / "blobs" / str(number))
        (root / "snapshots" / commit / file.name).symlink_to(Path("../../blobs") / str(number))


@pytest.mark.parametrize("kind", ["bert", "siglip"])
def test_cached_model_loads_without_a_network(tiny_ids: dict[str, str], tmp_path: Path, kind: str) -> None:
    cached(tmp_path / "hub", "some-org/tiny", Path(tiny_ids[kind].removeprefix("hf:")))
    code = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise AssertionError('it called out')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        "from studio.models import load_model\n"
        "from studio.models.catalog import catalog\n"
        "assert 'hf:some-org/tiny' in [entry.id for entry in catalog() if entry.local]\n"
        "print(load_model('hf:some-org/tiny').embed('text', ['a cat']).shape)\n"
    )
    # the hub's client reads its cache's place once, at import: hence a process of its own
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert "torch.Size([1, 32])" in out.stdout, out.stderr[-2000:]


def test_download_s_bytes_are_reported_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    said: list[tuple[int, int, str]] = []
    bar = _bar(lambda *how_far: said.append(how_far))(total=10, unit="B", unit_scale=True, desc="x", name="huggingface_hub.x")
    bar.update(4)
    bar.update(6)
    bar.close()
    assert said == [(4, 10, "Downloading"), (10, 10, "Downloading")]
    assert capfd.readouterr() == ("", "")
