"""Which items come next on the Label page, and for whom: filtered, not in other hands, with others' for a second opinion."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from studio.core.errors import BadInput
from studio.core.types import Item, ItemFilter
from studio.ui.answers import Answer, Payload, item_json, text
from studio.workspace.open_project import OpenProject

BATCH = 300
"""Items sent at once; the script asks for more before it runs out."""

LONGEST_SEARCH, LONGEST_BROWSER = 200, 64
COMING = 40
"""Items that come next on a page, of which it hears who else holds or has labelled them."""
EVERY = 5
"""One in so many items is somebody else's, for a second opinion, where the project asks for them."""

APART = "apart"
"""The unlabelled ones from a place of this person's own on, where others are at work: who walks the same way as everybody else
is handed what somebody else has just taken, and asks again and again."""
FILTERS = {
    "unlabelled": ItemFilter(labelled=False, skipped=False),
    APART: ItemFilter(labelled=False, skipped=False),
    "skipped": ItemFilter(labelled=False, skipped=True),
    "all": ItemFilter(),
    "search": ItemFilter(),
}
SECOND = "second"
"""What others have labelled and the project wants this person's opinion of, too: shown without what they said."""
THEN = {APART: "unlabelled", "unlabelled": SECOND, SECOND: "skipped"}
"""What comes once there is no more of a filter: who skipped an item does not want it back first."""


def still_coming(project: OpenProject, coming: list[int], who: str, payload: Payload) -> Answer:
    """Of the items that come next on the page: those that somebody else has taken in hand or labelled meanwhile."""
    gone = project.people.leases.renew(who, coming)
    others = dict(project.people.leases.others(who))
    return {
        "gone": sorted(gone | project.labelling.done_among(coming)) if others else [],
        "others": others,
        **seats(project, payload, who),
    }


def seats(project: OpenProject, payload: Payload, who: str) -> Answer:
    """Whether that name is at work in another browser too: words of one name are one person's."""
    return {"elsewhere": project.people.leases.sits(who, browser_of(payload))}


def browser_of(payload: Payload) -> str:
    """What tells the browsers of one name apart."""
    return text(payload, "browser", LONGEST_BROWSER) if payload.get("browser") else ""


def first_batch(project: OpenProject, payload: Payload, who: str, show: str) -> Answer:
    """`batch` for a page that has none yet."""
    if show == "unlabelled" and project.people.leases.others(who):
        # the same place after a reload
        return batch(project, payload, who, APART, zlib.crc32(who.encode()) % (project.labelling.counts().total + 1))
    return batch(project, payload, who, show, 0)


def batch(project: OpenProject, payload: Payload, who: str, show: str, after: int) -> Answer:
    """Items after the item `after` that nobody else holds, and where to go on: `show` and `after`, None at the end."""
    if show == SECOND:
        items: Sequence[Item] = project.people.waiting(who, BATCH, after)
        last, total = items[-1].id if len(items) == BATCH else None, len(items)
        sent = [unseen(item) for item in items]
    else:
        words = text(payload, "search", LONGEST_SEARCH) if show == "search" else ""
        mixed = project.picking.order() != "imported" and show != "search"
        page = project.labelling.page(replace(FILTERS[show], search=words), after=after, limit=BATCH, mixed=mixed)
        last, total, sent = page.after, page.total, [item_json(item) for item in page.items]
    if show in THEN:
        held = project.people.leases.held(who)
        sent = [item for item in sent if item["id"] not in held]
    if show == APART or (show == "unlabelled" and not after):
        sent = woven(sent, [unseen(item) for item in project.people.waiting(who, BATCH // (EVERY - 1))])
    then = THEN.get(show) if last is None else None
    if not sent and (then or last is not None):
        return batch(project, payload, who, then or show, last or 0)
    going = (then, 0) if then else (show, last)
    return {"items": sent, "show": going[0], "after": going[1], "total": total}


def unseen(item: Item) -> Answer:
    """An item that others have labelled, without what they said."""
    return {**item_json(item), "label": None, "note": "", "unseen": True}


def woven(own: list[Answer], second: list[Answer]) -> list[Answer]:
    """One of `second` after every few of `own`."""
    found: list[Answer] = []
    for k, item in enumerate(own):
        found.append(item)
        if k % (EVERY - 1) == EVERY - 2 and second:
            found.append(second.pop(0))
    return found


def filter_name(payload: Payload) -> str:
    show = payload.get("show")
    if not isinstance(show, str) or show not in {*FILTERS, SECOND}:
        raise BadInput("This choice of items is unknown.", f"Known: {', '.join(FILTERS)}.")
    return show
