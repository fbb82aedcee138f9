"""The one gate before weights are read: what may be loaded, decided by content. Executes nothing, imports no torch.

Refuses pickled weights, folders that ask for their own code or for kernels of the hub, links that lead out, files that are none
(a pipe would never end), and safetensors headers that lie or that another reader could take otherwise.
"""

from __future__ import annotations

import base64
import json
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import ModelError, NotFound, Untrusted

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5", ".npz")
CODE_KEYS = frozenset({"auto_map", "trust_remote_code"})
OTHER_KEYS = frozenset({"transformers_weights", "quantization_config", "fusion_config", "kernel_config", "distributed_config"})
"""Other weights than those that were checked, or libraries to read them with."""
LAYER_KEYS = frozenset({"layers", "num_layers", "num_hidden_layers", "n_layers", "n_layer", "depth", "num_labels"})
MOST_LAYERS, MOST_LABELS = 512, 100_000
KERNEL_KEYS = frozenset({"attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation"})
KERNELS = frozenset({None, "eager", "sdpa"})
"""What a configuration may say of them: anything else is a library to import, or one on the hub to run."""
INDEX = "model.safetensors.index.json"
CONFIGURATIONS = ("config.json", "open_clip_config.json")
LONGEST_REPLACEMENT = 4
ANOTHER = "Choose another model."
MAX_JSON = 128 * 1024 * 1024
MOST_BRACKETS = 3_000_000
"""Of a JSON: the vocabulary of the largest tokenizers has under a million, and each is a list or an object once it is read."""
MAX_HEADER = 32 * 1024 * 1024
MAX_TENSORS = 50_000
LARGEST = 2**63
"""Of a tensor's sides and of their product; other readers count no further."""
BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8}


def is_hub_id(text: str) -> bool:
    """Whether `text` has the form ORG/NAME of a hub id."""
    return bool(HUB_ID.fullmatch(text)) and ".." not in text


def check_folder(folder: Path) -> None:
    """Raise Untrusted where a file of the model's folder leads out of it or a JSON in it asks for code; NotFound without it."""
    if not folder.is_dir():
        raise NotFound(f"There is no model folder {folder}.", "Check the path.")
    root = _root(folder)
    for path in _files(folder):
        if not _stays(path, root):
            raise Untrusted(f"{path.name} is a link that leads out of the model's folder.", "Put the file itself there.")
        if path.suffix.lower() == ".json":  # some file systems do not tell the cases apart
            _refuse_code(read_json(path), path.name)


def read_json(path: Path) -> Any:
    """The parsed file. Raises ModelError where it is missing, Untrusted where it is too large, too deep, no JSON or no file."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Untrusted(f"{path.name} is not a plain file.", "Put the file itself there.")
        if status.st_size > MAX_JSON:
            raise Untrusted(f"{path.name} is larger than any model's configuration.", "Download the model again.")
        said = path.read_bytes()
        if said.count(b"[") + said.count(b"{") > MOST_BRACKETS:
            raise Untrusted(f"{path.name} holds more than any model's configuration.", "Download the model again.")
        return json.loads(said)
    except FileNotFoundError:
        raise ModelError(f"{path.name} is missing in {path.parent}.", "Download or copy the whole folder.") from None
    except OSError as error:
        raise ModelError(f"{path.name} cannot be opened ({error.strerror}).", "Check its permissions.") from error
    except (ValueError, RecursionError) as error:
        raise Untrusted(f"{path.name} is no valid JSON: {type(error).__name__}.", "Download the model again.") from None


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object. Raises like `read_json`."""
    config = read_json(path)
    if not isinstance(config, dict):
        raise Untrusted(f"{path.name} holds no JSON object.", "Download the model again.")
    return config


def weights_in(folder: Path, preferred: Sequence[str] = ("model.safetensors",)) -> tuple[Path, ...]:
    """The checked safetensors files of a model: a preferred name, the shards of an index, or the only one there is.

    Raises Untrusted where the folder has pickled weights alone, ModelError where it has none.
    """
    for name in preferred:
        if (folder / name).is_file():
            return (_checked(folder / name),)
    index = folder / INDEX
    if index.is_file():
        shards = [folder / name for name in shards_of(index)]
        missing = [path.name for path in shards if not path.is_file()]
        if missing:
            raise ModelError(f"{missing[0]} is missing.", "Download or copy the whole folder.")
        return tuple(map(_checked, shards))
    found = sorted(folder.glob("*.safetensors"))
    if len(found) == 1:
        return (_checked(found[0]),)
    if found:
        raise ModelError(f"{folder} has {len(found)} safetensors files.", f"Keep the model's own, as {preferred[0]}.")
    pickled = [path.name for path in sorted(folder.iterdir()) if path.suffix.lower() in PICKLED]
    if pickled:
        raise Untrusted(
            f"{pickled[0]} can run code when it is opened, so it is refused.",
            "Use a safetensors version of this model, or convert it on a machine you can lose.",
        )
    raise ModelError(f"{folder} has no weights (*.safetensors).", "Download or copy the whole folder.")


def safetensors_header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """`{tensor: (dtype, shape)}` of a file whose header and data agree in every byte. Raises Untrusted."""
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 2 <= length <= min(MAX_HEADER, size - 8):
            raise Untrusted(f"{path.name} is no safetensors file.", "Download the model again.")
        raw = file.read(length)
    header = _parsed(path, raw)
    spans = sorted(_span(path, name, entry) for name, entry in header.items())
    end = 0
    for start, stop in spans:
        if start != end:
            raise Untrusted(f"{path.name}: its tensors overlap or leave gaps.", "Download the model again.")
        end = stop
    if end != size - 8 - length:
        raise Untrusted(f"{path.name} is cut off or has data that no tensor names.", "Download the model again.")
    return {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in header.items()}


def _parsed(path: Path, raw: bytes) -> dict[str, Any]:
    """{tensor: entry}, from JSON that every reader takes for the same."""
    too_many = Untrusted(f"{path.name} lists more tensors than any model has.", "Download the model again.")
    if (
        raw.count(b"{") > 2 * MAX_TENSORS or raw.count(b"[") > 4 * MAX_TENSORS
    ):  # before it is parsed, which takes as long as it is large
        raise too_many
    try:
        if not raw.startswith(b"{"):
            raise ValueError("no object")
        header: dict[str, Any] = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
        said = header.pop("__metadata__", {})
        if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
            raise ValueError("metadata")
    except (ValueError, RecursionError):
        raise Untrusted(f"{path.name} has a broken safetensors header.", "Download the model again.") from None
    if len(header) > MAX_TENSORS:
        raise too_many
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # one reader would take the first of a name, another the last
        raise ValueError("a name stands there twice")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def _checked(path: Path) -> Path:
    safetensors_header(path)
    return path


def _span(path: Path, name: str, entry: Any) -> tuple[int, int]:
    """Where one tensor lies, checked against its dtype and shape."""
    try:
        (start, stop), shape, count = entry["data_offsets"], entry["shape"], 1
        for side in shape:
            count *= side
            if type(side) is not int or not 0 <= side < LARGEST or count >= LARGEST:
                raise ValueError(side)
        if not (isinstance(shape, list) and isinstance(entry["data_offsets"], list)):
            raise TypeError(name)
        if type(start) is not int or type(stop) is not int or (stop - start) * 8 != count * BITS[entry["dtype"]] or start < 0:
            raise ValueError(name)
    except (KeyError, TypeError, ValueError):
        raise Untrusted(f"{path.name}: the header of {name[:80]!r} does not fit its data.", "Download the model again.") from None
    return start, stop


def shards_of(index: Path) -> list[str]:
    """File names in an index of shards, each a plain name beside it. Raises ModelError for none, Untrusted for others."""
    mapping = read_config(index).get("weight_map")
    names = sorted(set(mapping.values())) if isinstance(mapping, dict) else []
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise Untrusted(f"{index.name} names {str(name)[:80]!r}, which is no file beside it.", "Download the model again.")
    if not names:
        raise ModelError(f"{index.name} names no files.", "Download the model again.")
    return names


def _refuse_code(value: Any, file: str) -> None:
    """A vocabulary may hold the word as a token, with its number; anything else under these keys names code."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for key in CODE_KEYS & node.keys():
                if type(node[key]) is not int:
                    raise Untrusted(f"{file} asks for code of its own ({key}).", "Only models without custom code are loaded.")
            for key in KERNEL_KEYS & node.keys():
                if type(node[key]) is not int and not (isinstance(node[key], str | None) and node[key] in KERNELS):
                    raise Untrusted(
                        f"{file} asks for other kernels ({key}).", "Take that line out of it, or choose another model."
                    )
            for key in OTHER_KEYS & node.keys():
                if type(node[key]) is not int and node[key] is not None:
                    raise Untrusted(
                        f"{file} asks for other weights, or another way to read them ({key}).", "Choose another model."
                    )
            if file in CONFIGURATIONS:
                _refuse_size(node, file)
            if node.get("type") in ("Precompiled", "Replace"):
                _refuse_normalizer(node, file)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _refuse_size(node: dict[str, Any], file: str) -> None:
    for key in LAYER_KEYS & node.keys():
        said = node[key] if isinstance(node[key], list) else [node[key]]
        if any(isinstance(n, int) and n > (MOST_LABELS if key == "num_labels" else MOST_LAYERS) for n in said):
            raise Untrusted(f"{file} describes a larger model than any is ({key}).", "Download the model again.")


def _refuse_normalizer(node: dict[str, Any], file: str) -> None:
    """Of a tokenizer: a table whose length is not what it says would ask for gigabytes, and a short text may be replaced by a
    long one again and again."""
    bad = Untrusted(f"{file} changes texts in a way that no tokenizer needs ({node['type']}).", "Download the model again.")
    if node["type"] == "Replace" and isinstance(node.get("content"), str) and len(node["content"]) > LONGEST_REPLACEMENT:
        raise bad
    if isinstance(table := node.get("precompiled_charsmap"), str):
        try:
            held = base64.b64decode(table, validate=True)
            if 4 + struct.unpack_from("<I", held)[0] > len(held):
                raise bad
        except (ValueError, struct.error):
            raise bad from None


def _files(folder: Path) -> Iterator[Path]:
    """Every file and every link below; none is followed."""
    folders = [folder]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir() and not path.is_symlink():
                folders.append(path)
            else:
                yield path


def _stays(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link that leads to itself
        return False


def _root(folder: Path) -> Path:
    """What links may lead to: the folder itself, or its repository where it is a snapshot of the hub's cache."""
    resolved = folder.resolve()
    repository = resolved.parent.parent
    in_cache = resolved.parent.name == "snapshots" and (repository / "blobs").is_dir()
    return repository if in_cache else resolved
