"""LoRA on a network's plain Linears and 1×1 convolutions: attaching, checking that it learns, merging.

Refuses fused attention (unfuse first) and any layer whose `forward` is not what computes it. All adapters are float32.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import inject_adapter_in_model
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn

from studio.core.config import LoraConfig
from studio.core.errors import ModelError

ADAPTER = "default"


def attach(network: nn.Module, names: Sequence[str], lora: LoraConfig, seed: int = 0) -> None:
    """Put an adapter on each named layer, in place; everything else is frozen.

    A starts uniform (Kaiming, from `seed` alone), B at zero, so that outputs do not change yet. Raises ModelError where
    there is nothing to adapt or train.
    """
    if not names:
        raise ModelError("No layer of this model can be adapted.", "Choose other layers or towers, or another model.")
    config = PeftLoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.rslora,
        # full names, as one pattern: a list would also match longer names that end alike
        target_modules="|".join(re.escape(name) for name in names),
    )
    # on the meta device nothing is drawn from the global generator, which a run in another thread may be using
    with torch.device("meta"):
        inject_adapter_in_model(config, network, adapter_name=ADAPTER)
    generator = torch.Generator().manual_seed(seed)
    for layer in adapted(network).values():
        _start(layer, generator)
        # the network and its adapters are of one precision: casting is autocast's alone, or each layer would do it twice
        layer.cast_input_dtype_enabled = False
    if sorted(adapted(network)) != sorted(names) or not trainable(network):
        raise ModelError("The adapters could not be attached to every chosen layer.", "Choose another model.")


def adapted(network: nn.Module) -> dict[str, LoraLayer]:
    """`{name: layer}` of what carries an adapter."""
    return {name: module for name, module in network.named_modules() if isinstance(module, LoraLayer)}


def trainable(network: nn.Module) -> dict[str, Tensor]:
    """`{name: parameter}` of what training changes."""
    return {name: p for name, p in network.named_parameters() if p.requires_grad}


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    """Copies of every adapter's B by its layer's name, to compare with after the first step."""
    return {name: _up(layer).detach().clone() for name, layer in adapted(network).items()}


def check_moved(before: Mapping[str, Tensor], network: nn.Module) -> None:
    """Raise ModelError where an adapter does not learn: its B is still what `snapshot` had.

    B alone tells: it starts at zero, so that weight decay moves A without any gradient, but never B.
    """
    if not trainable(network):
        raise ModelError("This model has no trainable parameters.", "Choose other layers or towers.")
    still = unmoved(before, network)
    if still:
        raise ModelError(
            f"The first steps changed nothing in {len(still)} of {len(before)} adapters, the first at {still[0]}.",
            "Choose other layers or towers.",
        )


def unmoved(before: Mapping[str, Tensor], network: nn.Module) -> list[str]:
    """Names of the layers whose B is what `snapshot` had."""
    now = snapshot(network)
    return [name for name, up in before.items() if torch.equal(up, now[name])]


def _up(layer: LoraLayer) -> Tensor:
    found: Tensor = layer.lora_B[ADAPTER].weight
    return found


def scale(network: nn.Module, lora: LoraConfig, strength: float) -> None:
    """Make every adapter's update count `strength` times what it was trained as."""
    trained = lora.alpha / (math.sqrt(lora.rank) if lora.rslora else lora.rank)
    for layer in adapted(network).values():
        layer.scaling[ADAPTER] = trained * strength


def merge(network: nn.Module) -> None:
    """Replace each adapted layer by a plain one with W + ΔW, in place; weights shared with a base model are not touched."""
    for name, layer in adapted(network).items():
        base = layer.get_base_layer()
        weight = base.weight.detach() + layer.get_delta_weight(ADAPTER).detach().to(base.weight.dtype)
        base.weight = nn.Parameter(weight, requires_grad=False)
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, base)


def _start(layer: LoraLayer, generator: torch.Generator) -> None:
    base = layer.get_base_layer()
    down, up = layer.lora_A[ADAPTER], layer.lora_B[ADAPTER]
    first = torch.empty(down.weight.shape, dtype=torch.float32)
    nn.init.kaiming_uniform_(first, a=math.sqrt(5), generator=generator)
    device = base.weight.device
    down.weight = nn.Parameter(first.to(device))
    up.weight = nn.Parameter(torch.zeros(up.weight.shape, dtype=torch.float32, device=device))
