"""What the Test page may ask of the open project: take an input, answer it, load a model. Converts, delegates, renders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr

from studio.core.errors import BadInput, StudioError
from studio.core.interfaces import Progress
from studio.core.results.answers import Ranking
from studio.core.results.evidence import Strengths
from studio.core.results.projects import Activity, Missing
from studio.core.types import Item, ItemFilter, Split
from studio.ui import shell
from studio.ui.answers import shown_project
from studio.ui.widgets.markup import Markup, join, tag
from studio.ui.widgets.model_choice import AS_THE_RUN, NEWEST, check_offered, few_shot, model_choices, run_choices
from studio.ui.widgets.phrases import phrase_rows, phrases_of
from studio.ui.widgets.picker import examples, subject_card
from studio.ui.widgets.prediction_table import prediction_table
from studio.ui.widgets.ranking import ranking_board
from studio.ui.widgets.strength import strength_plot
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject
from studio.workspace.prompts import checked_templates
from studio.workspace.training import NOTHING_IMPORTED

EXAMPLES = 24
LOOKED_AT = 1000
"""Items among which the examples are chosen."""

SOURCES: tuple[Split | None, ...] = ("test", "val", None)

HITS = 12
LONGEST_TEXT = 10_000
LOADING = "load"
SEEN_SIZE = 768
"""Pixels a side of a project's own picture when it is asked about."""

NOTHING_YET = tag(
    "div", tag("h2", "Nothing to answer yet"), tag("p", "Give an input on the left, or click an example."), class_="st-empty"
)

NO_CLASSES = "There are no classes yet. Add some while you label; then each method says how probable they are."

Subject = Mapping[str, Any]
"""What is asked about: `{"image": bytes}` or `{"text": str}`, with `item` where it is the project's own; or empty."""


class AskingDesk:
    """The handlers of the Test page.

    `shown` is the id of the project that the page shows, the first of `choices`; to ask while another one is open is refused.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = partial(shown_project, workspace)

    def on_load(self) -> list[Any]:
        """What the page shows at first, for this project's kind of items."""
        project = self.workspace.project()
        if project is None:
            return [gr.update(value=shell.no_project(), visible=True), gr.update(visible=False), *[gr.skip()] * 19, ""]
        choices, model = model_choices(self.workspace, project)
        pairs, has_image, has_text = not project.classifies, "image" in project.modalities, "text" in project.modalities
        return [
            gr.update(visible=False),
            gr.update(visible=True),
            gr.update(choices=choices, value=model),
            gr.update(choices=run_choices(project.training.runs(), model)),
            gr.update(visible=not pairs),
            gr.update(visible=not pairs),
            gr.update(visible=bool(model) and not self.is_loaded(model)),
            gr.update(visible=has_image),
            None,
            gr.update(visible=has_text),
            gr.update(label="Search the pictures by text" if pairs else "Text", lines=1 if pairs else 3, value=""),
            gr.update(visible=pairs),
            examples(project, example_items(project)),
            gr.update(visible=not pairs),
            *self.reset(project.id),
            {},
            nothing_yet(project),
            *self.strengths(project.id, model, NEWEST, AS_THE_RUN, 0),
            project.id,
        ]

    def ask(self, subject: Subject, *choices: Any) -> list[Any]:
        """The subject, and what `answer` says of it."""
        return [subject, *self.answer(subject, *choices)]

    def pictured(self, picture: bytes | None, *choices: Any) -> list[Any]:
        return self.ask({"image": picture} if picture else {}, *choices)

    def typed(self, text: str, subject: Subject, *choices: Any) -> list[Any]:
        """While typing: classes answer at once, a search waits for its button. An example's own text is asked already."""
        if not self.project(choices[0]).classifies or text.strip() == subject.get("text", ""):
            return [gr.skip()] * 4
        return self.searched(text, *choices)

    def searched(self, text: str, *choices: Any) -> list[Any]:
        words = text.strip()[:LONGEST_TEXT]
        return self.ask({"text": words} if words else {}, *choices)

    def example(self, event: gr.EventData, *choices: Any) -> list[Any]:
        """Ask about one of the project's own items; empties the picture, shows the text."""
        number = event._data.get("id") if isinstance(event._data, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise BadInput("The page named no item.", "Reload the page.")
        project = self.project(choices[0])
        labelling, modality = project.labelling, project.modalities[0]
        content = labelling.item(number).content[modality]
        if modality == "text":
            return [None, content, *self.ask({"text": content.strip(), "item": number}, *choices)]
        return [None, gr.skip(), *self.ask({"image": labelling.picture(content, SEEN_SIZE), "item": number}, *choices)]

    def answer(
        self,
        subject: Subject,
        shown: object,
        model: str | None,
        run: str,
        shots: Any,
        seed: Any,
        phrases: Any,
        templates: str,
        strength: Any = None,
    ) -> list[Any]:
        """The answers, or the activity that will have them, twice: to remember and to watch.

        What does not work is said in the answers' place.
        """
        waiting = ["", gr.skip()]
        try:
            project = self.project(shown)
            if not subject or not model or not has_classes(project):
                return [nothing_yet(project), *waiting]
            check_offered(self.workspace, project, model)
            if not self.is_loaded(model):
                return [tag("p", "Load the model above, then the answers appear here.", class_="st-note"), *waiting]
            if not project.classifies:
                search = self.look(project, subject, model, run or None)
                return [gr.skip(), search, search]
            words = tuple(phrase for _, phrase in phrases_of(phrases))
            lines = template_lines(templates)
            content = {name: subject[name] for name in project.modalities if name in subject}
            labels = few_shot(shots, seed)
            swept = project.testing.strengths(model, run or None, *labels)
            at = strength_at(swept, strength) if swept else None
            asked = project.testing.predict([content], model, run or None, *labels, words, lines, at)
            return [join([about(project, subject), prediction_table(asked[0]), self.limits(model)]), *waiting]
        except StudioError as error:
            return [problem(error), *waiting]

    def worded(self, subject: Subject, *choices: Any) -> list[Any]:
        """While words for zero-shot are typed: what is wrong with them, beside them, and the last answers stay; else `answer`."""
        phrases, templates = choices[5:7]
        try:
            phrases_of(phrases)
            checked_templates(template_lines(templates))
        except StudioError as error:
            return [problem(error), *[gr.skip()] * 3]
        return ["", *self.answer(subject, *choices)]

    def strengths(self, shown: object, model: str | None, run: str, shots: Any, seed: Any) -> list[Any]:
        """Whether there is a strength to choose, the run's own choice, and what others did."""
        project = self.project(shown)
        swept = project.testing.strengths(model, run or None, *few_shot(shots, seed)) if model and project.classifies else None
        if swept is None:
            return [gr.update(visible=False), gr.skip(), ""]
        return [gr.update(visible=True), swept.chosen, strength_plot(swept, swept.chosen)]

    def at_strength(self, shown: object, model: str | None, run: str, shots: Any, seed: Any, strength: Any) -> str:
        """The plot, with the strength in use marked."""
        swept = self.project(shown).testing.strengths(str(model), run or None, *few_shot(shots, seed))
        return strength_plot(swept, strength_at(swept, strength)) if swept else ""

    def look(self, project: OpenProject, subject: Subject, model: str, run: str | None) -> str:
        """Start the search for what belongs to a text or a picture; the activity's id."""

        def work(progress: Progress) -> tuple[Ranking, ...]:
            if "text" in subject:
                return project.testing.search(subject["text"], model, run, HITS, progress)
            return project.testing.rank(subject["image"], model, run, HITS, progress)

        return self.workspace.activities.start(searching(project), "Searching", work)

    def load(self, shown: object, model: str | None) -> str:
        """Start loading; the activity's id, for the progress bar."""
        project = self.project(shown)
        check_offered(self.workspace, project, model)
        chosen = str(model)
        return self.workspace.activities.start(LOADING, "Loading the model", lambda p: self.workspace.models.load(chosen, p))

    def activity(self) -> Activity | None:
        """What the progress bar shows: the newest search or loading."""
        project = self.workspace.project()
        kinds = [LOADING, *([searching(project)] if project else [])]
        found = [a for a in map(self.workspace.activities.newest, kinds) if a is not None]
        return max(found, key=lambda a: a.started, default=None)

    def finished(self, activity: str, subject: Subject, shown: object, model: str | None, *choices: Any) -> list[Any]:
        """Something ended, here or in another tab: show this tab's rankings, or ask again now that the model is there."""
        unloaded = gr.update(visible=bool(model) and not self.is_loaded(model))
        if not activity:
            return [unloaded, *self.answer(subject, shown, model, *choices)]
        mine = self.workspace.activities.get(activity)
        if mine.state != "done":
            return [unloaded, *[gr.skip()] * 3]
        project = self.project(shown)
        board = ranking_board(project.id, mine.result, "image" if "text" in subject else "text")
        return [unloaded, join([about(project, subject), board, self.limits(model)]), "", gr.skip()]

    def limits(self, model: str | None) -> Markup | None:
        """What to keep in mind beside this model's answers, fine-tuned or not."""
        said = self.workspace.models.knows(model) if model else ""
        way = tag("a", "Go to Models", href="/models")
        return tag("p", f"{said} ", way, class_="st-note md-knows", role="note") if said else None

    def runs_of(self, shown: object, model: str | None) -> tuple[Any, Any]:
        """Another model has other runs."""
        runs = run_choices(self.project(shown).training.runs(), model)
        return gr.update(choices=runs, value=runs[0][1]), gr.update(visible=bool(model) and not self.is_loaded(model))

    def keep(self, shown: object, phrases: Any, templates: str) -> None:
        """Make these words the project's own."""
        labelling = self.project(shown).labelling
        labelling.set_templates(template_lines(templates))
        for name, phrase in phrases_of(phrases):
            labelling.set_phrase(name, phrase)
        gr.Info("Kept: training and comparisons use these words from now on.", duration=5)

    def reset(self, shown: object) -> tuple[Any, str]:
        """The project's own words."""
        labelling = self.project(shown).labelling
        return phrase_rows(labelling.classes()), "\n".join(labelling.templates())

    def is_loaded(self, model: str | None) -> bool:
        return bool(model) and self.workspace.models.check(str(model)) in {info.id for info in self.workspace.models.loaded()}


def searching(project: OpenProject) -> str:
    """The kind of this project's searches."""
    return f"search/{project.id}"


def example_items(project: OpenProject) -> Sequence[Item]:
    """Held-out items to click: the test split's, else the validation split's, else any; one of each class in turn."""
    found: Sequence[Item] = ()
    for split in SOURCES:
        found = found or project.labelling.page(ItemFilter(split=split), limit=LOOKED_AT).items
    shown = {item.key(project.modalities[0]): item for item in reversed(found)}  # a picture with five captions: once
    turn: Counter[str | None] = Counter()
    ranked = []
    for place, item in enumerate(reversed(shown.values())):
        ranked.append((turn[item.label], place, item))
        turn[item.label] += 1
    return [item for _, _, item in sorted(ranked, key=lambda r: r[:2])[:EXAMPLES]]


def has_classes(project: OpenProject) -> bool:
    """Whether there is anything to answer with; pairs need none."""
    return not project.classifies or bool(project.labelling.classes())


def nothing_yet(project: OpenProject) -> str:
    """In the answers' place: what to do to get some."""
    if has_classes(project):
        return NOTHING_YET
    missing = Missing("label", NO_CLASSES) if project.labelling.counts().total else NOTHING_IMPORTED
    return shell.empty(*shell.lacking(missing))


def strength_at(swept: Strengths, sent: Any) -> float:
    """The strength that a slider sent; the run's own where it sent none. Raises BadInput for one that was not swept."""
    if sent is None:
        return swept.chosen
    if sent not in [row.strength for row in swept.rows]:
        raise BadInput("The run knows no such strength.", "Choose one of the slider's.")
    return float(sent)


def template_lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def about(project: OpenProject, subject: Subject) -> Markup | None:
    """The card of the project's own item, where that is what the answers are about."""
    if "item" not in subject:
        return None
    return subject_card(project, project.labelling.item(subject["item"]))


def problem(error: StudioError) -> Markup:
    return tag("div", tag("b", error.message), f" {error.hint}", class_="lr-problem", role="alert")
