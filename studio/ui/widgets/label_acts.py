"""What the Label page asks to be done, carried out: an act on one item, checked as a stranger's, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.errors import BadInput
from studio.core.types import NONE_OF_THESE, LabelEvent
from studio.ui.answers import LONGEST_NAME, MOST_CLASSES, Answer, Payload, class_json, integer, item_json, label_text, text, texts
from studio.ui.widgets.label_queue import unseen
from studio.workspace.labelling import Labelling
from studio.workspace.open_project import OpenProject

LONGEST_CAPTION = 10_000
LONGEST_WORDS = 2_000
"""Characters of a note or a guideline."""


def carried_out(project: OpenProject, payload: Payload, who: str) -> Answer:
    """One of label, skip, caption, note, undo, redo by `who`, on disk when it returns. Raises Overtaken, BadInput, NotFound."""
    labelling = project.labelling.once(text(payload, "id", 64))
    match payload.get("act"):
        case "label":
            return _given(project, _labelled(project, labelling, payload, who))
        case "note":
            words, saw = text(payload, "text", LONGEST_WORDS), text(payload, "saw", LONGEST_WORDS)
            event = labelling.note(integer(payload, "item"), words, who, saw)
            return {"event": event.id, "note": event.after}
        case "skip":
            return {"event": labelling.skip(integer(payload, "item"), who).id}
        case "caption":
            caption = text(payload, "text", LONGEST_CAPTION).strip()
            if not caption or "text" not in project.modalities or len(project.modalities) < 2:
                raise BadInput("This is no caption.", "Write one, in a project of image–text pairs.")
            seen = text(payload, "saw", LONGEST_CAPTION) if payload.get("saw") is not None else ...
            return {"event": labelling.caption(integer(payload, "item"), caption, who, seen).id}
        case "undo":
            return changed(project, labelling.undo(who))
        case "redo":
            return changed(project, labelling.redo(who))
    raise BadInput("The page asked for something unknown.", "Reload the page.")


def changed(project: OpenProject, events: Sequence[LabelEvent]) -> Answer:
    """The items that were taken back or done again, as they are now; of many the first ones: the page draws itself anew."""
    counts = project.labelling.counts()
    return {
        "items": [_changed_item(project, event) for event in events[:2]],
        "changed": len(events),
        "labelled": counts.done,
        "learnt": counts.labelled_by_split.get("train", 0),
        "classes": [class_json(c) for c in project.labelling.classes()],
    }


def _changed_item(project: OpenProject, event: LabelEvent) -> Answer:
    item = project.labelling.item(event.item)
    if event.stance == "aside" and project.several:  # what its author said before that, class by class, stands again
        mine = (o.said for o in project.people.opinions(event.item) if o.author == event.author)
        return {**unseen(item), "label": next(mine, None)}
    # what its author says of it was taken back or said again; what others say is still not to be shown
    return {**unseen(item), "label": event.said if event.kind == "redo" else None} if event.stance == "aside" else item_json(item)


def _given(project: OpenProject, event: LabelEvent) -> Answer:
    """What became of a label: where somebody else had given another meanwhile, what the item has, and by whom."""
    answer: Answer = {"event": event.id}
    if event.stance == "aside" and event.said != event.after:
        first = next((o for o in project.people.opinions(event.item) if o.said == event.after), None)
        answer["conflict"] = {"has": event.after, "by": first.author if first else None, "disputes": project.people.disputes()}
    return answer


def _labelled(project: OpenProject, labelling: Labelling, payload: Payload, who: str) -> LabelEvent:
    """One class, or none of them; where an item may be of several, `labels` are all of them, and an empty list takes its label
    away."""
    item, saw = integer(payload, "item"), payload.get("saw")
    if saw is not None:
        saw = label_text(project, payload, "saw")
    if project.several and payload.get("labels") is not None:
        return labelling.label(item, texts(payload, "labels", MOST_CLASSES, LONGEST_NAME) or None, who, saw)
    label = text(payload, "label", LONGEST_NAME)
    if label == NONE_OF_THESE:
        return labelling.none_of_these(item, who, saw)
    if label not in {c.name for c in labelling.classes()}:
        raise BadInput(f"There is no class {label!r}.", "Add it first, or reload the page.")
    return labelling.label(item, label, who, saw)
