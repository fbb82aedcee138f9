"""Files or a whole folder from the browser. A folder travels as one zip made there, so its sub-folders keep their names."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from studio.core.errors import BadInput
from studio.ui import theme


def uploader(max_mb: int, elem_id: str) -> gr.HTML:
    """Its value is `{"path": …, "name": …}` of the uploaded file, or None. Fires `uploaded` when it changes."""
    return gr.HTML(
        html_template='<div class="up"></div>',
        js_on_load=theme.script("dom", "zip", "upload"),
        apply_default_css=False,
        elem_id=elem_id,
        max_mb=max_mb,
    )


def uploaded_path(value: object) -> str | None:
    """The path of an upload, None where there is none. Raises BadInput for one outside of the uploads' folder."""
    if not isinstance(value, dict) or not isinstance(value.get("path"), str) or not value["path"]:
        return None
    path = Path(value["path"]).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise BadInput("That is not an uploaded file.", "Choose it again.")
    return str(path)
