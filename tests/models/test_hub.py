from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import ModelError, NotFound, Offline
from studio.models import family_for, load_model
from studio.models.hub import CONFIGURATION, _bar, ensure_config, fetch, local_folder

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("model_id", ["hf:~nobody-of-that-name/x", "open_clip:local-dir:~nobody-of-that-name/x"])
def test_home_folder_of_nobody_is_not_found(model_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        load_model(model_id)
    assert "without ~" in caught.value.hint
    assert family_for(model_id).preset("image-text", model_id).steps > 0


COMMIT = "0123456789012345678901234567890123456789"


def cached(cache: Path, repository: str, source: Path) -> None:
    """Lay `source` into a hub cache as a download would have."""
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    (root / "blobs").mkdir()
    (root / "snapshots" / COMMIT).mkdir(parents=True)
    for number, file in enumerate(sorted(source.iterdir())):
        shutil.copy(file, root / "blobs" / str(number))
        (root / "snapshots" / COMMIT / file.name).symlink_to(Path("../../blobs") / str(number))


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


class Hub(BaseHTTPRequestHandler):
    """The model hub's answers for one repository, `some-org/tiny`, whose files lie in `folder`."""

    def __init__(self, folder: Path, *args: Any) -> None:
        self.folder = folder
        super().__init__(*args)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if "/resolve/" in path:
            self.answer((self.folder / path.partition(f"/resolve/{COMMIT}/")[2]).read_bytes())
        elif "/tree/" in path:
            files = sorted(self.folder.iterdir())
            entries = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": oid(f.read_bytes())} for f in files]
            self.answer(json.dumps(entries).encode())
        else:
            self.answer(json.dumps({"id": "some-org/tiny", "sha": COMMIT, "siblings": []}).encode())

    do_HEAD = do_GET

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in (("X-Repo-Commit", COMMIT), ("ETag", f'"{oid(body)}"'), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return None


def oid(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """(folder of the repository that a hub on this machine offers, environment in which it is the hub)."""
    (tmp_path / "repository").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, tmp_path / "repository"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    mine = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    # any proxy setting, even this one, makes the network worth a try
    yield tmp_path / "repository", {**os.environ, **mine, "no_proxy": "127.0.0.1"}
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(environment: dict[str, str], offline: bool = False, then: str = "") -> str:
    """The files that are here once the repository is fetched, or the error, as a process of its own says them."""
    code = (
        "from studio.core.errors import StudioError\n"
        "from studio.models.families.hf_clip import checked_files\n"
        "try:\n"
        f"    folder, weights = checked_files('some-org/tiny', {offline}, None)\n"
        "    print(*sorted(path.name for path in folder.iterdir()), len(weights), 'weight files')\n"
        "except StudioError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code + then], env=environment, capture_output=True, text=True, timeout=120)
    return out.stdout + out.stderr[-2000:]


def in_shards(source: Path, folder: Path) -> None:
    """Copy a model's folder with its weights cut in two."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder, dirs_exist_ok=True)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    place = {key: names[number % 2] for number, key in enumerate(weights)}
    for name in names:
        save_file({key: weights[key] for key in weights if place[key] == name}, folder / name, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": place}))


def test_weights_in_shards_are_downloaded(hub: tuple[Path, dict[str, str]], tiny_ids: dict[str, str], tmp_path: Path) -> None:
    folder, environment = hub
    in_shards(Path(tiny_ids["bert"].removeprefix("hf:")), folder)
    small = tmp_path / "small"
    shutil.copytree(folder, small, ignore=shutil.ignore_patterns("*.safetensors"))
    cached(tmp_path / "hub", "some-org/tiny", small)
    assert "Offline" in fetched(environment, offline=True)
    assert "2 weight files" in fetched(environment)
    load = "from studio.models import load_model\nprint(load_model('hf:some-org/tiny', offline=True).embed('text', ['a']).shape)"
    assert "torch.Size([1, 32])" in fetched(environment, offline=True, then=load)


@pytest.mark.parametrize("whole", [True, False])
def test_cached_weights_in_shards_are_local_once_all_are_here(tiny_ids: dict[str, str], tmp_path: Path, whole: bool) -> None:
    in_shards(Path(tiny_ids["bert"].removeprefix("hf:")), tmp_path / "sharded")
    if not whole:
        (tmp_path / "sharded" / "model-00002-of-00002.safetensors").unlink()
    cached(tmp_path / "hub", "some-org/tiny", tmp_path / "sharded")
    code = (
        "from studio.models.catalog import catalog\n"
        "print([entry.modalities for entry in catalog() if entry.local and entry.id == 'hf:some-org/tiny'])\n"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert out.stdout.strip() == ("[('text',)]" if whole else "[]"), out.stderr[-2000:]


def test_tokenizer_that_an_interrupted_download_left_out_is_fetched_later(
    hub: tuple[Path, dict[str, str]], tiny_ids: dict[str, str], tmp_path: Path
) -> None:
    folder, environment = hub
    shutil.copytree(Path(tiny_ids["bert"].removeprefix("hf:")), folder, dirs_exist_ok=True)
    some = tmp_path / "some"
    shutil.copytree(folder, some, ignore=shutil.ignore_patterns("tokenizer*"))
    cached(tmp_path / "hub", "some-org/tiny", some)
    said = fetched(environment, offline=True)
    assert "1 weight files" in said and "tokenizer.json" not in said  # what is here is used
    assert "tokenizer.json" in fetched(environment)


def test_any_file_that_an_interrupted_download_left_out_is_fetched_later(
    hub: tuple[Path, dict[str, str]], tiny_ids: dict[str, str], tmp_path: Path
) -> None:
    folder, environment = hub
    shutil.copytree(Path(tiny_ids["bert"].removeprefix("hf:")), folder, dirs_exist_ok=True)
    (folder / "modules.json").write_text("[]")
    assert "modules.json" in fetched(environment)
    (tmp_path / "hub" / "models--some-org--tiny" / "snapshots" / COMMIT / "modules.json").unlink()
    said = fetched(environment, offline=True)
    assert "1 weight files" in said and "modules.json" not in said
    assert "modules.json" in fetched(environment)
