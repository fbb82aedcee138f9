"""What is fuzzed: functions of bytes that end in an answer or in an error of Studio's own; anything else is a fault.

Each target comes with seeds, whole files that are mutated. Two hold more than that: a safetensors header that passes the gate is
read by safetensors in the same way, and an adapter's configuration that passes says what the run says.
"""

from __future__ import annotations

import datetime
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import safetensors
import torch
from PIL import Image
from safetensors.torch import save

from studio.core.config import LoraConfig
from studio.core.errors import StudioError
from studio.core.results.projects import Reject
from studio.core.types import ModelInfo
from studio.data.classes import class_name
from studio.data.importers import ImportRequest, Row, importer_for
from studio.modalities import discover_modalities, modalities_named
from studio.models.adapter_files import CONFIG, CONFIG_KEYS, MANIFEST, WEIGHTS, load_adapter, save_adapter
from studio.models.trust import safetensors_header
from tests.inputs import pictures, tables
from tests.inputs.entries import GOOD, encoded

LORA = LoraConfig(rank=2, alpha=4, dropout=0.0)
BASE = ModelInfo("hf:base", "text-encoder", ("text",), 8, "0" * 64, "none", 100, 20.0, False)
TENSORS = {"query.lora_A.weight": torch.ones(2, 8), "query.lora_B.weight": torch.zeros(8, 2)}


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    run: Callable[[bytes, Path], bool]
    """`run(data, folder)`: whether something of it is taken. Raises for a fault alone. The folder is the target's own."""
    seeds: Sequence[bytes]


def offered(source: Path, *modalities: str) -> bool:
    """Everything that an import does with a source before the database."""
    taken = False
    request = ImportRequest(modalities=modalities_named(modalities))
    readers = {name: modality.read for name, modality in request.modalities.items()}
    try:
        for row in importer_for(str(source)).rows(str(source), request):
            assert isinstance(row, Reject | Row)
            if isinstance(row, Row):
                try:
                    for name, read in readers.items():
                        read(row.content[name], row.name)
                    class_name(row.label or "class")
                    taken = True
                except StudioError:
                    continue
    except StudioError as error:
        assert error.message and str(error).encode("utf-8")
        return False
    return taken


def imports(name: str, *modalities: str) -> Callable[[bytes, Path], bool]:
    def run(data: bytes, folder: Path) -> bool:
        (folder / name).write_bytes(data)
        return offered(folder / name, *modalities)

    return run


def data_set(data: bytes, folder: Path) -> bool:
    """The one Arrow file of a folder that `datasets` saved."""
    source = folder / "saved"
    source.mkdir(exist_ok=True)
    (source / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (source / "dataset_info.json").write_text("{}")
    (source / "data.arrow").write_bytes(data)
    return offered(source, "text")


def picture(data: bytes, folder: Path) -> bool:
    """What is taken has a thumbnail too; a thumbnail may be had of more, since less of a JPEG is decoded for it."""
    image = discover_modalities().get("image")
    try:
        image.read(data, "a.png")
        taken = True
    except StudioError:
        taken = False
    try:
        image.thumbnail(data, 96)
    except StudioError:
        assert not taken, "a project would hold a picture that no page can show"
    return taken


def header(data: bytes, folder: Path) -> bool:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    try:
        said = safetensors_header(path)
    except StudioError:
        return False
    with safetensors.safe_open(path, "np") as opened:
        slices = {name: opened.get_slice(name) for name in opened.keys()}
        read = {name: (one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()}
    assert read == said, "another reader takes it for another model"
    return True


def adapter(file: str) -> Callable[[bytes, Path], bool]:
    def run(data: bytes, folder: Path) -> bool:
        if not (folder / MANIFEST).exists():
            save_adapter(folder, TENSORS, LORA, BASE, ("query",))
        kept = (folder / file).read_bytes()
        (folder / file).write_bytes(data)
        try:
            load_adapter(folder, LORA, BASE, TENSORS)
        except StudioError:
            return False
        finally:
            (folder / file).write_bytes(kept)
        if file == CONFIG:
            said = json.loads(data)
            assert said.keys() <= CONFIG_KEYS and (said["r"], said["lora_alpha"]) == (LORA.rank, LORA.alpha)
        return True

    return run


def saved(file: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_adapter(Path(folder), TENSORS, LORA, BASE, ("query",))
        return (Path(folder) / file).read_bytes()


def zipped(kind: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name in ("cat/1.png", "dog/2.png"):
            archive.writestr(name, GOOD)
    return out.getvalue()


def parquets() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        small = {"text": ["a", "b", None], "label": ["cat", "dog", "cat"], "n": [1.5, None, 3.0]}
        made = [tables.parquet(small, compression=kind)(Path(folder)).read_bytes() for kind in ("none", "snappy", "zstd")]
        dated = {"text": ["a"], "when": [datetime.datetime(2000, 1, 1)], "more": [{"x": [1]}]}
        return [*made, tables.parquet(dated)(Path(folder)).read_bytes()]


def arrows() -> list[bytes]:
    small = pa.table(
        {"text": ["a", "b", None], "label": pa.array(["cat", "dog", "cat"]).dictionary_encode(), "n": [1.5, None, 3.0]}
    )
    nested = pa.table({"text": ["a"], "when": [datetime.datetime(2000, 1, 1)], "more": [{"x": [1]}]})
    made = []
    for table in (small, nested):
        out = io.BytesIO()
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
        made.append(out.getvalue())
    return made


def shapes() -> list[bytes]:
    small = Image.effect_noise((16, 12), 80).convert("RGB")
    kinds = [encoded(small, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")]
    return [*kinds, encoded(small, "JPEG", progressive=True), pictures.turned(), pictures.grey16(), pictures.see_through(),
            pictures.frames(3), encoded(small, "WEBP", save_all=True, append_images=[small.rotate(90)])]  # fmt: skip


def targets() -> tuple[Target, ...]:
    csvs = (
        b'text,label,split\nall is well,cat,train\n"a ""b""\nc",dog,test\n',
        "text;label\nGr\u00fc\u00dfe;s\u00fc\u00df\n".encode("utf-16"),
    )
    lines = (b'{"text": "a", "label": "cat"}\n{"text": 3.5, "label": null, "split": "dev"}\n',)
    lists = (b'[{"text": "a", "label": ["x"]}, {"text": "\\u00e9", "label": 1}]', lines[0])
    return (
        Target("csv", imports("data.csv", "text"), csvs),
        Target("jsonl", imports("data.jsonl", "text"), lines),
        Target("json", imports("data.json", "text"), lists),
        Target("parquet", imports("data.parquet", "text"), parquets()),
        Target("arrow", data_set, arrows()),
        Target("zip", imports("data.zip", "image"), [zipped(zipfile.ZIP_STORED), zipped(zipfile.ZIP_DEFLATED)]),
        Target("picture", picture, shapes()),
        Target("adapter configuration", adapter(CONFIG), [saved(CONFIG)]),
        Target("adapter manifest", adapter(MANIFEST), [saved(MANIFEST)]),
        Target("adapter weights", adapter(WEIGHTS), [saved(WEIGHTS)]),
        Target("safetensors header", header, [save(TENSORS), save({"a": torch.zeros(0), "b": torch.zeros(()).half()})]),
    )  # fmt: skip
