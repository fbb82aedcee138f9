"""Where tensors live and in which precision training computes: the one place that decides. Reads no environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.core.errors import BadInput

if TYPE_CHECKING:
    import torch


def resolve(name: str = "auto") -> torch.device:
    """`auto` (CUDA, then MPS, then the CPU) or a device by name. Raises BadInput where it is not there."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadInput(f"{name!r} is no device.", "Use auto, cpu, cuda, cuda:1 or mps.") from None
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not present.get(device.type, False):
        raise BadInput(f"This machine has no device {name!r}.", "Use auto or cpu.")
    return device


def native_bf16(device: torch.device | str) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware, so that bf16 training is faster, not emulated."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind != "cpu":
        return False
    # `get_capabilities` gives one truth per instruction set
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))
