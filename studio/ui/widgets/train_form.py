"""The fields of a run's settings, one component a setting, and the way between them and the façade's flat settings.

A field takes any number: `TrainConfig` says what is wrong with one, beside the Start button. Limits of a `gr.Number` would
refuse before any handler runs, as an error over every component of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from studio.core.config import TrainConfig
from studio.core.errors import BadInput
from studio.core.types import FINE_TUNING
from studio.ui.widgets.method_choice import METHODS, MODES, single_methods

ADVANCED = (
    "rank alpha dropout rslora layers towers projections lr head_lr weight_decay warmup augment min_crop views objective"
    " precision micro_batch checkpoint_every"
).split()
"""Settings in the folded part, in order."""

NAMES = ("labels per class", "seed", "unit", "length", "batch size", *(name.replace("_", " ") for name in ADVANCED))
"""What the fields are called in a sentence, in the form's order."""

FIELDS = len(NAMES)
"""Components of the form."""


class TrainForm:
    """Draws the fields where it is made. `fields` are they, in the order that `settings` and `values` take."""

    def __init__(self) -> None:
        self.method = gr.Radio(METHODS, value="lora", label="Method", elem_id="train-method")
        with gr.Row():
            self.shots = gr.Number(0, label="Labels per class (0: all)", min_width=120)
            self.seed = gr.Number(0, label="Seed", min_width=90)
        with gr.Column(visible=True) as self.lora_only:
            self.mode = gr.Radio(MODES, value="preset", label="Mode", elem_id="train-mode")
            self.measured = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="train-measured")
            with gr.Row():
                self.length = gr.Number(150, label="Length", min_width=70, scale=3)
                self.unit = gr.Dropdown(["steps", "epochs"], value="steps", label="in", min_width=90, scale=4)
                self.batch_size = gr.Number(32, label="Batch size", min_width=70, scale=3)
        with gr.Accordion("Advanced", open=False) as self.more:
            self.single = gr.Dropdown(single_methods(), value=None, label="One quick method alone", elem_id="train-single")
            with gr.Column(visible=True) as self.lora_more:
                self.advanced, self.of_pictures, self.of_texts = _advanced()
        self.fields: list[gr.components.Component] = [self.shots, self.seed, self.unit, self.length, self.batch_size]
        self.fields += [self.advanced[name] for name in ADVANCED]

    @staticmethod
    def settings(values: Sequence[Any]) -> dict[str, Any]:
        """Flat settings from the fields' values; an empty field leaves the preset's value. Raises BadInput for no epochs."""
        shots, seed, unit, length, batch_size, *advanced = values
        if unit == "epochs" and length == 0:  # to the configuration, 0 epochs mean: go by the steps
            raise BadInput("A length of 0 epochs learns nothing.", "Give more than 0.")
        epochs = {"epochs": length} if unit == "epochs" else {"steps": length, "epochs": 0}
        flat = {"shots": shots, "seed": seed, **epochs, "batch_size": batch_size, **dict(zip(ADVANCED, advanced, strict=True))}
        return {name: value for name, value in flat.items() if value is not None and value != ""}

    @staticmethod
    def values(config: TrainConfig) -> list[Any]:
        """The fields' values that show this configuration."""
        flat: Mapping[str, Any] = {**config.as_json(), **config.as_json()["lora"]}
        unit = "epochs" if config.epochs > 0 else "steps"
        return [config.shots, config.seed, unit, flat[unit], config.batch_size, *(flat[name] for name in ADVANCED)]

    @staticmethod
    def emptied(values: Sequence[Any], config: TrainConfig, method: str) -> list[str]:
        """What this configuration has for the empty fields, as `batch size 32`; without LoRA only the first two count."""
        used = TrainForm.values(config)
        unit = used[NAMES.index("unit")]
        read = list(zip(NAMES, values, used, strict=True))[: None if method == FINE_TUNING else 2]
        return [
            f"{name} {value:g} {unit}" if name == "length" else f"{name} {value}"
            for name, sent, value in read
            if sent in (None, "")
        ]


def _advanced() -> tuple[dict[str, gr.components.Component], gr.Column, gr.Column]:
    """The fields by name; the column of those that only pictures have, and of those that only texts have."""
    made: dict[str, gr.components.Component] = {}
    with gr.Row():
        made["rank"] = gr.Number(8, label="Rank", min_width=90)
        made["alpha"] = gr.Number(16, label="Alpha", min_width=90)
        made["dropout"] = gr.Number(0.1, label="Dropout", step=0.05, min_width=90)
    made["rslora"] = gr.Checkbox(False, label="Rank-stabilised scaling (alpha / √rank)")
    with gr.Row():
        made["layers"] = gr.Dropdown(["all", "half", "top-2", "top-1"], value="all", label="Layers", min_width=110)
        made["towers"] = gr.Dropdown(["image", "text", "both"], value="image", label="Towers", min_width=110)
        attention = [("All of an attention's", "all"), ("Query, key, value", "qkv")]
        made["projections"] = gr.Dropdown(attention, value="all", label="Projections", min_width=110)
    with gr.Row():
        made["lr"] = gr.Number(2e-4, label="Learning rate", step=1e-5, min_width=110)
        made["head_lr"] = gr.Number(1e-3, label="Head learning rate", step=1e-4, min_width=110)
    with gr.Row():
        made["weight_decay"] = gr.Number(0.01, label="Weight decay", step=0.01, min_width=110)
        made["warmup"] = gr.Number(0.1, label="Warm-up, share", step=0.05, min_width=90)
        made["precision"] = gr.Dropdown(["auto", "bf16", "fp32"], value="auto", label="Precision", min_width=110)
    with gr.Column(visible=True) as of_pictures:
        made["augment"] = gr.Checkbox(True, label="Augment pictures (random crops and flips)")
        made["min_crop"] = gr.Number(0.5, label="Smallest crop, share of the area", step=0.05)
        made["views"] = gr.Number(0, label="Views of each picture (0: a new crop a step)")
    with gr.Column(visible=True) as of_texts:
        objectives = [("By labels per class", "auto"), ("The head's loss", "head"), ("Pairs of texts too", "contrastive")]
        made["objective"] = gr.Dropdown(objectives, value="auto", label="Objective")
    with gr.Row():
        made["micro_batch"] = gr.Number(0, label="Micro-batch (0: whole)", min_width=110)
        made["checkpoint_every"] = gr.Number(50, label="Checkpoint every, steps", min_width=110)
    return made, of_pictures, of_texts
