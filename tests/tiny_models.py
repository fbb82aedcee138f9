"""Tiny random models of every family, written to disk in the form in which real ones come."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIDE = 32
WORDS = "a photo of the cat dog red blue small big house tree car one two three sky".split()


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Pictures of several sizes and shapes."""
    draw = np.random.default_rng(0)
    sizes = [(64, 48), (48, 64), (33, 57), (32, 32), (20, 45), (101, 40)]
    return [Image.fromarray(draw.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in sizes]


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return ["a photo of a cat", "dog", "the small red house of the big dog one two three", "a blue sky"]


@pytest.fixture(scope="session")
def tiny_ids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`{kind: model id}`; several kinds a family."""
    root = tmp_path_factory.mktemp("models")
    makers: dict[str, Callable[[Path], str]] = {
        "open_clip-vit": _open_clip_vit,
        "open_clip-conv": _open_clip_conv,
        "hf-clip": _hf_clip,
        "siglip": _siglip,
        "bert": _bert,
        "distilbert": _distilbert,
        "mpnet": _mpnet,
        "modernbert": _modernbert,
    }
    ids = {}
    for name, make in makers.items():
        (root / name).mkdir()
        ids[name] = make(root / name)
    return ids


def write_open_clip(folder: Path, config: dict[str, object]) -> str:
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    whole = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}
    (folder / "open_clip_config.json").write_text(json.dumps(whole))
    network = open_clip.CLIP(**config)
    # statistics that differ from a fresh batch norm's, so that a test sees when they are lost
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "open_clip_model.safetensors")
    return f"open_clip:local-dir:{folder}"


TEXT_CFG = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


def _open_clip_vit(folder: Path) -> str:
    vision = {"image_size": SIDE, "layers": 3, "width": 32, "head_width": 16, "patch_size": 8}
    return write_open_clip(folder, {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT_CFG})


def _open_clip_conv(folder: Path) -> str:
    vision = {
        "timm_model_name": "mobilenetv2_050",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": SIDE,
    }
    return write_open_clip(folder, {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT_CFG})


def write_tokenizer(folder: Path, start: str, end: str, length: int) -> int:
    """A word-level tokenizer that puts a start and an end token; the size of its vocabulary."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", *WORDS, start, end]
    vocabulary = {name: i for i, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, vocabulary[start]), (end, vocabulary[end])]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        bos_token=start,
        eos_token=end,
        model_max_length=length,
    )
    fast.save_pretrained(folder)
    return len(names)


def _hf_clip(folder: Path) -> str:
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    torch.manual_seed(0)
    size = write_tokenizer(folder, "<s>", "</s>", 20)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    tokens = {"vocab_size": size, "max_position_embeddings": 20, "bos_token_id": size - 2, "eos_token_id": size - 1}
    text, vision = {**sizes, **tokens}, {**sizes, "image_size": SIDE, "patch_size": 8}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    CLIPModel(config).save_pretrained(folder)
    edge = {"shortest_edge": SIDE}
    CLIPImageProcessor(size=edge, crop_size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return f"hf:{folder}"


def _siglip(folder: Path) -> str:
    import torch
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    torch.manual_seed(0)
    size = write_tokenizer(folder, "<s>", "</s>", 16)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**sizes, "vocab_size": size, "max_position_embeddings": 16, "projection_size": 32}
    config = SiglipConfig(text_config=text, vision_config={**sizes, "image_size": SIDE, "patch_size": 8})
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return f"hf:{folder}"


def _bert(folder: Path) -> str:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    size = write_tokenizer(folder, "[CLS]", "[SEP]", 24)
    config = BertConfig(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=24,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertModel(config).save_pretrained(folder)
    return f"hf:{folder}"


def _distilbert(folder: Path) -> str:
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    size = write_tokenizer(folder, "[CLS]", "[SEP]", 24)
    sizes = {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 24}
    config = DistilBertConfig(vocab_size=size, dropout=0.0, attention_dropout=0.0, **sizes)
    DistilBertModel(config).save_pretrained(folder)
    return f"hf:{folder}"


def _mpnet(folder: Path) -> str:
    import torch
    from transformers import MPNetConfig, MPNetModel

    torch.manual_seed(0)
    size = write_tokenizer(folder, "<s>", "</s>", 24)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    MPNetModel(MPNetConfig(vocab_size=size, max_position_embeddings=26, **sizes, **still)).save_pretrained(folder)
    return f"hf:{folder}"


def _modernbert(folder: Path) -> str:
    import torch
    from transformers import ModernBertConfig, ModernBertModel

    torch.manual_seed(0)
    size = write_tokenizer(folder, "[CLS]", "[SEP]", 24)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {
        "pad_token_id": 0,
        "cls_token_id": size - 2,
        "sep_token_id": size - 1,
        "bos_token_id": size - 2,
        "eos_token_id": size - 1,
    }
    local = {"max_position_embeddings": 24, "local_attention": 8, "global_attn_every_n_layers": 2}
    ModernBertModel(ModernBertConfig(vocab_size=size, **sizes, **ends, **local)).save_pretrained(folder)
    return f"hf:{folder}"
