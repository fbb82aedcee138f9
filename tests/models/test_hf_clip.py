from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from studio.models import load_model

CASES = [("hf-clip", CLIPImageProcessorPil, "longest"), ("siglip", SiglipImageProcessorPil, "max_length")]


@pytest.mark.parametrize(("kind", "processor", "padding"), CASES)
def test_features_are_the_library_s_own(
    tiny_ids: dict[str, str], pictures: list[Any], texts: list[str], kind: str, processor: Any, padding: str
) -> None:
    folder = Path(tiny_ids[kind].removeprefix("hf:"))
    network, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    length = network.config.text_config.max_position_embeddings
    # one picture at a time and one text at a time: no batching of ours in the reference
    with torch.inference_mode():
        seen = [
            network.get_image_features(
                **processor.from_pretrained(folder)(p, return_tensors="pt").to(torch.float32)
            ).pooler_output
            for p in pictures
        ]
        read = [
            network.get_text_features(
                tokenizer(t, return_tensors="pt", padding=padding, max_length=length, truncation=True).input_ids
            ).pooler_output
            for t in texts
        ]
    model = load_model(tiny_ids[kind])
    normal = torch.nn.functional.normalize
    assert (model.embed("image", pictures) - normal(torch.cat(seen), dim=1)).abs().max() < 1e-5
    assert (model.embed("text", texts) - normal(torch.cat(read), dim=1)).abs().max() < 1e-5


def test_siglip_reads_its_full_length(tiny_ids: dict[str, str]) -> None:
    from studio.core.config import LoraConfig

    assert load_model(tiny_ids["siglip"]).adapted(LoraConfig()).prepare("text", ["a cat"])["input_ids"].shape == (1, 16)
    assert load_model(tiny_ids["hf-clip"]).adapted(LoraConfig()).prepare("text", ["a cat"])["input_ids"].shape == (1, 4)


def test_siglip_s_pooling_attention_is_adapted_too(tiny_ids: dict[str, str]) -> None:
    from studio.core.config import LoraConfig

    names = load_model(tiny_ids["siglip"]).adapted(LoraConfig(towers="image")).adapted_modules
    assert "vision_model.head.attention.q_proj" in names
