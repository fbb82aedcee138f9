"""The look: Gradio's theme in Studio's colours and the style sheet. Fonts come from Gradio's own files, never from the web."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, fonts

ASSETS = Path(__file__).resolve().parents[2] / "assets"

HEAD = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def theme() -> gr.themes.Base:
    """Teal on slate. Every fill that carries white text is dark enough for it (WCAG AA)."""
    base = gr.themes.Default(
        primary_hue=colors.teal,
        secondary_hue=colors.teal,
        neutral_hue=colors.slate,
        # the SemiBold files that Gradio bundles lack Latin letters, so 400 and 700 only
        font=(fonts.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=(fonts.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"),
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_600",
        block_title_text_color="*neutral_700",
        color_accent="*primary_700",
        color_accent_soft="*primary_50",
        link_text_color="*primary_700",
        link_text_color_hover="*primary_800",
        link_text_color_visited="*primary_700",
        link_text_color_dark="*primary_300",
        link_text_color_visited_dark="*primary_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_border_color="*primary_700",
        button_cancel_background_fill="*neutral_100",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_700",
        slider_color="*primary_700",
    )


def style_sheets() -> list[Path]:
    """Every style sheet of the pages."""
    return sorted((ASSETS / "css").glob("*.css"))


def script(*names: str) -> str:
    """The source of a widget's script: the files `assets/js/NAME.js`, one after the other."""
    return "\n".join((ASSETS / "js" / f"{name}.js").read_text(encoding="utf-8") for name in names)
