"""The README.md beside a shared adapter: what it is, how well it did, how to use it. Reads and writes nothing."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.core.interfaces import Task
from studio.core.results.comparison import Comparison, Score
from studio.core.results.projects import CatalogEntry
from studio.models import folder_of
from studio.models.catalog import DEMO, DEMO_TITLE

if TYPE_CHECKING:
    from studio.runs.folder import RunSpec

SPLITS = {"test": "test split", "val": "validation split"}

CLASSIFIES = """from studio.workspace.shared_model import SharedModel

model = SharedModel.load({arguments})
for answer in model.predict([{examples}]):
    print(answer.label, f"{{answer.confidence:.0%}}")"""

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


def model_card(project: str, task: Task, spec: RunSpec, folder: str, base: Base, scores: Sequence[str]) -> str:
    """Markdown. `folder` is the name that the shared files unpack to; `scores` are sentences: what it was measured at."""
    parts = [
        f"# {plain(project)}: a fine-tuned adapter",
        f"Made with Studio on {time.strftime('%Y-%m-%d', time.localtime(spec.created))}. Task: {task.title.lower()}.",
        f"**Base model:** {plain(base.title)} (`{base.id}`)" if base.title else f"**Base model:** `{base.id}`",
        f"**Adapter:** LoRA, rank {spec.train.lora.rank}, in PEFT's form. `adapter/manifest.json` has the base model's hash: "
        "it is loaded onto these very weights or refused.",
    ]
    if spec.classes:
        parts += ["## Classes", "\n".join(f"- {plain(name)}" for name in spec.classes)]
    parts += ["## How good is it?", " ".join(scores) or "It has not been compared on held-out items yet.", "## How to use it"]
    parts += [
        "With Studio installed, from the folder in which you unpacked this one:",
        f"```python\n{_snippet(task, folder, base)}\n```",
    ]
    if base.note:
        parts.append(base.note)
    return "\n\n".join(parts) + "\n"


def held_out(comparison: Comparison, run: str, measure: str) -> str:
    """The figure of that run's adapter with its 95 % interval; empty where the comparison was none of this run."""
    score = _of_run(comparison, run)
    if score is None or score.ci95 is None:
        return ""
    low, high = score.ci95
    figure = f"{100 * _value(score):.1f} % (95 % interval {100 * low:.1f}–{100 * high:.1f} %)"
    items = f"{score.n:,} held-out items of the {SPLITS.get(comparison.split, comparison.split)}"
    return f"{measure.capitalize()} {figure} on {items}, which took no part in learning."


def beside(comparison: Comparison, run: str, name: str = "this adapter") -> str:
    """What that comparison found of the run's adapter beside the best other method; empty where there is nothing to say."""
    best = comparison.best.rung if comparison.best else None
    other = comparison.score(best if best not in (None, "lora") else comparison.few_shot or "zero_shot")
    score = _of_run(comparison, run)
    if score is None or other is None or math.isnan(_value(other)):
        return ""
    title = other.title if other.method != "zero_shot" else "zero-shot"
    kind = "few-shot" if other.method == comparison.few_shot else title
    said = f"On {score.n:,} held-out items {kind if kind == title else f'{kind} ({title})'} had {100 * _value(other):.1f} %"
    said += f", {name} had {100 * _value(score):.1f} %"
    if best is None:
        return f"{said}."
    # not "better": a difference of a few items is none, and the choice never looked at them
    return f"{said}. By the labels alone, without these items, {name if best == 'lora' else kind} was chosen."


def _of_run(comparison: Comparison, run: str) -> Score | None:
    score = comparison.score("lora")
    # a comparison says in words which run it asked
    return score if score and re.search(rf"\b{run}\b", score.note) and not math.isnan(_value(score)) else None


def _value(score: Score) -> float:
    value = score.accuracy if score.recall is None else score.recall.get("image_to_text@1")
    return math.nan if value is None else value


def plain(text: str) -> str:
    """A text that Markdown shows as it stands, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", " ".join(text.split()))


def _snippet(task: Task, folder: str, base: Base) -> str:
    arguments = f'"{folder}"' + (f', base="{base.place}"' if base.place else "")
    form = CLASSIFIES if task.classifies else MATCHES
    return form.format(arguments=arguments, examples=EXAMPLES.get(task.modalities[0], '"input"'))
