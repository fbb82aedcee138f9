"""Several people at the Label page, and the page on which they settle what they disagree about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.core.types import ImportOptions, ItemFilter
from studio.ui.answers import answering
from studio.ui.widgets.agreement import Settler
from studio.ui.widgets.label import Desk
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return Desk(workspace)


@pytest.fixture
def settler(workspace: Workspace) -> Settler:
    return Settler(workspace)


def says(desk: Desk, project: OpenProject, who: str, item: int, label: str, **more: Any) -> dict[str, Any]:
    payload = {"project": project.id, "id": f"{who}{item}{label}", "act": "label", "item": item, "label": label, "saw": None}
    return answering(desk.act)({**payload, "author": who, **more})


def test_who_labels_at_the_same_time_hears_of_it_and_nothing_is_lost(desk: Desk, project: OpenProject) -> None:
    assert "conflict" not in says(desk, project, "Ann", 1, "cat")
    answer = says(desk, project, "Ben", 1, "dog")
    assert answer["ok"] and answer["conflict"] == {"has": "cat", "by": "Ann", "disputes": 1}
    assert "conflict" not in says(desk, project, "Cleo", 1, "cat")
    assert [e.author for e in project.labelling.history(1)] == ["Ann", "Ben", "Cleo"]


def test_what_another_has_in_hand_is_not_handed_out(desk: Desk, project: OpenProject) -> None:
    project.picking.set_order("mixed")
    first = desk.open_desk({"show": "unlabelled", "author": "Ann"})
    assert first["author"] == "Ann" and len(first["items"]) == 6
    second = desk.open_desk({"show": "unlabelled", "author": "Ben"})
    assert second["items"] == [] and second["others"] == {"Ann": 6}
    assert desk.open_desk({"show": "unlabelled", "author": "Anna", "was": "Ann"})["others"] == {"Ben": 0}


@pytest.mark.parametrize("order", ["mixed", "imported"])
def test_who_comes_to_others_begins_elsewhere_and_is_still_handed_everything(
    desk: Desk, workspace: Workspace, tmp_path: Path, order: str
) -> None:
    (tmp_path / "many.csv").write_text("text\n" + "\n".join(f"text {n}" for n in range(900)))
    project = workspace.create_project("Many", "text-classification")
    project.labelling.import_data(str(tmp_path / "many.csv"), ImportOptions(test_share=0))
    project.picking.set_order(order)
    held = {item["id"] for item in desk.open_desk({"show": "unlabelled", "author": "Ann"})["items"][:12]}
    starts, whole = set(), {item.id for item in project.labelling.page(ItemFilter(labelled=False), limit=1000).items}
    for who in ("Ben", "Cleo", "Dora"):
        got = desk.open_desk({"show": "unlabelled", "author": who})
        starts.add(got["items"][0]["id"])
        seen = [item["id"] for item in got["items"]]
        while got["after"] is not None:
            got = answering(desk.more)({"project": project.id, "author": who, "show": got["show"], "after": got["after"]})
            seen += [item["id"] for item in got["items"]]
        assert whole - held <= set(seen) | set(project.people.leases.held(who))
    assert len(starts) == 3


def test_a_page_hears_which_of_its_next_items_are_gone(desk: Desk, project: OpenProject) -> None:
    assert says(desk, project, "Ann", 1, "cat", coming=[2, 3])["gone"] == []
    assert says(desk, project, "Ben", 4, "dog", coming=[3, 5, 1])["gone"] == [1, 3]


def test_a_second_opinion_is_asked_without_the_first(desk: Desk, project: OpenProject) -> None:
    for item in range(1, 7):
        says(desk, project, "Ann", item, "cat")
    project.people.ask_twice(2, 1.0)
    opened = desk.open_desk({"show": "unlabelled", "author": "Ben"})
    assert [(i["label"], i["unseen"]) for i in opened["items"]] == [(None, True)] * 6
    assert desk.open_desk({"show": "unlabelled", "author": "Ann"})["items"] == []
    says(desk, project, "Ben", 1, "dog")
    undone = answering(desk.act)({"project": project.id, "id": "u", "act": "undo", "author": "Ben"})
    assert (undone["items"][0]["label"], undone["items"][0]["unseen"]) == (None, True)  # what Ann said stays hidden


def test_none_of_these_is_done(desk: Desk, project: OpenProject) -> None:
    assert says(desk, project, "Ann", 1, "none of these")["ok"]
    opened = desk.open_desk({"show": "all"})
    assert (opened["labelled"], opened["learnt"], opened["items"][0]["label"]) == (1, 0, "none of these")


def test_notes_guidelines_and_history_are_kept(desk: Desk, project: OpenProject) -> None:
    note = {"project": project.id, "id": "n", "act": "note", "item": 2, "text": " blurred ", "saw": "", "author": "Ann"}
    assert answering(desk.act)(note)["ok"]
    assert project.labelling.item(2).note == "blurred"
    guided = answering(desk.guide)({"project": project.id, "name": "cat", "guideline": "Has whiskers", "saw": ""})
    assert guided["classes"][0]["guideline"] == "Has whiskers"
    told = answering(desk.history)({"project": project.id, "item": 2})
    events = told["events"]
    assert told["has"] is None
    assert [(e["kind"], e["author"], e["after"]) for e in events] == [("note", "Ann", "blurred")]
    found = desk.open_desk({"show": "search", "search": "BLUR"})
    assert ([i["id"] for i in found["items"]], found["total"]) == ([2], 1)


@pytest.mark.parametrize("name", ["import", "x" * 61, 7])
def test_a_name_that_is_no_persons_is_refused(desk: Desk, project: OpenProject, name: Any) -> None:
    assert answering(desk.name)({"author": name})["ok"] is False
    assert says(desk, project, name, 1, "cat")["ok"] is False
    assert desk.open_desk({"show": "all", "author": name})["author"] == "me"  # what is shown is shown all the same
    assert project.labelling.history(1) == ()


def test_a_dispute_is_shown_settled_and_taken_back(desk: Desk, settler: Settler, project: OpenProject) -> None:
    says(desk, project, "Ann", 1, "cat")
    says(desk, project, "Ben", 1, "dog")
    shown = answering(settler.look)({"author": "Cleo"})
    (card,) = shown["cards"]
    assert (card["choices"], card["said"][0]) == (["cat", "dog"], {"author": "Ann", "said": "cat"})
    assert shown["pairs"][0]["observed"] == 0.0 and [p["name"] for p in shown["people"]] == ["Ann", "Ben"]
    settle = {"project": project.id, "item": 1, "label": "dog", "author": "Cleo"}
    assert answering(settler.settle)(settle)["ok"]
    assert (project.labelling.item(1).label, answering(settler.look)({})["disputes"]) == ("dog", 0)
    assert answering(settler.undo)({"project": project.id, "author": "Cleo"})["items"] == [1]
    assert answering(settler.look)({})["disputes"] == 1
    assert answering(settler.settle)({**settle, "label": "bird"})["ok"] is False


def test_second_opinions_are_asked_for_on_the_page(settler: Settler, project: OpenProject) -> None:
    assert answering(settler.ask_twice)({"project": project.id, "people": 3, "percent": 25})["ok"]
    assert answering(settler.look)({})["asked"] == {"people": 3, "share": 0.25}
    assert answering(settler.ask_twice)({"project": project.id, "people": 3, "percent": 250})["ok"] is False
