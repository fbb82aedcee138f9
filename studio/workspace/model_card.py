"""The README.md beside a shared adapter: what it is, how well it did, how to use it. Reads and writes nothing."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from studio.core.interfaces import Task
from studio.core.results.comparison import Comparison

if TYPE_CHECKING:
    from studio.runs.folder import RunFolder, RunSpec

SPLITS = {"test": "test split", "val": "validation split"}

CLASSIFIES = """from studio.workspace.shared_model import SharedModel

model = SharedModel.load({arguments})
for answer in model.predict([{examples}]):
    print(answer.label, f"{{max(answer.probabilities):.0%}}")"""

MATCHES = """from studio.workspace.shared_model import SharedModel

model = SharedModel.load({arguments})
pictures = model.embed("image", ["picture.jpg"])
texts = model.embed("text", ["a text about it", "another text"])
print(pictures @ texts.T)  # how near each picture is to each text, -1 to 1"""

EXAMPLES = {"image": '"picture.jpg"', "text": '"a text to classify"'}


def model_card(
    project: str, task: Task, spec: RunSpec, folder: str, local: tuple[str, Path] | None, score: tuple[str, str] | None
) -> str:
    """Markdown. `folder` is the name that the shared files unpack to, `local` says where a base model lies that is a folder
    of this machine, as `studio.models.folder_of`; `score` is what `held_out` gives.
    """
    base = f"{local[0]}{local[1].name}" if local else spec.model
    parts = [
        f"# {plain(project)}: a fine-tuned adapter",
        f"Made with Studio on {time.strftime('%Y-%m-%d', time.localtime(spec.created))}. Task: {task.title.lower()}.",
        f"**Base model:** `{base}`" + (" (a folder on the computer where it was trained)" if local else ""),
        f"**Adapter:** LoRA, rank {spec.train.lora.rank}, in PEFT's form. `adapter/manifest.json` has the base model's hash: "
        "it is loaded onto these very weights or refused.",
    ]
    if spec.classes:
        parts += ["## Classes", "\n".join(f"- {plain(name)}" for name in spec.classes)]
    said = f"{task.measure.capitalize()} {score[0]} on {score[1]}, which took no part in learning." if score else ""
    parts += ["## How good is it?", said or "It has not been compared on held-out items yet.", "## How to use it"]
    parts += [
        "With Studio installed, from the folder in which you unpacked this one:",
        f"```python\n{_snippet(task, folder, local)}\n```",
    ]
    if local:
        parts.append(f"Put the place of your copy of {plain(local[1].name)} where it says `PATH/TO`.")
    return "\n\n".join(parts) + "\n"


def held_out(comparison: Comparison | None, run: RunFolder) -> tuple[str, str] | None:
    """(figure with its 95 % interval, what it was measured on), where that comparison was one of this run; else None."""
    score = comparison.score("lora") if comparison else None
    # a comparison says in words which run it asked
    if comparison is None or score is None or not re.search(rf"\b{run.id}\b", score.note):
        return None
    value = score.accuracy if score.recall is None else score.recall.get("image_to_text@1")
    if value is None or score.ci95 is None:
        return None
    low, high = score.ci95
    figure = f"{100 * value:.1f} % (95 % interval {100 * low:.1f}–{100 * high:.1f} %)"
    return figure, f"{score.n:,} held-out items of the {SPLITS.get(comparison.split, comparison.split)}"


def plain(text: str) -> str:
    """A text that Markdown shows as it stands, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", " ".join(text.split()))


def _snippet(task: Task, folder: str, local: tuple[str, Path] | None) -> str:
    arguments = f'"{folder}"' + (f', base="{local[0]}PATH/TO/{local[1].name}"' if local else "")
    form = CLASSIFIES if task.classifies else MATCHES
    return form.format(arguments=arguments, examples=EXAMPLES.get(task.modalities[0], '"input"'))
