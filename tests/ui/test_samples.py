from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from studio.settings import Settings
from studio.ui.answers import answering
from studio.ui.widgets.label import Desk
from studio.ui.widgets.samples import Samples
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

ROWS = "text,label,split\nfirst cat,cat,train\nsecond cat,cat,train\na dog,dog,train\na small dog,dog,test\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """With three samples: one of texts, one of a picture, and one without its table."""
    card = '{{"title": "{}", "task": "{}", "description": "Words.", "cover": {}}}'
    for name, kind, cover in (
        ("pets", "text-classification", "null"),
        ("photos", "image-classification", '"red.png"'),
        ("torn", "image-text", "null"),
    ):
        folder = tmp_path / "samples" / name
        folder.mkdir(parents=True)
        (folder / "sample.json").write_text(card.format(name.capitalize(), kind, cover))
    (tmp_path / "samples" / "pets" / "items.csv").write_text(ROWS)
    Image.new("RGB", (60, 40), "red").save(tmp_path / "samples" / "photos" / "red.png")
    (tmp_path / "samples" / "photos" / "items.csv").write_text("image,label,split\nred.png,red,test\n")
    made = Workspace(Settings(home=tmp_path / "home", offline=True, samples=tmp_path / "samples"))
    yield made
    made.close()


@pytest.fixture
def copy(workspace: Workspace) -> OpenProject:
    return workspace.open_sample("pets")


def test_cards_show_a_cover_or_quotes(workspace: Workspace) -> None:
    photos, pets, _ = Samples(workspace).samples({})["samples"]
    assert photos["cover"].startswith("data:image/jpeg;base64,") and photos["quotes"] == []
    assert (pets["cover"], pets["quotes"]) == (None, ["first cat", "second cat", "a dog"])
    assert (pets["title"], pets["items"], pets["task_title"]) == ("Pets", 4, "Text classification")


def test_a_damaged_sample_hides_no_other(workspace: Workspace) -> None:
    cards = Samples(workspace).samples({})["samples"]
    assert [card["name"] for card in cards if card["problem"]] == ["torn"] and len(cards) == 3


def test_a_click_opens_a_copy_and_leads_to_labelling(workspace: Workspace) -> None:
    assert answering(Samples(workspace).open_sample)({"name": "pets"}) == {"ok": True, "href": "/label"}
    current = workspace.project()
    assert current is not None and current.name == "Pets"


@pytest.mark.parametrize("payload", [{"name": "torn"}, {"name": "nobody"}, {"name": "../pets"}, {"name": None}, {}])
def test_what_is_no_sample_is_refused_with_a_hint(workspace: Workspace, payload: dict[str, object]) -> None:
    answer = answering(Samples(workspace).open_sample)(payload)
    assert answer["ok"] is False and answer["error"] and answer["hint"]
    assert workspace.project() is None


def test_the_desk_labels_for_a_person_and_takes_it_back(workspace: Workspace, copy: OpenProject) -> None:
    desk, asked = Desk(workspace), {"project": copy.id, "per_class": 8}
    assert desk.open_desk({"show": "unlabelled"})["for_me"] is True
    assert answering(desk.label_for_me)(asked) == {"ok": True, "labelled": 3}
    assert answering(desk.label_for_me)(asked)["ok"] is False
    taken = answering(desk.act)({"project": copy.id, "id": "1", "act": "undo"})
    assert (taken["changed"], taken["labelled"], copy.labelling.counts().labelled) == (3, 1, 1)
    again = answering(desk.act)({"project": copy.id, "id": "2", "act": "redo"})
    assert (again["changed"], again["labelled"]) == (3, 4)


def test_other_projects_are_not_labelled_for_anyone(workspace: Workspace) -> None:
    project = workspace.create_project("Own", "text-classification")
    desk = Desk(workspace)
    assert desk.open_desk({"show": "unlabelled"})["for_me"] is False
    answer = answering(desk.label_for_me)({"project": project.id, "per_class": 8})
    assert answer["ok"] is False and answer["hint"]


@pytest.mark.parametrize("wrong", [{"per_class": 0}, {"per_class": "8"}, {"per_class": None}, {"project": "another"}])
def test_what_a_stranger_asks_to_label_is_refused(workspace: Workspace, copy: OpenProject, wrong: dict[str, object]) -> None:
    answer = answering(Desk(workspace).label_for_me)({"project": copy.id, "per_class": 8, **wrong})
    assert answer["ok"] is False and answer["hint"]
    assert copy.labelling.counts().labelled == 1
