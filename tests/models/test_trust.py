from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from studio.core.errors import ModelError, NotFound, Untrusted
from studio.models.trust import MAX_HEADER, MAX_JSON, check_folder, is_hub_id, read_json, safetensors_header, weights_in


def raw(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def test_what_safetensors_writes_is_read(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros((), dtype=torch.bfloat16), "c": torch.zeros(0)}, tmp_path / "x")
    assert safetensors_header(tmp_path / "x") == {"a": ("F32", (2, 3)), "b": ("BF16", ()), "c": ("F32", (0,))}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95 pickled",
        raw({"a": F32}, b"\0" * 8, length=2**63),
        raw({"a": F32}, b"\0" * 8, length=9999),
        raw({"a": F32}, b"\0" * 4),
        raw({"a": F32}, b"\0" * 9),
        raw({"a": F32, "b": F32}, b"\0" * 8),
        raw({"a": F32, "b": {**F32, "data_offsets": [4, 12]}}, b"\0" * 12),
        raw({"a": {**F32, "data_offsets": [8, 16]}}, b"\0" * 16),
        raw({"a": {**F32, "shape": [3]}}, b"\0" * 8),
        raw({"a": {**F32, "shape": [-2]}}, b"\0" * 8),
        raw({"a": {**F32, "shape": [True, 2]}}, b"\0" * 8),
        raw({"a": {**F32, "dtype": "OBJECT"}}, b"\0" * 8),
        raw({"a": {"dtype": "F32"}}, b"\0" * 8),
        raw({"a": 3}, b"\0" * 8),
        raw([1, 2], b""),
        raw(b"[" * 100_000),
        raw({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(100_000)}),
    ],
    ids=lambda content: f"{len(content)} bytes",
)
def test_lying_headers_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(Untrusted):
        weights_in(tmp_path)


def test_a_header_longer_than_any_models_is_not_read(tmp_path: Path) -> None:
    fine = raw(json.dumps({"a": F32}).encode() + b" " * 2**20, b"\0" * 8)
    (tmp_path / "model.safetensors").write_bytes(fine)
    assert weights_in(tmp_path)
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", MAX_HEADER + 1) + b'{"a": ')
        file.truncate(8 + MAX_HEADER + 1 + 8)  # takes no room on the disk
    with pytest.raises(Untrusted, match="is no safetensors file"):
        weights_in(tmp_path)


def test_a_json_larger_than_any_configuration_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(MAX_JSON + 1)
    with pytest.raises(Untrusted, match="larger than"):
        read_json(tmp_path / "config.json")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt", "model.PTH", "model.pkl"])
def test_pickles_are_refused_with_a_way_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04")
    with pytest.raises(Untrusted, match="safetensors version"):
        weights_in(tmp_path)


def test_pickle_under_another_name_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(Untrusted):
        weights_in(tmp_path)


def test_pickle_beside_safetensors_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    save_file({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
    assert weights_in(tmp_path) == (tmp_path / "model.safetensors",)


def test_shards_are_found_beside_their_index_alone(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "model-1.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    assert weights_in(tmp_path) == (tmp_path / "model-1.safetensors",)
    index.write_text(json.dumps({"weight_map": {"a": "../model-1.safetensors"}}))
    with pytest.raises(Untrusted):
        weights_in(tmp_path)
    index.write_text(json.dumps({"weight_map": {"a": "model-2.safetensors"}}))
    with pytest.raises(ModelError, match="model-2"):
        weights_in(tmp_path)


def test_folder_without_weights_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights"):
        weights_in(tmp_path)
    with pytest.raises(NotFound):
        check_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("key", ["auto_map", "trust_remote_code"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "1_Pooling/config.json", "deep/er/x.json"])
def test_code_is_refused_at_any_depth(tmp_path: Path, key: str, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"a": [{"b": {key: {"AutoModel": "modeling.Evil"}}}]}))
    with pytest.raises(Untrusted, match=key):
        check_folder(tmp_path)


def test_word_of_a_vocabulary_is_no_code(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps({"auto_map": 17}))
    check_folder(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_broken_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(Untrusted):
        read_json(tmp_path / "config.json")


def test_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.json").write_text("{}")
    (folder / "config.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(Untrusted, match="leads out"):
        check_folder(folder)


def test_folder_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "1_Pooling").symlink_to(tmp_path)
    with pytest.raises(Untrusted, match="leads out"):
        check_folder(folder)


def test_links_of_the_hub_s_cache_are_its_own(tmp_path: Path) -> None:
    repository = tmp_path / "models--org--name"
    folder = repository / "snapshots" / "0123"
    folder.mkdir(parents=True)
    (repository / "blobs").mkdir()
    (repository / "blobs" / "abc").write_text("{}")
    (folder / "config.json").symlink_to(Path("../../blobs/abc"))
    check_folder(folder)


def test_hub_ids_have_one_form() -> None:
    assert is_hub_id("sentence-transformers/all-MiniLM-L6-v2")
    assert not any(is_hub_id(text) for text in ("a", "a/b/c", "../b", "a/..", "a/b\n", "a b/c", "ä/b", "/b", "a/"))
