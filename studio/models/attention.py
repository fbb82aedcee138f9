"""Unfusing `nn.MultiheadAttention` into four Linears that adapters can reach, and fusing it again for export.

peft's own path on the fused module applies the output projection's update twice, ignores dropout and drifts in bf16;
plain Linears have none of that. Refuses every other module that keeps a fused `in_proj_weight`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from studio.core.errors import ModelError


class UnfusedAttention(nn.Module):
    """softmax(q·kᵀ / √d)·v over `heads`, with the names of Hugging Face CLIP; called like `nn.MultiheadAttention`."""

    def __init__(self, fused: nn.MultiheadAttention) -> None:
        super().__init__()
        self.heads = fused.num_heads
        self.batch_first = fused.batch_first
        weights = fused.in_proj_weight.chunk(3)
        biases = fused.in_proj_bias.chunk(3) if fused.in_proj_bias is not None else (None, None, None)
        self.q_proj, self.k_proj, self.v_proj = (_linear(w, b) for w, b in zip(weights, biases, strict=True))
        self.out_proj = _linear(fused.out_proj.weight, fused.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, None]:
        """`[n, L, d]` (or `[L, n, d]`) → the same shape. The attention weights are never given: the second value is None."""
        if not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        q, k, v = self._split(self.q_proj(query)), self._split(self.k_proj(key)), self._split(self.v_proj(value))
        mask = _mask(attn_mask, key_padding_mask, q)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # [n, heads, L, d/heads]
        x = self.out_proj(x.transpose(1, 2).flatten(2))
        return (x if self.batch_first else x.transpose(0, 1)), None

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


def unfuse(network: nn.Module) -> tuple[str, ...]:
    """Replace every `nn.MultiheadAttention` under `network` in place, sharing its weights; their names.

    Raises ModelError for a fused attention of another class or with options that the four Linears cannot express.
    """
    done = []
    for name, module in list(network.named_modules()):
        if not isinstance(getattr(module, "in_proj_weight", None), Tensor):
            if isinstance(module, nn.MultiheadAttention):
                raise ModelError(f"{name}: attention between different widths cannot be adapted.", "Choose another model.")
            continue
        if type(module) is not nn.MultiheadAttention:
            raise ModelError(
                f"{name} is a fused attention of class {type(module).__name__}, which is not known here.",
                "Choose another model, or tune its other tower.",
            )
        if module.bias_k is not None or module.add_zero_attn or module.dropout > 0:
            raise ModelError(f"{name}: its attention has options that cannot be unfused.", "Choose another model.")
        _replace(network, name, UnfusedAttention(module))
        done.append(name)
    return tuple(done)


def refuse(network: nn.Module) -> tuple[str, ...]:
    """The inverse of `unfuse`, for export: every UnfusedAttention becomes an `nn.MultiheadAttention`; their names.

    Raises ModelError where one still carries an adapter: merge first.
    """
    done = []
    for name, module in list(network.named_modules()):
        if not isinstance(module, UnfusedAttention):
            continue
        parts = (module.q_proj, module.k_proj, module.v_proj, module.out_proj)
        if any(type(part) is not nn.Linear for part in parts):
            raise ModelError(f"{name} still carries an adapter.", "Merge the adapter into the weights, then export.")
        _replace(network, name, _fused(module))
        done.append(name)
    return tuple(done)


def _fused(module: UnfusedAttention) -> nn.MultiheadAttention:
    weight = module.q_proj.weight
    biased = module.q_proj.bias is not None
    with torch.device("meta"):
        fused = nn.MultiheadAttention(weight.shape[1], module.heads, bias=biased, batch_first=module.batch_first)
    inner = (module.q_proj, module.k_proj, module.v_proj)
    fused.in_proj_weight = _frozen(torch.cat([part.weight for part in inner]))
    if biased:
        fused.in_proj_bias = _frozen(torch.cat([part.bias for part in inner]))
        fused.out_proj.bias = _frozen(module.out_proj.bias)
    fused.out_proj.weight = _frozen(module.out_proj.weight)
    return fused.train(module.training)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A Linear over the given storage: no copy, so an unfused model costs no memory."""
    with torch.device("meta"):
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    linear.weight = _frozen(weight)
    if bias is not None:
        linear.bias = _frozen(bias)
    return linear


def _frozen(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor.detach(), requires_grad=False)


def _mask(attn_mask: Tensor | None, padding: Tensor | None, q: Tensor) -> Tensor | None:
    """`nn.MultiheadAttention`'s masks (True: do not look) as one additive mask in q's dtype."""
    mask = None
    if attn_mask is not None:
        mask = _additive(attn_mask, q.dtype)
        if mask.ndim == 3:  # [n·heads, L, S]
            mask = mask.view(q.shape[0], q.shape[1], *mask.shape[1:])
    if padding is not None:
        hidden = _additive(padding, q.dtype)[:, None, None, :]
        mask = hidden if mask is None else mask + hidden
    return mask


def _additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    if mask.dtype != torch.bool:
        return mask.to(dtype)
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, float("-inf"))


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent) if parent else network, child, module)
