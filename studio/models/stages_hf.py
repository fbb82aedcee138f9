"""How Hugging Face's towers are cut: CLIP, SigLIP, and BERT's descendants.

Gives None for every other class, and for options that are not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    BertModel,
    CamembertModel,
    CLIPModel,
    DistilBertModel,
    ElectraModel,
    ModernBertModel,
    MPNetModel,
    RobertaModel,
    SiglipModel,
    XLMRobertaModel,
)
from transformers.masking_utils import (
    create_bidirectional_mask,
    create_bidirectional_sliding_window_mask,
    create_causal_mask,
)

from studio.core.interfaces import Inputs
from studio.models.stages import Stages, States

Pixels = Callable[[Inputs], Tensor]
"""Inputs → normalised pictures `[n, 3, h, w]`."""
Pool = Callable[[Tensor, Inputs], Tensor]
"""Token states `[n, L, d]` and what lies beside them (`attention_mask`) → `[n, d]`."""


def clip_stages(network: nn.Module, modality: str, pixels: Pixels) -> Stages | None:
    """CLIP and SigLIP in Hugging Face's form."""
    build = PAIRS.get((type(network), modality))
    return build(network, pixels) if build else None


def _clip_pictures(network: Any, pixels: Pixels) -> Stages:
    tower = network.vision_model
    return Stages(
        early=[tower.embeddings, tower.pre_layrnorm],
        stem=lambda inputs: {"states": tower.pre_layrnorm(tower.embeddings(pixels(inputs)))},
        blocks=list(tower.encoder.layers),
        block=lambda layer, s: layer(s["states"], None),
        pool=lambda s: tower.post_layernorm(s["states"][:, 0]),
        tail=network.visual_projection,
        last=lambda layer, s: tower.post_layernorm(_pooled_clip_layer(layer, s["states"])),
    )


def _pooled_clip_layer(layer: Any, states: Tensor) -> Tensor:
    """One encoder layer for the class token alone, `[n, L, d]` → `[n, d]`."""
    attn, normed = layer.self_attn, layer.layer_norm1(states)

    def heads(x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], attn.num_heads, -1).transpose(1, 2)

    q, k, v = heads(attn.q_proj(normed[:, :1])), heads(attn.k_proj(normed)), heads(attn.v_proj(normed))
    dropout = attn.dropout if attn.training else 0.0
    attended = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=attn.scale).transpose(1, 2).flatten(2)
    x = states[:, :1] + attn.out_proj(attended)
    out: Tensor = x + layer.mlp(layer.layer_norm2(x))
    return out[:, 0]


def _clip_texts(network: Any, pixels: Pixels) -> Stages:
    tower = network.text_model

    def stem(inputs: Inputs) -> States:
        ids = inputs["input_ids"].int()
        ends = ids.argmax(-1) if tower.eos_token_id == 2 else (ids == tower.eos_token_id).int().argmax(-1)
        mask = inputs.get("attention_mask", torch.ones_like(ids))
        return {"states": tower.embeddings(input_ids=inputs["input_ids"]), "attention_mask": mask, "ends": ends}

    def block(layer: nn.Module, s: Inputs) -> Tensor:
        mask = create_causal_mask(tower.config, s["states"], attention_mask=s["attention_mask"], cache=None)
        out: Tensor = layer(s["states"], mask, is_causal=True)
        return out

    return Stages(
        early=[tower.embeddings],
        stem=stem,
        blocks=list(tower.encoder.layers),
        block=block,
        pool=lambda s: tower.final_layer_norm(_at(s["states"], s["ends"])),
        tail=network.text_projection,
    )


def _siglip_pictures(network: Any, pixels: Pixels) -> Stages:
    tower = network.vision_model
    return Stages(
        early=[tower.embeddings],
        stem=lambda inputs: {"states": tower.embeddings(pixels(inputs))},
        blocks=list(tower.encoder.layers),
        block=lambda layer, s: layer(s["states"], None),
        pool=lambda s: tower.head(tower.post_layernorm(s["states"])),
        tail=lambda pooled: pooled,
    )


def _siglip_texts(network: Any, pixels: Pixels) -> Stages:
    """It sees its whole padded length: nothing is cut off."""
    tower = network.text_model
    return Stages(
        early=[tower.embeddings],
        stem=lambda inputs: {"states": tower.embeddings(input_ids=inputs["input_ids"])},
        blocks=list(tower.encoder.layers),
        block=lambda layer, s: layer(s["states"], None),
        pool=lambda s: tower.final_layer_norm(s["states"][:, -1]),
        tail=tower.head,
    )


def encoder_stages(network: nn.Module, pool: Pool) -> Stages | None:
    """BERT and its descendants."""
    build = ENCODERS.get(type(network))
    return build(network, pool) if build else None


def _bert(network: Any, pool: Pool) -> Stages:
    projection = getattr(network, "embeddings_project", nn.Identity())  # ELECTRA's
    kinds = ("input_ids", "token_type_ids")

    def embed(inputs: Inputs) -> Tensor:
        out: Tensor = projection(network.embeddings(**{k: inputs[k] for k in kinds if k in inputs}))
        return out

    return _encoder([network.embeddings, projection], embed, network.encoder.layer, _masked(network.config), pool)


def _mpnet(network: Any, pool: Pool) -> Stages:
    def block(layer: nn.Module, s: Inputs) -> Tensor:
        mask = create_bidirectional_mask(network.config, s["states"], s["attention_mask"])
        out: Tensor = layer(s["states"], mask, network.encoder.compute_position_bias(s["states"]))[0]
        return out

    early = [network.embeddings, network.encoder.relative_attention_bias]
    return _encoder(early, lambda i: network.embeddings(input_ids=i["input_ids"]), network.encoder.layer, block, pool)


def _distilbert(network: Any, pool: Pool) -> Stages:
    def embed(inputs: Inputs) -> Tensor:
        out: Tensor = network.embeddings(inputs["input_ids"])
        return out

    return _encoder([network.embeddings], embed, network.transformer.layer, _masked(network.config), pool)


def _modernbert(network: Any, pool: Pool) -> Stages:
    masks = {"full_attention": create_bidirectional_mask, "sliding_attention": create_bidirectional_sliding_window_mask}

    def block(layer: Any, s: Inputs) -> Tensor:
        x = s["states"]
        positions = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
        out: Tensor = layer(
            x,
            attention_mask=masks[layer.attention_type](network.config, x, s["attention_mask"]),
            position_embeddings=network.rotary_emb(x, positions, layer.attention_type),
        )
        return out

    def normed(states: Tensor, beside: Inputs) -> Tensor:
        return pool(network.final_norm(states), beside)

    return _encoder([network.embeddings], lambda i: network.embeddings(input_ids=i["input_ids"]), network.layers, block, normed)


def _masked(config: Any) -> Callable[[nn.Module, Inputs], Tensor]:
    def block(layer: nn.Module, s: Inputs) -> Tensor:
        out: Tensor = layer(s["states"], create_bidirectional_mask(config, s["states"], s["attention_mask"]))
        return out

    return block


def _encoder(
    early: list[nn.Module],
    embed: Callable[[Inputs], Tensor],
    layers: Any,
    block: Callable[[Any, Inputs], Tensor],
    pool: Pool,
) -> Stages:
    return Stages(
        early=early,
        stem=lambda inputs: {"states": embed(inputs), "attention_mask": inputs["attention_mask"]},
        blocks=list(layers),
        block=block,
        pool=lambda s: pool(s["states"], s),
        tail=lambda pooled: pooled,
    )


def _at(states: Tensor, ends: Tensor) -> Tensor:
    return states[torch.arange(len(states), device=states.device), ends]


PAIRS: dict[tuple[type[nn.Module], str], Callable[[Any, Pixels], Stages]] = {
    (CLIPModel, "image"): _clip_pictures,
    (CLIPModel, "text"): _clip_texts,
    (SiglipModel, "image"): _siglip_pictures,
    (SiglipModel, "text"): _siglip_texts,
}
ENCODERS: dict[type[nn.Module], Callable[[Any, Pool], Stages]] = {
    BertModel: _bert,
    RobertaModel: _bert,
    XLMRobertaModel: _bert,
    CamembertModel: _bert,
    ElectraModel: _bert,
    MPNetModel: _mpnet,
    DistilBertModel: _distilbert,
    ModernBertModel: _modernbert,
}
