from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from studio.core.errors import BadInput
from studio.models.pictures import Pictures

MEAN, STD = (0.48, 0.45, 0.4), (0.26, 0.27, 0.28)
BICUBIC, BILINEAR = 3, 2
SQUARE = Pictures(32, 32, MEAN, STD)


@pytest.mark.parametrize("resize", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_equals_open_clip_s_evaluation_transform(
    pictures: list[Image.Image], resize: Any, interpolation: str, size: tuple[int, int]
) -> None:
    if interpolation == "bilinear" and resize == "shortest" and size[0] != size[1]:
        pytest.skip("open_clip scales this one bicubically, whatever it is told")
    theirs = image_transform_v2(PreprocessCfg(size, "RGB", MEAN, STD, interpolation, resize, 7), is_train=False)
    mine = Pictures(
        *size, MEAN, STD, resize, BICUBIC if interpolation == "bicubic" else BILINEAR, 7 if resize == "longest" else 0
    )
    expected = torch.stack([theirs(picture) for picture in pictures])
    assert torch.equal(mine.normalised(mine.batch(pictures)), expected)


@pytest.mark.parametrize("edge", [32, 40])
def test_equals_hugging_face_s_clip_processor(pictures: list[Image.Image], edge: int) -> None:
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": edge}, crop_size={"height": 32, "width": 32}, image_mean=MEAN, image_std=STD
    )
    expected = torch.from_numpy(np.stack(processor(pictures).pixel_values))
    mine = replace(SQUARE, shortest_edge=edge, centre="floor")
    assert torch.allclose(mine.normalised(mine.batch(pictures)), expected.float(), atol=1e-6)


def test_equals_hugging_face_s_siglip_processor(pictures: list[Image.Image]) -> None:
    processor = SiglipImageProcessorPil(size={"height": 32, "width": 32}, image_mean=MEAN, image_std=STD)
    expected = torch.from_numpy(np.stack(processor(pictures).pixel_values))
    mine = replace(SQUARE, resize="squash", centre="floor")
    assert torch.allclose(mine.normalised(mine.batch(pictures)), expected.float(), atol=1e-6)


def test_batch_is_channels_last_bytes(pictures: list[Image.Image]) -> None:
    batch = SQUARE.batch(pictures)
    assert batch.dtype == torch.uint8 and batch.shape == (len(pictures), 3, 32, 32)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_crop_takes_its_box_and_mirrors() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, 32:] = 200  # top right
    whole = SQUARE.batch([pixels], [(0.5, 0.0, 0.5, 0.5, False)])
    assert bool((whole == 200).all())
    half = SQUARE.batch([pixels], [(0.0, 0.0, 1.0, 0.5, False)])[0, 0]
    mirrored = SQUARE.batch([pixels], [(0.0, 0.0, 1.0, 0.5, True)])[0, 0]
    assert torch.equal(half.flip(1), mirrored) and int(half[0, -1]) == 200 and int(half[0, 0]) == 0


def test_whole_crop_of_a_fitting_picture_is_the_picture(pictures: list[Image.Image]) -> None:
    fitting = [picture for picture in pictures if picture.size == (32, 32)]
    assert torch.equal(SQUARE.batch(fitting, [(0.0, 0.0, 1.0, 1.0, False)]), SQUARE.batch(fitting))


def test_array_and_picture_are_the_same(pictures: list[Image.Image]) -> None:
    assert torch.equal(SQUARE.batch(pictures), SQUARE.batch([np.asarray(picture) for picture in pictures]))


@pytest.mark.parametrize("payload", ["text", np.zeros((3, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_anything_else_is_refused(payload: object) -> None:
    with pytest.raises(BadInput):
        SQUARE.batch([payload])


def test_grey_and_transparent_pictures_become_rgb() -> None:
    for mode in ("L", "RGBA", "P"):
        assert SQUARE.batch([Image.new(mode, (40, 40))]).shape == (1, 3, 32, 32)
