"""Bad models, adapters and shared models: each entry spoils a copy of a good folder, and says what the refusal has to name.

A payload that is planted touches a file when it is run, so that a test sees whether anything ran.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = ("open_clip_model.safetensors", "model.safetensors", "adapter/adapter_model.safetensors", "adapter_model.safetensors")


@dataclass(frozen=True, slots=True)
class Spoilt:
    """One way to spoil a folder."""

    name: str
    spoil: Callable[[Path, Path], object]
    """`spoil(folder, trace)`: change the folder so that whoever runs something of it leaves the file `trace`."""
    said: str
    """What the error says."""


class Plant:
    """Unpickled, it touches a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def weights_of(folder: Path) -> Path:
    return next(folder / name for name in WEIGHTS if (folder / name).is_file())


def pickled(suffix: str) -> Callable[[Path, Path], object]:
    """The weights as a pickle called as they are, but for the suffix."""

    def spoil(folder: Path, trace: Path) -> None:
        weights = weights_of(folder)
        weights.unlink()
        torch.save({"payload": Plant(trace)}, weights.with_suffix(suffix))

    return spoil


def raw_pickle(folder: Path, trace: Path) -> None:
    weights_of(folder).write_bytes(pickle.dumps(Plant(trace)))


def header(change: Callable[[dict[str, Any]], object], length: int | None = None) -> Callable[[Path, Path], object]:
    """The weights with another header."""

    def spoil(folder: Path, trace: Path) -> None:
        path = weights_of(folder)
        data = path.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        said = json.loads(data[8 : 8 + size])
        changed = change(said)
        text = changed if isinstance(changed, bytes) else json.dumps(said).encode()
        path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data[8 + size :])

    return spoil


def overlap(said: dict[str, Any]) -> None:
    first = min((entry for name, entry in said.items() if name != "__metadata__"), key=lambda entry: entry["data_offsets"])
    said["another"] = dict(first)


@cache
def hundred_thousand() -> bytes:
    return b"".join(b',"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(100_000))


def many(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode()[:-1] + hundred_thousand() + b"}"


def double(said: dict[str, Any]) -> bytes:
    """The first tensor stands there twice: a reader that takes the last and one that takes the first see two models."""
    name = next(name for name in said if name != "__metadata__")
    return b"{" + json.dumps({name: said[name]}).encode()[1:-1] + b", " + json.dumps(said).encode()[1:]


def cut(folder: Path, trace: Path) -> None:
    path = weights_of(folder)
    path.write_bytes(path.read_bytes()[:-100])


def tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path, Path], object]:
    def spoil(folder: Path, trace: Path) -> None:
        path = weights_of(folder)
        read = load_file(path)
        change(read)
        save_file({name: tensor.contiguous() for name, tensor in read.items()}, path)

    return spoil


def lead_out(folder: Path, trace: Path) -> None:
    path = weights_of(folder)
    outside = trace.parent / "outside.safetensors"
    path.rename(outside)
    path.symlink_to(outside)


def configured(name: str, **values: object) -> Callable[[Path, Path], object]:
    """Keys of a JSON file, or of its `model_cfg`, replaced; made where the file is not there."""

    def spoil(folder: Path, trace: Path) -> None:
        path = folder / name
        said = json.loads(path.read_text()) if path.is_file() else {}
        said.update(values)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said))
        (path.parent / "modeling_planted.py").write_text(f"open({str(trace)!r}, 'w')\nclass Planted: ...\n")

    return spoil


def written(name: str, text: str) -> Callable[[Path, Path], object]:
    return lambda folder, trace: (folder / name).write_text(text)


def without(*names: str) -> Callable[[Path, Path], object]:
    def spoil(folder: Path, trace: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return spoil


def with_adapter(folder: Path, trace: Path) -> None:
    """A library that loads the folder would load this too: another base, and a pickle over it."""
    named = {"peft_type": "LORA", "base_model_name_or_path": str(folder.parent), "target_modules": ["query"], "r": 1}
    (folder / "adapter_config.json").write_text(json.dumps(named))
    torch.save({"payload": Plant(trace)}, folder / "adapter_model.bin")


def more_words(folder: Path, trace: Path) -> None:
    said = json.loads((folder / "tokenizer.json").read_text())
    said["model"]["vocab"] |= {f"word{n}": 1000 + n for n in range(100)}
    (folder / "tokenizer.json").write_text(json.dumps(said))


def named_weights(name: str) -> Callable[[Path, Path], object]:
    """The configuration says which file the weights are: a pickle, or what an index names that leads out."""

    def spoil(folder: Path, trace: Path) -> None:
        configured("config.json", transformers_weights=name)(folder, trace)
        torch.save({"payload": Plant(trace)}, folder / "adapter_model.bin")
        torch.save({"payload": Plant(trace)}, folder.parent / "outside.bin")
        (folder / "x.safetensors.index.json").write_text('{"metadata": {}, "weight_map": {"a": "../outside.bin"}}')

    return spoil


def distributed(folder: Path, trace: Path) -> None:
    """What a library would take for a checkpoint in parts, whose table of contents is a pickle."""
    (folder / ".metadata").write_bytes(pickle.dumps(Plant(trace)))
    (folder / "__0_0.distcp").write_bytes(pickle.dumps(Plant(trace)))


def normalized(**said: object) -> Callable[[Path, Path], object]:
    """The tokenizer, with another first step."""
    return configured("tokenizer.json", normalizer=said)


def numbered(folder: Path, trace: Path) -> None:
    """One word whose number is beyond every model's."""
    said = json.loads((folder / "tokenizer.json").read_text())
    said["model"]["vocab"] |= {"word": 5_000_000}
    (folder / "tokenizer.json").write_text(json.dumps(said))


def part(name: str, **values: object) -> Callable[[Path, Path], object]:
    """Keys of a part of an open_clip configuration."""

    def spoil(folder: Path, trace: Path) -> None:
        path = folder / "open_clip_config.json"
        said = json.loads(path.read_text())
        (said if name == "preprocess_cfg" else said["model_cfg"]).setdefault(name, {}).update(values)
        path.write_text(json.dumps(said))

    return spoil


def to_itself(folder: Path, trace: Path) -> None:
    (folder / "extra.json").symlink_to("extra.json")


def pipe(name: str) -> Callable[[Path, Path], object]:
    """A file that nobody writes to: who opens it waits for ever."""

    def spoil(folder: Path, trace: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return spoil


CODE = {"AutoConfig": "modeling_planted.Planted", "AutoModel": "modeling_planted.Planted"}
DEEP = "[" * 100_000
NO_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")

FILES = (
    *(Spoilt(f"pickle {suffix}", pickled(suffix), r"refused|no weights|missing") for suffix in (".bin", ".pt", ".ckpt")),
    Spoilt("pickle .SafeTensors", pickled(".SafeTensors"), "no weights|missing|can run code"),
    Spoilt("zipped pickle called .safetensors", pickled(".safetensors"), "no safetensors file"),
    Spoilt("pickle called .safetensors", raw_pickle, "no safetensors file"),
    Spoilt("length over the file", header(dict, length=10**7), "no safetensors file"),
    Spoilt("length of 2^63", header(dict, length=2**63), "no safetensors file"),
    Spoilt("overlapping tensors", header(overlap), "overlap"),
    Spoilt("100,000 tensors", header(many), "more tensors"),
    Spoilt("a tensor twice", header(double), "broken|twice|overlap"),
    Spoilt("metadata that is no text", header(lambda said: said.update(__metadata__={"a": [1]})), "broken"),
    Spoilt("cut off", cut, "cut off"),
    Spoilt("a link that leads out", lead_out, "leads out"),
    Spoilt("a link to itself", to_itself, "leads out"),
    Spoilt("a pipe", pipe("extra.json"), "not a plain file"),
)
"""What any folder with weights can be."""

FOLDERS = (
    *FILES,
    Spoilt("auto_map", configured("config.json", auto_map=CODE), "auto_map"),
    Spoilt("auto_map far down", configured("a.json", x=[{"y": [{"auto_map": CODE}]}]), "auto_map"),
    Spoilt("auto_map in a deep folder", configured("1/2/3/4/5/6/config.json", auto_map=CODE), "auto_map"),
    Spoilt("auto_map in CONFIG.JSON", configured("CONFIG.JSON", auto_map=CODE), "auto_map"),
    Spoilt("trust_remote_code", configured("tokenizer_config.json", trust_remote_code=True), "trust_remote_code"),
    Spoilt("JSON 100,000 deep", written("extra.json", DEEP), "extra.json"),
)
"""A base model of any family."""

HF = (
    Spoilt("an unknown type", configured("config.json", model_type="planted"), "planted"),
    Spoilt("a type that is a list", configured("config.json", model_type=["bert"]), "bert"),
    Spoilt("no tokenizer", without(*NO_TOKENIZER), "tokenizer is missing"),
    Spoilt("a tokenizer of another vocabulary", more_words, "tokens"),
    Spoilt("an adapter beside the model", with_adapter, "adapter"),
    Spoilt("a kernel from the hub", configured("config.json", attn_implementation="org/kernel"), "attn_implementation"),
    Spoilt("a kernel in a part", configured("config.json", text_config={"attn_implementation": "o/k"}), "attn_implementation"),
    Spoilt(
        "quantised", configured("config.json", quantization_config={"quant_method": "gptq", "bits": 4}), "quantization_config"
    ),
    Spoilt("quantised as fp8", configured("config.json", quantization_config={"quant_method": "fp8"}), "quantization_config"),
    Spoilt("a pickle named as the weights", named_weights("adapter_model.bin"), "transformers_weights"),
    Spoilt("an index that leads out", named_weights("x.safetensors.index.json"), "transformers_weights"),
    Spoilt("ten million layers", configured("config.json", num_hidden_layers=10**7), "larger model"),
    Spoilt("ten million layers in a part", configured("config.json", text_config={"num_hidden_layers": 10**7}), "larger model"),
    Spoilt("a billion labels", configured("config.json", num_labels=10**9), "larger model"),
    Spoilt("far wider than its weights", configured("config.json", hidden_size=2**15, text_config={}), "numbers|built"),
    Spoilt("a tokenizer's table of nothing", normalized(type="Precompiled", precompiled_charsmap=""), "changes texts"),
    Spoilt("a tokenizer's table of gigabytes", normalized(type="Precompiled", precompiled_charsmap="/" * 48), "changes texts"),
    Spoilt("a replacement that grows", normalized(type="Replace", pattern={"String": "a"}, content="a" * 32), "changes texts"),
    Spoilt("a word of the number 5,000,000", numbered, "tokens"),
    Spoilt("4 million lists", written("extra.json", "[" + "[]," * 4_000_000 + "0]"), "holds more"),
    Spoilt("layers of text", configured("config.json", num_hidden_layers="many", text_config="x"), "built|configuration"),
    Spoilt("no JSON", written("config.json", "{"), "config.json"),
    Spoilt("a pipe for a configuration", pipe("config.json"), "config.json is not a plain file"),
)
"""A base model in Hugging Face's form."""

OPEN_CLIP = (
    Spoilt("no model_cfg", configured("open_clip_config.json", model_cfg=3), "model_cfg"),
    Spoilt("ten million layers", part("text_cfg", layers=10**7), "larger model"),
    Spoilt("ten million layers of pictures", part("vision_cfg", layers=[3, 10**7]), "larger model"),
    Spoilt("far wider than its weights", part("text_cfg", width=2**15), "numbers"),
    Spoilt("a context of 30,000", part("text_cfg", context_length=30_000), "numbers"),
    Spoilt("a picture of 100,000 pixels a side", part("vision_cfg", image_size=100_000), "numbers|built|fit"),
    Spoilt("a hundred million words", part("text_cfg", vocab_size=10**8), "numbers"),
    Spoilt("a mean of letters", part("preprocess_cfg", mean="abc"), "cannot be loaded"),
    Spoilt("a margin of letters", part("preprocess_cfg", fill_color="abc"), "cannot be loaded"),
    Spoilt("a spread of nothing", part("preprocess_cfg", std=[0.0, 0.0, 0.0]), "no numbers"),
    Spoilt("a tokenizer's settings of a number", part("text_cfg", tokenizer_kwargs=5), "cannot"),
    Spoilt("no vision_cfg", configured("open_clip_config.json", model_cfg={"embed_dim": 24}), "vision_cfg"),
)
"""A base model in open_clip's form."""


def adapter(**values: object) -> Callable[[Path, Path], object]:
    return configured("adapter_config.json", **values)


def first(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path, Path], object]:
    return tensors(lambda read: read.update({name: change(read[name]) for name in list(read)[:1]}))


ADAPTERS = (
    *FILES,
    Spoilt("wrong shapes", first(lambda tensor: torch.zeros(3, 3)), "not F32"),
    Spoilt("rank of a million", adapter(r=10**6), "r=1000000"),
    Spoilt("NaN", first(lambda tensor: tensor + float("nan")), "not numbers"),
    Spoilt("auto_mapping", adapter(auto_mapping={"parent_library": "modeling_planted", "base_model_class": "P"}), "auto_mapping"),
    Spoilt("auto_map", adapter(auto_map=CODE), "auto_map"),
    Spoilt("auto_map far down", adapter(target_modules=[{"auto_map": CODE}]), "auto_map"),
    Spoilt("another base's name", configured("manifest.json", weights_hash="0" * 64), "other weights"),
    Spoilt("configuration 100,000 deep", written("adapter_config.json", DEEP), "adapter_config.json"),
)

HARMLESS = (
    Spoilt("a module beside it", configured("notes.json", author="somebody"), ""),
    Spoilt("a tokenizer's class of its own", configured("tokenizer_config.json", tokenizer_class="Planted"), ""),
    Spoilt("a pickle beside the weights", lambda folder, trace: torch.save(Plant(trace), folder / "pytorch_model.bin"), ""),
    Spoilt("a checkpoint in parts", distributed, ""),
    Spoilt("a kernel that comes with torch", configured("config.json", attn_implementation="eager"), ""),
)
"""What lies in many a folder of Hugging Face's form, and is never looked at."""

SHARED = (
    Spoilt("configuration 100,000 deep", written("config.json", DEEP), "config.json"),
    Spoilt("configuration of a list", written("config.json", "[]"), "settings|config.json"),
    Spoilt("a model of another kind", configured("config.json", model=7), "settings|model"),
    Spoilt("a report of numbers", written("report.json", "[1]"), "report.json"),
    Spoilt("strengths that are none", written("report.json", '{"strengths": [{"strength": {}}]}'), "report.json"),
    Spoilt("answers of text", written("adapter/answers.json", '{"strength": "much"}'), "answers.json"),
    Spoilt("answers of a list", written("adapter/answers.json", "[1]"), "answers.json"),
    Spoilt("auto_map", configured("report.json", auto_map=CODE), "auto_map"),
    Spoilt("pickled adapter", pickled(".bin"), "missing"),
    Spoilt("pickle called .safetensors", raw_pickle, "no safetensors file"),
    Spoilt("a link that leads out", lead_out, "leads out"),
)
"""What `Sharing.model` packed, unpacked."""
