"""How open_clip's towers are cut: its ViTs, ResNets and causal texts; of timm's the ViTs, EfficientNets and ConvNeXts.

Gives None for every other class, and for options that are not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from timm.layers.attention import Attention as TimmAttention
from timm.models.convnext import ConvNeXt
from timm.models.efficientnet import EfficientNet
from timm.models.vision_transformer import Block as TimmBlock
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from studio.core.interfaces import Inputs
from studio.models.stages import Stages, States

Pixels = Callable[[Inputs], Tensor]
"""Inputs → normalised pictures `[n, 3, h, w]`."""


def picture_stages(visual: nn.Module, pixels: Pixels) -> Stages | None:
    """The stages of open_clip's `visual`; None where its class is not known."""
    if type(visual) is VisionTransformer:
        return _vit(visual, pixels)
    if type(visual) is ModifiedResNet:
        return _resnet(visual, pixels)
    if type(visual) is TimmModel:
        build = TRUNKS.get(type(visual.get_submodule("trunk")))
        return build(visual, pixels) if build else None
    return None


def _vit(visual: Any, pixels: Pixels) -> Stages | None:
    if visual.attn_pool is not None or visual.output_tokens or not visual.transformer.batch_first:
        return None
    blocks = list(visual.transformer.resblocks)
    by_token = visual.pool_type == "tok" and all(type(block) is ResidualAttentionBlock for block in blocks)
    return Stages(
        early=[visual.conv1, visual.ln_pre],
        stem=lambda inputs: {"states": visual._embeds(pixels(inputs))},
        blocks=blocks,
        block=_states,
        pool=lambda s: visual._pool(s["states"])[0],
        tail=lambda pooled: pooled if visual.proj is None else pooled @ visual.proj,
        # the norm after the blocks works on each token by itself
        last=(lambda block, s: visual.ln_post(pooled_block(block, s["states"]))) if by_token else None,
    )


def pooled_block(block: Any, states: Tensor, at: Tensor | None = None, hidden: Tensor | None = None) -> Tensor:
    """An open_clip block for one token of each item, `[n, L, d]` → `[n, d]`: every token is a key and a value, one a query.

    `at` `[n]`: which token, the first by default. `hidden` `[n, L]`, true where it must not look.
    """
    normed = block.ln_1(states)
    index = None if at is None else at[:, None, None].expand(-1, 1, states.shape[-1])
    x, query = (t[:, :1] if index is None else t.gather(1, index) for t in (states, normed))
    attended = block.attn(query, normed, normed, need_weights=False, key_padding_mask=hidden)[0]
    x = x + block.ls_1(attended)
    out: Tensor = x + block.ls_2(block.mlp(block.ln_2(x)))
    return out[:, 0]


def causal_stages(tower: Any, ends: Callable[[Tensor], Tensor]) -> Stages | None:
    """open_clip's causal transformer, pooled at a prompt's end; `ends`: tokens `[n, L]` → positions `[n]`."""
    if not tower.transformer.batch_first:
        return None

    def stem(inputs: Inputs) -> States:
        at = ends(inputs["tokens"])
        length = int(at.max()) + 1
        x = tower.token_embedding(inputs["tokens"][:, :length]) + tower.positional_embedding[:length]
        return {"states": x, "ends": at}

    def block(module: nn.Module, states: Inputs) -> Tensor:
        length = states["states"].shape[1]
        out: Tensor = module(states["states"], attn_mask=tower.attn_mask[:length, :length])
        return out

    def last(module: nn.Module, states: Inputs) -> Tensor:
        x, at = states["states"], states["ends"]
        hidden = torch.arange(x.shape[1], device=x.device) > at[:, None]
        out: Tensor = tower.ln_final(pooled_block(module, x, at, hidden))
        return out

    def tail(pooled: Tensor) -> Tensor:
        projection = tower.text_projection
        if projection is None:
            return pooled
        out: Tensor = projection(pooled) if isinstance(projection, nn.Linear) else pooled @ projection
        return out

    blocks = list(tower.transformer.resblocks)
    return Stages(
        early=[tower.token_embedding],
        stem=stem,
        blocks=blocks,
        block=block,
        pool=lambda s: tower.ln_final(s["states"][torch.arange(len(s["ends"]), device=s["ends"].device), s["ends"]]),
        tail=tail,
        last=last if all(type(b) is ResidualAttentionBlock for b in blocks) else None,
    )


def _resnet(visual: Any, pixels: Pixels) -> Stages:
    stem = [visual.conv1, visual.conv2, visual.conv3]
    return Stages(
        early=stem,
        stem=lambda inputs: {"states": visual.stem(pixels(inputs))},
        blocks=[block for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4) for block in layer],
        block=_states,
        pool=lambda s: visual.attnpool(s["states"]),
        tail=lambda pooled: pooled,
    )


def _timm_vit(visual: Any, pixels: Pixels) -> Stages:
    trunk = visual.trunk

    def stem(inputs: Inputs) -> dict[str, Tensor]:
        x = trunk._pos_embed(trunk.patch_embed(pixels(inputs)))
        return {"states": trunk.norm_pre(trunk.patch_drop(x))}

    blocks = list(trunk.blocks)
    by_token = trunk.attn_pool is None and trunk.global_pool == "token" and all(map(_plain_timm_block, blocks))
    return Stages(
        early=[trunk.patch_embed, trunk.norm_pre],
        stem=stem,
        blocks=blocks,
        block=_states,
        pool=lambda s: trunk.pool(trunk.norm(s["states"])),
        tail=lambda pooled: visual.head(trunk.head(trunk.head_drop(trunk.fc_norm(pooled)))),
        last=(lambda block, s: trunk.norm(_pooled_timm_block(block, s["states"]))) if by_token else None,
    )


def _plain_timm_block(block: Any) -> bool:
    return type(block) is TimmBlock and type(block.attn) is TimmAttention and block.attn.gate is None


def _pooled_timm_block(block: Any, states: Tensor) -> Tensor:
    attn = block.attn
    n, length, _ = states.shape
    qkv = attn.qkv(block.norm1(states)).reshape(n, length, 3, attn.num_heads, attn.head_dim).permute(2, 0, 3, 1, 4)
    q, k, v = attn.q_norm(qkv[0][:, :, :1]), attn.k_norm(qkv[1]), qkv[2]
    dropout = attn.attn_drop.p if attn.training else 0.0
    attended = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout).transpose(1, 2).reshape(n, 1, attn.attn_dim)
    x = states[:, :1] + block.drop_path1(block.ls1(attn.proj_drop(attn.proj(attn.norm(attended)))))
    out: Tensor = x + block.drop_path2(block.ls2(block.mlp(block.norm2(x))))
    return out[:, 0]


def _efficientnet(visual: Any, pixels: Pixels) -> Stages:
    trunk = visual.trunk
    return Stages(
        early=[trunk.conv_stem, trunk.bn1],
        stem=lambda inputs: {"states": trunk.bn1(trunk.conv_stem(pixels(inputs)))},
        blocks=[block for stage in trunk.blocks for block in stage],
        block=_states,
        pool=lambda s: trunk.forward_head(trunk.bn2(trunk.conv_head(s["states"]))),
        tail=visual.head,
    )


def _convnext(visual: Any, pixels: Pixels) -> Stages:
    trunk = visual.trunk
    return Stages(
        early=[trunk.stem],
        stem=lambda inputs: {"states": trunk.stem(pixels(inputs))},
        blocks=[part for stage in trunk.stages for part in (stage.downsample, *stage.blocks)],
        block=_states,
        pool=lambda s: trunk.forward_head(trunk.norm_pre(s["states"])),
        tail=visual.head,
    )


def _states(block: nn.Module, states: Inputs) -> Tensor:
    out: Tensor = block(states["states"])
    return out


TRUNKS: dict[type[nn.Module], Callable[[Any, Pixels], Stages]] = {
    TimmVisionTransformer: _timm_vit,
    EfficientNet: _efficientnet,
    ConvNeXt: _convnext,
}
