"""Pictures → uint8 batches, cut and scaled exactly as the model's own preprocessing does, and their normalisation.

Scaling is Pillow's, which lets other threads run; a batch stays uint8 until it is on the device, a quarter of the bytes.
Refuses anything but RGB pictures (a `PIL.Image.Image` or a uint8 array `[h, w, 3]`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.core.errors import BadInput
from studio.core.interfaces import Crop

SPARE = 1.3
"""Shorter side of a picture that is kept for random crops, over the model's own. An average crop is still scaled down."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """How one model wants its pictures."""

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: Literal["shortest", "longest", "squash"] = "shortest"
    """`shortest`: cover, then cut the centre. `longest`: fit in, then pad. `squash`: ignore the aspect ratio."""
    resample: int = int(Image.Resampling.BICUBIC)
    fill: int = 0
    shortest_edge: int = 0
    """Length of the shorter side before the centre is cut; 0 means the size itself."""
    centre: Literal["round", "floor"] = "round"
    """Where the middle of an odd margin lies: torchvision rounds, Hugging Face's processors floor."""

    def describe(self) -> str:
        """A stable text: half of the features' cache key."""
        return (
            f"{self.height}x{self.width} {self.resize} resample={self.resample} mean={self.mean} std={self.std}"
            f" fill={self.fill} edge={self.shortest_edge} centre={self.centre}"
        )

    def batch(self, payloads: Sequence[Any], crops: Sequence[Crop] | None = None) -> Tensor:
        """uint8 `[n, 3, h, w]` in channels-last memory; with `crops`, those boxes scaled to the size and mirrored."""
        out = np.empty((len(payloads), self.height, self.width, 3), np.uint8)
        for i, payload in enumerate(payloads):
            picture = _picture(payload)
            out[i] = self.evaluated(picture) if crops is None else self.cropped(picture, crops[i])
        return torch.from_numpy(out).permute(0, 3, 1, 2)

    def evaluated(self, picture: Image.Image) -> np.ndarray[Any, Any]:
        """`[h, w, 3]`, as at test time."""
        if self.resize == "squash":
            return np.asarray(picture.resize((self.width, self.height), self.resample))
        return np.asarray(self._centre(picture.resize(self._scaled(picture), self.resample)))

    def cropped(self, picture: Image.Image, crop: Crop) -> np.ndarray[Any, Any]:
        """`[h, w, 3]`: the crop's box scaled to the size, in one pass."""
        left, top, width, height, mirrored = crop
        w, h = picture.size
        right, bottom = min(left + width, 1.0) * w, min(top + height, 1.0) * h
        box = (min(left * w, right - 1e-3), min(top * h, bottom - 1e-3), right, bottom)
        pixels = np.asarray(picture.resize((self.width, self.height), self.resample, box=box))
        return pixels[:, ::-1] if mirrored else pixels

    def reduced(self, payload: Any) -> np.ndarray[Any, Any]:
        """uint8 `[h, w, 3]`, the whole picture, no larger than its crops need: what to keep instead of decoding it again."""
        picture = _picture(payload)
        ratio = SPARE * max(self.height, self.width) / min(picture.size)
        if ratio < 0.9:
            size = (round(picture.width * ratio), round(picture.height * ratio))
            picture = picture.resize(size, self.resample, reducing_gap=3.0)
        return np.array(picture)

    def normalised(self, pixels: Tensor) -> Tensor:
        """uint8 `[n, 3, h, w]` → float32 on the same device, the same arithmetic as torchvision's ToTensor and Normalize."""
        mean, std = (self._everywhere(values, pixels) for values in (self.mean, self.std))
        return pixels.to(torch.float32).div_(255).sub_(mean).div_(std)

    @staticmethod
    def _everywhere(values: Sequence[float], pixels: Tensor) -> Tensor:
        """One value a channel as a picture: laid out as those are, it is subtracted in half the time of three numbers."""
        whole = torch.tensor(values, device=pixels.device).view(1, -1, 1, 1).expand(1, *pixels.shape[1:])
        return whole.contiguous(memory_format=torch.channels_last)

    def _scaled(self, picture: Image.Image) -> tuple[int, int]:
        """(width, height) after scaling, before the centre is cut."""
        w, h = picture.size
        if self.resize == "shortest" and self.height == self.width:
            edge = self.shortest_edge or self.height
            return (edge, int(edge * h / w)) if w <= h else (int(edge * w / h), edge)
        ratios = (h / self.height, w / self.width)
        # `shortest` with unequal sides covers with the smaller ratio, `longest` fits in with the larger
        ratio = max(ratios) if self.resize == "longest" else min(ratios)
        return round(w / ratio), round(h / ratio)

    def _centre(self, picture: Image.Image) -> Image.Image:
        w, h = picture.size
        if (w, h) == (self.width, self.height):
            return picture
        if w < self.width or h < self.height:
            canvas = Image.new("RGB", (max(w, self.width), max(h, self.height)), (self.fill,) * 3)
            canvas.paste(picture, (max(0, self.width - w) // 2, max(0, self.height - h) // 2))
            picture, (w, h) = canvas, canvas.size
        left, top = self._margin(w - self.width), self._margin(h - self.height)
        return picture.crop((left, top, left + self.width, top + self.height))

    def _margin(self, rest: int) -> int:
        return round(rest / 2.0) if self.centre == "round" else rest // 2


def _picture(payload: Any) -> Image.Image:
    if isinstance(payload, np.ndarray):
        if payload.dtype != np.uint8 or payload.ndim != 3 or payload.shape[2] != 3:
            raise BadInput(f"A picture came as {payload.dtype} {payload.shape}.", "Give uint8 [height, width, 3].")
        return Image.fromarray(payload)
    if not isinstance(payload, Image.Image):
        raise BadInput(f"A picture was expected, not {type(payload).__name__}.", "Give an RGB picture.")
    return payload if payload.mode == "RGB" else payload.convert("RGB")
