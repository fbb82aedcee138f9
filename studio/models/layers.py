"""Which layers of a network carry adapters: attention projections, or 1×1 convolutions and Linears. Changes nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from torch import nn

from studio.core.config import Layers, Projections

ATTENTION = frozenset("q_proj k_proj v_proj out_proj query key value q_lin k_lin v_lin out_lin qkv Wqkv Wo q k v o kv".split())
BLOCK = re.compile(r"^(?:[A-Za-z_]\w*\.)*?(?:stages\.\d+\.)?[A-Za-z_]\w*(?:\.\d+)+(?=\.)")
"""`blocks.3.2.` , `resblocks.3.`, `stages.0.blocks.1.`: the first numbered place in a layer's name."""


OUTPUTS = frozenset("out_proj out_lin Wo o".split())
"""The attention's last projection, under its names."""


def targets(network: nn.Module, parts: Sequence[str], layers: Layers, projections: Projections = "all") -> tuple[str, ...]:
    """Names of the layers to adapt in one tower, given by its sub-modules, in the network's order.

    Attention projections in a transformer; 1×1 convolutions and Linears in a tower that has such convolutions or no
    attention. `layers` counts blocks from the output; what lies outside the blocks (a projection head) always counts.
    `projections` `qkv` leaves the output projections out.
    """
    found = {name: module for part in parts for name, module in _leaves(network, part)}
    attention = [n for n, m in found.items() if isinstance(m, nn.Linear) and n.rpartition(".")[2] in ATTENTION]
    if projections == "qkv":
        attention = [name for name in attention if name.rpartition(".")[2] not in OUTPUTS]
    names = list(found) if is_convolutional(network, parts) or not attention else attention
    blocks = list(dict.fromkeys(block for name in names if (block := _block(name))))
    count = {"all": len(blocks), "half": math.ceil(len(blocks) / 2), "top-2": 2, "top-1": 1}[layers]
    kept = set(blocks[max(0, len(blocks) - count) :])
    return tuple(name for name in names if (block := _block(name)) is None or block in kept)


def is_convolutional(network: nn.Module, parts: Sequence[str]) -> bool:
    """Whether adapters reach these sub-modules through 1×1 convolutions."""
    return any(isinstance(module, nn.Conv2d) for part in parts for _, module in _leaves(network, part))


def _leaves(network: nn.Module, part: str) -> list[tuple[str, nn.Module]]:
    """Linears and ungrouped 1×1 convolutions below one sub-module."""
    root = network.get_submodule(part)
    named = ((f"{part}.{name}".strip("."), module) for name, module in root.named_modules())
    return [(name, module) for name, module in named if _reachable(module)]


def _reachable(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.kernel_size == (1, 1) and module.groups == 1
    return isinstance(module, nn.Linear)


def _block(name: str) -> str | None:
    """`visual.transformer.resblocks.3` of `visual.transformer.resblocks.3.attn.q_proj`; None outside the blocks."""
    found = BLOCK.match(name)
    return found.group(0) if found else None
