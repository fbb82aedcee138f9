"""Which items to label next, on a tiny real model and a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.errors import BadInput
from studio.core.types import ImportOptions, Item, ItemFilter
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> OpenProject:
    """Thirty texts without labels, two thirds of them to train on; two classes."""
    rows = [f"{noun} {n},{noun},{'test' if n % 3 == 2 else 'train'}" for noun in ("cat", "dog") for n in range(15)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    made = workspace.create_project("Few", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions(keep_labels=False))
    return made


@pytest.fixture
def model(tiny_ids: dict[str, str]) -> str:
    return tiny_ids["bert"]


def label(project: OpenProject, *items: Item) -> None:
    for item in items:
        project.labelling.label(item.id, item.content["text"].split()[0])


@pytest.mark.parametrize("order", ["pick", "unsure"])
def test_every_unlabelled_item_comes_once_held_out_ones_in_their_share(project: OpenProject, model: str, order: str) -> None:
    picked = project.picking.pick(model, order, 100)  # type: ignore[arg-type]
    assert sorted(item.id for item in picked) == list(range(1, 31))
    for first in (6, 15, 30):
        assert sum(item.split == "test" for item in picked[:first]) == pytest.approx(first / 3, abs=1)


@pytest.mark.parametrize("order", ["pick", "unsure"])
def test_what_is_labelled_skipped_or_queued_is_not_picked(project: OpenProject, model: str, order: str) -> None:
    first = project.picking.pick(model, order, 9)  # type: ignore[arg-type]
    label(project, *first[:3])
    project.labelling.skip(first[3].id)
    queued = [item.id for item in first[4:6]]
    again = project.picking.pick(model, order, 100, queued)  # type: ignore[arg-type]
    assert {item.id for item in again} == set(range(1, 31)) - {item.id for item in first[:4]} - set(queued)


def test_held_out_items_come_at_random_whatever_the_model_thinks_of_them(project: OpenProject, model: str) -> None:
    judges = [i.id for i in project.labelling.page(ItemFilter("test"), mixed=True).items]
    for order in ("pick", "unsure"):
        picked = project.picking.pick(model, order, 100)  # type: ignore[arg-type]
        assert [item.id for item in picked if item.split == "test"] == judges


def test_the_least_certain_come_first(project: OpenProject, model: str) -> None:
    items = [i for i in project.labelling.page(ItemFilter("train")).items]
    label(project, *items[:3], *items[-3:])
    picked = [i for i in project.picking.pick(model, "unsure", 100) if i.split == "train"]
    margins = []
    for item in picked:
        top = sorted(project.testing.suggest(item.id, model).answers[1].probabilities or (), reverse=True)
        margins.append(top[0] - top[1])
    assert margins == sorted(margins) and margins[0] < margins[-1]


def test_a_pick_covers_what_no_label_is_near(project: OpenProject, model: str) -> None:
    """All labels are of cats: the next to be labelled is a dog."""
    label(project, *[i for i in project.labelling.page(ItemFilter()).items if "cat" in i.content["text"]][:8])
    first = next(item for item in project.picking.pick(model, "pick", 3) if item.split == "train")
    assert first.content["text"].startswith("dog")


def test_it_is_ready_once_the_model_has_read_the_items_and_again_after_an_import(
    project: OpenProject, model: str, tmp_path: Path
) -> None:
    assert not project.picking.ready(model)
    told: list[tuple[int, int]] = []
    project.picking.read(model, lambda done, total, what: told.append((done, total)))
    assert project.picking.ready(model) and told[-1] == (20, 20)
    for many, ready in ((1, True), (80, False)):  # a few are read on the way
        (tmp_path / "more.csv").write_text("text,split\n" + "\n".join(f"horse {many} {n},train" for n in range(many)))
        project.labelling.import_data(str(tmp_path / "more.csv"), ImportOptions())
        assert project.picking.ready(model) is ready
        assert any("horse" in item.content["text"] for item in project.picking.pick(model, "unsure", 200))


def test_where_there_is_nothing_to_train_on_the_model_is_ready_at_once(workspace: Workspace, tmp_path: Path, model: str) -> None:
    (tmp_path / "held.csv").write_text("text,split\none,test\ntwo,test\n")
    made = workspace.create_project("Held", "text-classification")
    made.labelling.import_data(str(tmp_path / "held.csv"), ImportOptions())
    made.picking.read(model)
    assert made.picking.ready(model)
    assert len(made.picking.pick(model, "pick", 5)) == 2


def test_before_there_are_classes_a_pick_still_comes(workspace: Workspace, tmp_path: Path, model: str) -> None:
    (tmp_path / "bare.csv").write_text("text\n" + "\n".join(f"thing {n}" for n in range(6)))
    made = workspace.create_project("Bare", "text-classification")
    made.labelling.import_data(str(tmp_path / "bare.csv"), ImportOptions(test_share=0))
    assert len(made.picking.pick(model, "pick", 4)) == 4


def test_the_order_is_the_projects_and_is_kept(workspace: Workspace, project: OpenProject) -> None:
    assert project.picking.order() == "pick"
    project.picking.set_order("imported")
    assert project.picking.order() == "imported"
    with pytest.raises(BadInput):
        project.picking.set_order("best")
    pairs = workspace.create_project("Pairs", "image-text").picking
    assert (pairs.order(), list(pairs.orders())) == ("mixed", ["mixed", "imported"])
    with pytest.raises(BadInput):
        pairs.set_order("pick")
