"""The README.md beside a shared adapter: what it is, how well it did, how to use it. Reads and writes nothing."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.core.interfaces import Task
from studio.core.results.comparison import Comparison
from studio.core.results.projects import CatalogEntry
from studio.models import folder_of
from studio.models.catalog import DEMO, DEMO_TITLE

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


@dataclass(frozen=True, slots=True)
class Base:
    """The base model as somebody else finds it."""

    title: str
    id: str
    """As the shared files name it: nothing of where it lies on this machine."""
    place: str = ""
    """The id with PATH/TO in it, where they have to say where it lies."""
    note: str = ""
    """How they come by it."""


def base_of(model_id: str, entry: CatalogEntry | None) -> Base:
    """Of a run's model, and what the catalogue says of it."""
    local = folder_of(model_id)
    if local is None:
        return Base(entry.title if entry else "", model_id)
    head, path = local
    if entry and entry.elsewhere:
        name = entry.elsewhere.rpartition("/")[2]
        note = f'Without a network, give the place of a copy of it: `base="{head}PATH/TO/{name}"`.'
        return Base(name, entry.elsewhere, note=f"Studio downloads the base model when it is first used. {note}")
    if path == DEMO:
        inside = "/".join(path.parts[-2:])
        note = f"The base model comes with Studio, in `{inside}`: put the place of your copy of Studio where it says `PATH/TO`."
        return Base(DEMO_TITLE, head + path.name, f"{head}PATH/TO/{inside}", note)
    note = f"The base model is a folder. Put the place of your copy of {plain(path.name)} where it says `PATH/TO`."
    return Base("", head + path.name, f"{head}PATH/TO/{path.name}", note)


def model_card(project: str, task: Task, spec: RunSpec, folder: str, base: Base, score: tuple[str, str] | None) -> str:
    """Markdown. `folder` is the name that the shared files unpack to; `score` is what `held_out` gives."""
    parts = [
        f"# {plain(project)}: a fine-tuned adapter",
        f"Made with Studio on {time.strftime('%Y-%m-%d', time.localtime(spec.created))}. Task: {task.title.lower()}.",
        f"**Base model:** {plain(base.title)} (`{base.id}`)" if base.title else f"**Base model:** `{base.id}`",
        f"**Adapter:** LoRA, rank {spec.train.lora.rank}, in PEFT's form. `adapter/manifest.json` has the base model's hash: "
        "it is loaded onto these very weights or refused.",
    ]
    if spec.classes:
        parts += ["## Classes", "\n".join(f"- {plain(name)}" for name in spec.classes)]
    said = f"{task.measure.capitalize()} {score[0]} on {score[1]}, which took no part in learning." if score else ""
    parts += ["## How good is it?", said or "It has not been compared on held-out items yet.", "## How to use it"]
    parts += [
        "With Studio installed, from the folder in which you unpacked this one:",
        f"```python\n{_snippet(task, folder, base)}\n```",
    ]
    if base.note:
        parts.append(base.note)
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


def _snippet(task: Task, folder: str, base: Base) -> str:
    arguments = f'"{folder}"' + (f', base="{base.place}"' if base.place else "")
    form = CLASSIFIES if task.classifies else MATCHES
    return form.format(arguments=arguments, examples=EXAMPLES.get(task.modalities[0], '"input"'))
