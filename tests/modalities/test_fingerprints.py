"""What counts as the same content: re-encoded, resized or narrowly cropped pictures; texts in other case and punctuation."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.modalities import discover_modalities

IMAGE, TEXT = discover_modalities().get("image"), discover_modalities().get("text")


def picture(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Shapes on a plain ground."""
    rng = np.random.default_rng(seed)
    made = Image.new("RGB", size, tuple(int(v) for v in rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(made)
    for _ in range(12):
        x, y, w, h = (int(v) for v in rng.integers(10, 200, 4))
        draw.ellipse([x, y, x + w, y + h], fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    return made


def encoded(one: Image.Image) -> Image.Image:
    out = io.BytesIO()
    one.save(out, "JPEG", quality=50)
    return Image.open(out).convert("RGB")


def alike(modality: object, a: object, b: object) -> float:
    one, other = modality.fingerprint(a), modality.fingerprint(b)  # type: ignore[attr-defined]
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-3)
    return float(max((one @ other[0]).max(), (other @ one[0]).max()))


@pytest.mark.parametrize(
    "change",
    [
        encoded,
        lambda one: one.resize((100, 75)),
        lambda one: one.crop((0, 0, 304, 228)),
        lambda one: one.crop((8, 6, 312, 234)),
        lambda one: one.crop((16, 12, 320, 240)),
    ],
)
def test_a_picture_stays_the_same_when_it_is_encoded_resized_or_cropped(change: Callable[[Image.Image], Image.Image]) -> None:
    for seed in range(5):
        assert alike(IMAGE, picture(seed), change(picture(seed))) >= IMAGE.same_from
        assert alike(IMAGE, picture(seed), change(picture(seed + 50))) < IMAGE.same_from


def test_a_blank_picture_is_like_no_other() -> None:
    assert np.isfinite(IMAGE.fingerprint(Image.new("RGB", (5, 5), "white"))).all()


def test_texts_are_the_same_but_for_case_and_punctuation() -> None:
    assert alike(TEXT, "Where is my parcel?", "where is my  parcel") >= TEXT.same_from
    assert alike(TEXT, "Send 50 to Anna", "Send 500 to Anna") < TEXT.same_from
    assert np.isfinite(TEXT.fingerprint("!?")).all() and np.isfinite(TEXT.fingerprint("a")).all()
