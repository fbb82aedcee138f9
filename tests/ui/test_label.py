from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from studio.core.types import ImportOptions, ItemFilter
from studio.ui.answers import answering
from studio.ui.pages.label import heading
from studio.ui.widgets.label import Desk
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return Desk(workspace)


def act(desk: Desk, payload: Any) -> dict[str, Any]:
    return answering(desk.act)(payload)


def label(project: OpenProject, /, **changes: Any) -> dict[str, Any]:
    return {"project": project.id, "id": "a1", "act": "label", "item": 1, "label": "cat", **changes}


def test_the_desk_opens_with_items_classes_and_counts(desk: Desk, project: OpenProject) -> None:
    opened = desk.open_desk({"show": "unlabelled"})
    assert [c["name"] for c in opened["classes"]] == ["cat", "dog"]
    assert (len(opened["items"]), opened["total"], opened["all"], opened["labelled"]) == (6, 6, 6, 0)
    assert opened["items"][0]["sha"]


def test_skipped_items_come_after_the_others(desk: Desk, project: OpenProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.ui.widgets.label_queue.BATCH", 2)
    order = [i.id for i in project.labelling.page(ItemFilter(), mixed=True).items]
    for item in order[:2]:
        project.labelling.skip(item)
    project.labelling.label(order[2], "cat")
    project.labelling.skip(order[2])  # a label outlasts a skip: it does not come back
    answer = desk.open_desk({"show": "unlabelled"})
    assert answer["total"] == 5
    seen = [item["id"] for item in answer["items"]]
    while answer["after"] is not None:
        answer = desk.more({"project": project.id, "show": answer["show"], "after": answer["after"]})
        seen += [item["id"] for item in answer["items"]]
    assert seen == [*order[3:], *order[:2]]


def test_where_all_that_is_left_was_skipped_the_desk_opens_with_it(desk: Desk, project: OpenProject) -> None:
    for item in project.labelling.page(ItemFilter()).items:
        project.labelling.skip(item.id)
    opened = desk.open_desk({"show": "unlabelled"})
    assert (len(opened["items"]), opened["after"]) == (6, None)


def test_without_a_project_the_desk_says_so(desk: Desk) -> None:
    assert desk.open_desk({"show": "all"}) == {"project": None}


def test_a_label_is_on_disk_when_it_is_acknowledged(desk: Desk, project: OpenProject) -> None:
    assert act(desk, label(project))["ok"]
    assert project.labelling.item(1).label == "cat"


def test_an_act_that_arrives_twice_is_done_once(desk: Desk, project: OpenProject) -> None:
    first, second = act(desk, label(project)), act(desk, label(project))
    assert first == second
    assert sum(event.kind == "label" for event in project.labelling.history(1)) == 1


def test_an_act_that_is_sent_again_after_a_restart_is_done_once(workspace: Workspace, project: OpenProject) -> None:
    """Its first answer was lost with the process, so that another desk, which knows nothing of it, meets it."""
    for item in (1, 2):
        assert act(Desk(workspace), label(project, item=item, id=f"l{item}"))["ok"]
    assert act(Desk(workspace), label(project, item=2, id="l2"))["event"] == project.labelling.history(2)[-1].id
    assert len(project.labelling.history(2)) == 1
    undo = {"project": project.id, "id": "u1", "act": "undo"}
    first, second = act(Desk(workspace), undo), act(Desk(workspace), undo)
    assert first == second and first["changed"] == 1
    assert project.labelling.counts().labelled == 1


def test_an_undo_that_arrives_again_while_it_is_at_work_takes_back_one_label(workspace: Workspace, project: OpenProject) -> None:
    for item in (1, 2):
        project.labelling.label(item, "cat", workspace.settings.author)
    desk, undo, go = Desk(workspace), {"project": project.id, "id": "u1", "act": "undo"}, Event()
    with ThreadPoolExecutor(3) as threads:
        threads.submit(project.labelling._store.write, lambda connection: go.wait(10))  # what keeps the first at work
        first, second = threads.submit(act, desk, undo), threads.submit(act, desk, undo)
        assert not first.done() and not second.done()
        go.set()
        assert first.result(10) == second.result(10)
    assert project.labelling.counts().labelled == 1


def test_an_act_that_was_refused_may_be_tried_again(desk: Desk, project: OpenProject) -> None:
    assert act(desk, label(project, label="fish"))["ok"] is False
    project.labelling.add_class("fish")
    assert act(desk, label(project, label="fish"))["ok"] is True


def test_an_error_that_nobody_expected_is_an_answer_too(caplog: pytest.LogCaptureFixture) -> None:
    def broken(payload: Mapping[str, Any]) -> dict[str, Any]:
        raise OSError("disk full")

    answer = answering(broken)({})
    assert answer["ok"] is False and answer["error"] and answer["hint"]
    assert "disk full" in caplog.text


def test_undo_gives_the_item_back_as_it_was(desk: Desk, project: OpenProject) -> None:
    act(desk, label(project))
    undone = act(desk, {"project": project.id, "id": "a2", "act": "undo"})
    assert (undone["items"][0]["id"], undone["items"][0]["label"], undone["labelled"]) == (1, None, 0)
    assert project.labelling.item(1).label is None


def test_undo_takes_back_a_skip(desk: Desk, project: OpenProject) -> None:
    act(desk, {"project": project.id, "id": "a1", "act": "skip", "item": 3})
    assert act(desk, {"project": project.id, "id": "a2", "act": "undo"})["items"][0]["id"] == 3


def test_undo_of_nothing_is_no_error(desk: Desk, project: OpenProject) -> None:
    for n, name in enumerate(("undo", "redo")):
        answer = act(desk, {"project": project.id, "id": f"a{n}", "act": name})
        assert (answer["ok"], answer["items"]) == (True, [])


def test_what_was_undone_is_done_again(desk: Desk, project: OpenProject) -> None:
    act(desk, label(project))
    act(desk, {"project": project.id, "id": "a2", "act": "undo"})
    again = act(desk, {"project": project.id, "id": "a3", "act": "redo"})
    assert (again["items"][0]["label"], again["labelled"]) == ("cat", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"project": "another"},
        {"project": None},
        {"item": "1"},
        {"item": True},
        {"item": -1},
        {"item": 1.5},
        {"item": 10**30},
        {"item": 999},
        {"item": None},
        {"label": "fish"},
        {"label": None},
        {"label": ["cat"]},
        {"label": "c" * 10_000},
        {"act": "delete"},
        {"act": None},
        {"act": "caption", "text": "no captions here"},
        {"id": None},
        {"id": "x" * 65},
    ],
)
def test_what_a_stranger_sends_is_refused_with_a_hint(desk: Desk, project: OpenProject, wrong: dict[str, Any]) -> None:
    answer = act(desk, label(project, **wrong))
    assert answer["ok"] is False
    assert answer["error"] and answer["hint"]
    assert project.labelling.counts().labelled == 0


@pytest.mark.parametrize("payload", [None, [], "label", 7, [{"act": "label"}], {}])
def test_what_is_no_act_is_refused(desk: Desk, project: OpenProject, payload: Any) -> None:
    assert act(desk, payload)["ok"] is False


def test_a_page_left_open_from_another_project_cannot_label(desk: Desk, workspace: Workspace, project: OpenProject) -> None:
    workspace.create_project("Another", "image-classification")
    answer = act(desk, label(project))
    assert answer["ok"] is False and "another project" in answer["error"]
    again = answering(desk.open_desk)({"show": "all", "project": project.id})
    assert again["ok"] is False and "another project" in again["error"]


def test_a_class_is_added_in_place_once(desk: Desk, project: OpenProject) -> None:
    add = answering(desk.add_class)
    assert add({"project": project.id, "name": " fish "})["added"]["name"] == "fish"
    assert add({"project": project.id, "name": "fish"})["ok"] is False
    assert add({"project": project.id, "name": "  "})["ok"] is False
    assert [c.name for c in project.labelling.classes()] == ["cat", "dog", "fish"]


def until_picked(desk: Desk, payload: Any) -> dict[str, Any]:
    """Ask as the page does while the model reads."""
    for _ in range(600):
        answer = answering(desk.pick)(payload)
        if (answer.get("activity") or {}).get("state") != "running":
            return answer
        time.sleep(0.05)
    raise AssertionError("the reading does not end")


def test_the_model_picks_once_it_has_read_the_items(desk: Desk, project: OpenProject, tiny_ids: dict[str, str]) -> None:
    ask: dict[str, Any] = {"project": project.id, "queued": []}
    assert answering(desk.pick)(ask)["why"] and desk.open_desk({"show": "unlabelled"})["by_model"]
    project.choose_model(tiny_ids["open_clip-vit"])
    first = answering(desk.pick)(ask)
    assert first["items"] == [] and first["activity"]["title"].endswith("reads the items")
    picked = [item["id"] for item in until_picked(desk, ask)["items"]]
    assert sorted(picked) == [1, 2, 3, 4, 5, 6]
    rest = [item["id"] for item in answering(desk.pick)({**ask, "queued": picked[:2]})["items"]]
    assert sorted(rest) == sorted(picked[2:])


def test_where_the_model_cannot_read_the_page_is_told_why(desk: Desk, project: OpenProject, tmp_path: Path) -> None:
    project.choose_model(f"open_clip:local-dir:{tmp_path / 'gone'}")
    failed = until_picked(desk, {"project": project.id, "queued": []})["activity"]
    assert failed["state"] == "failed" and failed["error"] and failed["hint"]


@pytest.mark.parametrize("queued", [None, "1", ["1"], [True], [1] * 1000])
def test_a_queue_that_is_none_is_refused(desk: Desk, project: OpenProject, tiny_ids: dict[str, str], queued: Any) -> None:
    project.choose_model(tiny_ids["open_clip-vit"])
    project.picking.read(tiny_ids["open_clip-vit"])
    assert answering(desk.pick)({"project": project.id, "queued": queued})["ok"] is False


def test_another_order_is_the_projects_from_then_on(desk: Desk, project: OpenProject) -> None:
    assert answering(desk.set_order)({"project": project.id, "order": "imported"})["order"] == "imported"
    opened = desk.open_desk({"show": "unlabelled"})
    assert (opened["order"], opened["by_model"]) == ("imported", False)
    assert [item["id"] for item in opened["items"]] == [1, 2, 3, 4, 5, 6]
    assert answering(desk.set_order)({"project": project.id, "order": "best"})["ok"] is False


def test_fixed_classes_stay_fixed(desk: Desk, workspace: Workspace) -> None:
    pairs = workspace.create_project("Pairs", "image-text")
    assert answering(desk.add_class)({"project": pairs.id, "name": "maybe"})["ok"] is False


# where an item may be of several classes


@pytest.fixture
def several(workspace: Workspace, picture_folder: Path) -> OpenProject:
    made = workspace.create_project("Pets in several ways", "image-multi-label")
    made.labelling.import_data(str(picture_folder), ImportOptions(keep_labels=False, split="train"))
    made.labelling.add_class("old")
    return made


def say(project: OpenProject, id: str, *labels: str, **changes: Any) -> dict[str, Any]:
    return {"project": project.id, "id": id, "act": "label", "item": 1, "labels": list(labels), **changes}


def undo(desk: Desk, project: OpenProject, id: str, act: str = "undo", **changes: Any) -> dict[str, Any]:
    return answering(desk.act)({"project": project.id, "id": id, "act": act, **changes})


def test_each_act_says_all_classes_of_the_item(desk: Desk, several: OpenProject) -> None:
    assert desk.open_desk({"show": "unlabelled"})["project"]["several"]
    for n, labels in enumerate((["dog"], ["old", "dog"], ["dog"], [])):
        assert act(desk, say(several, f"a{n}", *labels))["ok"]
    assert several.labelling.item(1).label is None
    assert [e.after for e in several.labelling.history(1)] == ["dog", "dog | old", "dog", None]
    undone = [undo(desk, several, f"u{n}")["items"][0]["label"] for n in range(4)]
    assert undone == ["dog", "dog | old", "dog", None]
    again = [undo(desk, several, f"r{n}", "redo") for n in range(2)]
    assert [one["items"][0]["label"] for one in again] == ["dog", "dog | old"]
    assert (again[-1]["labelled"], {c["name"]: c["n"] for c in again[-1]["classes"]}) == (1, {"cat": 0, "dog": 1, "old": 1})


def test_none_of_these_counts_as_learnt_where_an_item_may_be_of_several(desk: Desk, several: OpenProject) -> None:
    act(desk, label(several, label="none of these"))
    opened = desk.open_desk({"show": "all"})
    assert (opened["labelled"], opened["learnt"]) == (1, 1)
    assert {item["id"]: item["label"] for item in opened["items"]}[1] == "none of these"
    assert len(desk.open_desk({"show": "unlabelled"})["items"]) == 5


def test_what_another_has_not_seen_is_put_aside_class_by_class(desk: Desk, several: OpenProject) -> None:
    act(desk, say(several, "a1", "cat", author="ann", saw=None))
    for n, labels in enumerate((["dog"], ["dog", "old"])):
        answer = act(desk, say(several, f"b{n}", *labels, author="ben", saw=None))
        assert answer["conflict"] == {"has": "cat", "by": "ann", "disputes": 1}
    undone = undo(desk, several, "u1", author="ben")["items"][0]
    assert (undone["label"], undone["unseen"]) == ("dog", True)
    assert undo(desk, several, "r1", "redo", author="ben")["items"][0]["label"] == "dog | old"
    assert act(desk, say(several, "b3", "cat", "old", author="ben", saw="cat"))["ok"]
    assert (several.labelling.item(1).label, several.people.disputes()) == ("cat | old", 0)


@pytest.mark.parametrize(
    "wrong", [["fish"], ["cat", "fish"], ["cat | dog"], [1], "cat", {"cat": 1}, ["c"] * 1_001, ["c" * 201], [None]]
)
def test_what_is_no_set_is_refused_with_a_hint(desk: Desk, several: OpenProject, wrong: Any) -> None:
    answer = act(desk, say(several, "a1", labels=wrong))
    assert answer["ok"] is False and answer["error"] and answer["hint"]
    assert several.labelling.counts().labelled == 0


def test_a_list_of_labels_is_nothing_where_an_item_is_of_one_class(desk: Desk, project: OpenProject) -> None:
    assert act(desk, say(project, "a1", "cat", "dog"))["ok"] is False
    assert act(desk, say(project, "a2", "cat", label="dog"))["ok"] and project.labelling.item(1).label == "dog"


def test_the_page_says_how_it_works_there(workspace: Workspace, several: OpenProject) -> None:
    assert "Enter for the next item" in heading(workspace) and "Tap every class" in heading(workspace)
