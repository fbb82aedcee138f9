"""A picture that the browser sends (file, paste, webcam) as the bytes it sent: the modality reads it, not the page."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from studio.core.errors import BadInput


def picture_input(**options: Any) -> gr.Image:
    """`gr.Image` whose handlers get `bytes`, or None. A broken picture passes: who reads it says what is wrong."""
    picture = gr.Image(sources=["upload", "clipboard", "webcam"], type="filepath", buttons=["fullscreen"], **options)
    # Gradio's own decoding would end a broken file in a bare "Error"; a subclass would write a .pyi beside this file.
    # It lasts as long as no handler updates a property of the picture: show and hide a Column around it instead.
    picture.preprocess = as_sent
    return picture


def as_sent(payload: ImageData | None) -> bytes | None:
    """The bytes of an upload; its path lies in Gradio's upload folder, which Gradio has checked. Raises BadInput."""
    if payload is None:
        return None
    if payload.url and payload.url.startswith("data:"):
        try:
            return base64.b64decode(payload.url.partition(",")[2], validate=True)
        except binascii.Error:
            raise BadInput("The picture did not arrive whole.", "Choose it again.") from None
    if payload.path is None:
        raise BadInput("The picture did not arrive.", "Choose it again.")
    return Path(payload.path).read_bytes()
