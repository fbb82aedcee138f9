"""The labelling widget and the desk behind it: what its script may ask of the open project, checked as a stranger's."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import gradio as gr

from studio.core.errors import BadInput, Overtaken
from studio.core.results.answers import MethodAnswer, PredictionTable
from studio.core.threads import give_way
from studio.core.types import LabelEvent
from studio.ui import theme
from studio.ui.answers import (
    LONGEST_NAME,
    Answer,
    Payload,
    activity_json,
    answering,
    author,
    class_json,
    integer,
    integers,
    item_json,
    open_project,
    page_project,
    project_json,
    seen_author,
    text,
)
from studio.ui.reading import reading
from studio.ui.widgets.label_acts import LONGEST_WORDS, carried_out, changed
from studio.ui.widgets.label_queue import (
    BATCH,
    COMING,
    EVERY,
    batch,
    browser_of,
    filter_name,
    first_batch,
    seats,
    still_coming,
    unseen,
    woven,
)
from studio.workspace import Workspace
from studio.workspace.picking import CHOSEN_BY_MODEL

PICKED = 60
"""Items that a model picks at once; the script asks again after every ten labels."""
REMEMBERED = 512
LEARNT = "has learnt from what others said of this item"


class Desk:
    """Answers the labelling script. An act that arrives twice, because its first answer was lost or late, is done once."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._answered: OrderedDict[str, Future[Answer]] = OrderedDict()
        self._lock = Lock()
        # what no key waits for: one thing after the other, in a thread that gives way to keys
        self._behind = ThreadPoolExecutor(1, "suggestions", initializer=give_way)

    def open_desk(self, payload: Payload) -> Answer:
        """Everything the page needs to begin; `project` is None where none is open."""
        project = page_project(self.workspace, payload)
        if project is None:
            return {"project": None}
        show, who = filter_name(payload), seen_author(self.workspace, payload)
        if payload.get("was"):
            project.people.leases.leave(text(payload, "was", LONGEST_NAME), browser_of(payload))
        counts, first = project.labelling.counts(), first_batch(project, payload, who, show)
        project.people.leases.renew(who, [item["id"] for item in first["items"][:COMING]])
        return {
            "project": project_json(project),
            "author": who,
            "others": dict(project.people.leases.others(who)),
            **seats(project, payload, who),
            "chosen": show,
            "orders": [{"name": name, "title": title} for name, title in project.picking.orders().items()],
            "order": project.picking.order(),
            "by_model": project.picking.order() in CHOSEN_BY_MODEL and show == "unlabelled",
            "fixed": bool(project.fixed_classes),
            "for_me": project.labelling.knows_truth(),
            **first,
            "total": first["total"] if show in ("all", "search") else counts.total - counts.done,
            "all": counts.total,
            "labelled": counts.done,
            "learnt": counts.labelled_by_split.get("train", 0),
            "disputes": project.people.disputes(),
            "classes": [class_json(c) for c in project.labelling.classes()],
        }

    def more(self, payload: Payload) -> Answer:
        """The next items of the same filter, or of the one that comes after it."""
        project, who = open_project(self.workspace, payload), author(self.workspace, payload)
        return batch(project, payload, who, filter_name(payload), integer(payload, "after"))

    def name(self, payload: Payload) -> Answer:
        """Whether that is a person's name, and how it is written here already."""
        project = open_project(self.workspace, payload)
        return {"author": project.people.spelling(author(self.workspace, payload))}

    def set_order(self, payload: Payload) -> Answer:
        """In which order the project's items come from now on."""
        return {"order": open_project(self.workspace, payload).picking.set_order(text(payload, "order", LONGEST_NAME))}

    def pick(self, payload: Payload) -> Answer:
        """The items that the model would have labelled after those `queued`. While it has not read all that it chooses among,
        the `activity` that reads; where there is no model, why."""
        project = open_project(self.workspace, payload)
        model, order = project.model(), project.picking.order()
        if model is None:
            return {"items": [], "why": "Until a model is chosen, items come in random order."}
        first = reading(self.workspace, project, model)
        if first is not None:
            return {"items": [], "activity": activity_json(first)}
        who = author(self.workspace, payload)
        queued, held = integers(payload, "queued", BATCH), project.people.leases.held(who)
        picked = self._behind.submit(project.picking.pick, model, order, PICKED, [*queued, *held]).result()
        second = [unseen(item) for item in project.people.waiting(who, PICKED // (EVERY - 1))]
        return {"items": woven([item_json(item) for item in picked], second)}

    def act(self, payload: Payload) -> Answer:
        """One of label, skip, caption, note, undo, redo. Returns when it is on disk, with what became of the items to come."""
        project = open_project(self.workspace, payload)
        key = f"{project.id}/{text(payload, 'id', 64)}"
        mine: Future[Answer] = Future()
        with self._lock:
            # taken before the act is done: the same one may arrive again while the first is at work
            first = self._answered.setdefault(key, mine)
            while len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        if first is not mine:
            return first.result()
        try:
            who = author(self.workspace, payload)
            coming = integers(payload, "coming", COMING) if payload.get("coming") else []
            try:
                done = carried_out(project, payload, who)
            except Overtaken as error:  # answered with the item as it is
                done = {
                    **changed(project, ()),
                    "overtaken": str(error),
                    "items": [item_json(project.labelling.item(error.item))],
                }
            mine.set_result({**done, **still_coming(project, coming, who, payload)})
        except BaseException as error:  # whatever it was: those that wait for this act have to hear of it
            with self._lock:
                self._answered.pop(key, None)
            mine.set_exception(error)
        return mine.result()

    def add_class(self, payload: Payload) -> Answer:
        """A new class, at the end."""
        project = open_project(self.workspace, payload)
        if project.fixed_classes:
            raise BadInput("The classes of this task are fixed.", f"They are: {', '.join(project.fixed_classes)}.")
        return {"added": class_json(project.labelling.add_class(text(payload, "name", LONGEST_NAME).strip()))}

    def guide(self, payload: Payload) -> Answer:
        """What belongs to a class, for people who label."""
        project = open_project(self.workspace, payload)
        words, saw = text(payload, "guideline", LONGEST_WORDS), text(payload, "saw", LONGEST_WORDS)
        project.labelling.set_guideline(text(payload, "name", LONGEST_NAME), words, saw)
        return {"classes": [class_json(c) for c in project.labelling.classes()]}

    def history(self, payload: Payload) -> Answer:
        """Every act on an item, oldest first, and what it has."""
        project, item = open_project(self.workspace, payload), integer(payload, "item")
        has = item_json(project.labelling.item(item))["label"]
        return {"has": has, "events": [_event(e) for e in project.labelling.history(item)]}

    def suggest(self, payload: Payload) -> Answer:
        """What zero-shot and few-shot say of one item, from all labels as they stand; before a model is chosen, how to."""
        project = open_project(self.workspace, payload)
        model = project.model()
        if model is None or not project.classifies:
            why = self.workspace.models.advice(project.task) or "Choose a model to see its answers here."
            return {"model": None, "answers": [], "why": why}
        table = self._behind.submit(project.testing.suggest, integer(payload, "item"), model).result()
        answers = [_suggestion(table, answer) for answer in table.answers]
        if payload.get("unseen"):  # whoever learns from the labels knows what others said of this item
            answers[1:] = [{**a, "label": None, "probability": None, "why_not": LEARNT} for a in answers[1:]]
        return {"model": project.model_title(model), "answers": answers}

    def label_for_me(self, payload: Payload) -> Answer:
        """In a copy of a sample: label `per_class` more training items of each class."""
        project = open_project(self.workspace, payload)
        who = author(self.workspace, payload)
        return {"labelled": project.labelling.label_for_me(integer(payload, "per_class"), author=who).labelled}


def labeler(desk: Desk) -> gr.HTML:
    """One item at a time, by keys; see `assets/js/label.js`. Triggers `rest` when labelling pauses, with something changed."""
    return gr.HTML(
        html_template='<div class="lb" role="application" aria-label="Labelling: press a number to label, space to skip, '
        'backspace to undo, arrows to move"></div>',
        js_on_load=theme.script("dom", "for_me", "suggest", "order", "undo", "several", "keys", "beside", "label"),
        server_functions=[
            answering(f)
            for f in (
                desk.open_desk,
                desk.more,
                desk.set_order,
                desk.pick,
                desk.act,
                desk.name,
                desk.add_class,
                desk.guide,
                desk.history,
                desk.suggest,
                desk.label_for_me,
            )
        ],
        apply_default_css=False,
        elem_id="labeler",
    )


def _suggestion(table: PredictionTable, answer: MethodAnswer) -> Answer:
    """The most probable class, or all that are more probable than not; or why there is no answer."""
    said = table.said(answer) if table.classes else None
    return {
        "title": answer.title,
        "note": answer.note,
        "label": said.label if said else None,
        "probability": said.confidence if said else None,
        "why_not": answer.why_not,
    }


def _event(event: LabelEvent) -> Answer:
    return {"kind": event.kind, "before": event.before, "after": event.after, "said": event.said, "author": event.author,
            "at": event.at, "stance": event.stance, "id": event.id, "undoes": event.undoes}  # fmt: skip
