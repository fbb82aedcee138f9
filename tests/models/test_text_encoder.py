from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from studio.core.errors import ModelError, NotFound, Offline, Untrusted
from studio.models import family_for, load_model

SENTENCES = ["A cat sits on the mat.", "The stock market fell sharply today, analysts said, after weeks of calm.", "hi", ""]


def test_minilm_s_embeddings_are_the_mean_over_its_tokens(minilm: Path) -> None:
    tokenizer, network = AutoTokenizer.from_pretrained(minilm), AutoModel.from_pretrained(minilm).eval()
    rows = []
    with torch.inference_mode():
        for sentence in SENTENCES:
            states = network(**tokenizer(sentence, return_tensors="pt")).last_hidden_state[0]
            rows.append(torch.nn.functional.normalize(states.mean(0), dim=0))
    model = load_model(f"hf:{minilm}")
    assert model.info.dim == 384 and model.info.modalities == ("text",) and model.info.logit_scale == 20
    assert (model.embed("text", SENTENCES) - torch.stack(rows)).abs().max() < 1e-5
    assert "length=256" in model.info.preprocessing


def test_two_threads_at_once_get_the_same(minilm: Path) -> None:
    model = load_model(f"hf:{minilm}")
    sentences = [" ".join(["word"] * n) for n in range(1, 60)]
    expected = model.embed("text", sentences)
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: model.embed("text", sentences), range(3)))
    assert all(torch.equal(expected, result) for result in results)


@pytest.fixture
def copy(tiny_ids: dict[str, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_ids["bert"].removeprefix("hf:"), tmp_path / "copy"))


def pooled(folder: Path, **flags: bool) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **flags}))
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))


def test_pooling_is_what_the_files_say(copy: Path, texts: list[str]) -> None:
    tokenizer, network = AutoTokenizer.from_pretrained(copy), AutoModel.from_pretrained(copy).eval()
    with torch.inference_mode():
        states = [network(**tokenizer(t, return_tensors="pt")).last_hidden_state[0] for t in texts]
    ways = {"cls_token": lambda s: s[0], "max_tokens": lambda s: s.amax(0), "mean_tokens": lambda s: s.mean(0)}
    for name, way in ways.items():
        pooled(copy, **{f"pooling_mode_{other}": other == name for other in ways})
        expected = torch.nn.functional.normalize(torch.stack([way(s) for s in states]), dim=1)
        assert (load_model(f"hf:{copy}").embed("text", texts) - expected).abs().max() < 1e-5, name


def test_long_texts_are_cut_at_the_stated_length(copy: Path) -> None:
    (copy / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 6, "do_lower_case": True}))
    model = load_model(f"hf:{copy}")
    one, two, three = model.embed("text", ["a photo of the cat", "A PHOTO of the dog dog dog", "a photo of a dog"])
    assert torch.allclose(one, two, atol=1e-6) and not torch.allclose(one, three, atol=1e-3)


def test_text_longer_than_the_positions_is_cut(copy: Path) -> None:
    assert load_model(f"hf:{copy}").embed("text", ["cat " * 500]).shape == (1, 32)


@pytest.mark.parametrize("kind", ["Dense", "WordEmbeddings"])
def test_layers_that_are_not_supported_are_named(copy: Path, kind: str) -> None:
    (copy / "modules.json").write_text(json.dumps([{"type": f"sentence_transformers.models.{kind}", "path": "2"}]))
    with pytest.raises(ModelError, match=kind):
        load_model(f"hf:{copy}")


def test_pooling_outside_the_folder_is_refused(copy: Path) -> None:
    module = {"type": "sentence_transformers.models.Pooling", "path": "../../elsewhere"}
    (copy / "modules.json").write_text(json.dumps([module]))
    with pytest.raises(Untrusted, match="leads out"):
        load_model(f"hf:{copy}")


def test_mixed_pooling_is_refused(copy: Path) -> None:
    pooled(copy, pooling_mode_cls_token=True, pooling_mode_mean_tokens=True)
    with pytest.raises(ModelError, match="cls, mean"):
        load_model(f"hf:{copy}")


@pytest.mark.parametrize("kind", ["gpt2", "custom", None])
def test_unknown_types_are_refused(copy: Path, kind: Any) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": kind}))
    with pytest.raises(Untrusted, match=r"Known types: .*bert"):
        load_model(f"hf:{copy}")


def test_missing_tokenizer_is_named(copy: Path) -> None:
    for file in copy.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match="okenizer"):
        load_model(f"hf:{copy}")


def test_tokenizer_of_another_vocabulary_is_refused(copy: Path) -> None:
    path = copy / "tokenizer.json"
    whole = json.loads(path.read_text())
    whole["model"]["vocab"] |= {f"new{i}": 100 + i for i in range(50)}
    path.write_text(json.dumps(whole))
    with pytest.raises(ModelError, match="tokens, the model"):
        load_model(f"hf:{copy}")


def test_weights_that_lack_a_layer_are_refused(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = copy / "model.safetensors"
    tensors = load_file(path)
    tensors.pop("encoder.layer.1.attention.self.query.weight")
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="query"):
        load_model(f"hf:{copy}")


def test_hub_id_that_is_not_here_says_so_at_once() -> None:
    with pytest.raises(Offline, match="Download it once"):
        load_model("hf:no-such-org/no-such-model", offline=True)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        load_model(f"hf:{tmp_path}/a/b/nowhere")


def test_listed_models_are_known_before_they_are_here() -> None:
    assert family_for("hf:openai/clip-vit-base-patch32").name == "hf-clip"
    assert family_for("hf:BAAI/bge-small-en-v1.5").modalities("hf:BAAI/bge-small-en-v1.5") == ("text",)
    assert family_for("hf:some/thing").modalities("hf:some/thing") == ()
