"""Several people at one project: who holds what, second opinions, agreement, and settling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.errors import BadInput
from studio.core.types import NONE_OF_THESE, ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace, leases
from studio.workspace.leases import AHEAD, Leases
from studio.workspace.open_project import OpenProject
from studio.workspace.people import person


@pytest.fixture
def project(tmp_path: Path) -> Iterator[OpenProject]:
    """Six texts without a label, and two classes."""
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(f"text {n},{'cat' if n % 2 else 'dog'}" for n in range(6)))
    workspace = Workspace(Settings(home=tmp_path / "home", offline=True))
    made = workspace.create_project("Pets", "text-classification")
    made.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions(keep_labels=False))
    yield made
    workspace.close()


def test_what_somebody_holds_is_not_granted_to_another() -> None:
    held = Leases()
    assert held.renew("ann", [1, 2, 3]) == frozenset()
    assert held.renew("ben", [3, 4]) == {3}
    assert held.held("ann") == {4: "ben"}
    assert held.others("ben") == {"ann": 3}


def test_who_moves_on_lets_go_of_what_lies_behind() -> None:
    held = Leases()
    held.renew("ann", [1, 2])
    held.renew("ann", [2, 3])
    assert held.renew("ben", [1, 2, 3]) == {2, 3}


def test_nobody_holds_more_than_the_next_few() -> None:
    held = Leases()
    held.renew("ann", range(100))  # type: ignore[arg-type]
    assert held.others("ben") == {"ann": AHEAD}


def test_a_lease_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now, held = 1000.0, Leases()
    monkeypatch.setattr(leases.time, "monotonic", lambda: now)
    held.renew("ann", [1])
    now += leases.HELD_S + 1
    assert held.renew("ben", [1]) == frozenset()
    assert held.others("ben") == {}


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "Import", "sample"])
def test_what_is_no_persons_name(name: str) -> None:
    with pytest.raises(BadInput):
        person(name)
    assert person(" Zoë ") == "Zoë"


def test_a_second_opinion_is_asked_of_others_alone_and_only_until_there_are_enough(project: OpenProject) -> None:
    project.labelling.label(1, "cat", "ann", saw=None)
    project.labelling.label(2, "dog", "ann", saw=None)
    assert project.people.waiting("ben", 10) == ()
    project.people.ask_twice(2, 1.0)
    assert [i.id for i in project.people.waiting("ben", 10)] == [1, 2]
    assert list(project.people.waiting("ann", 10)) == []
    project.labelling.label(1, "cat", "ben", saw=None)
    assert [i.id for i in project.people.waiting("cleo", 10)] == [2]
    project.people.settle(2, "cat", "cleo")
    assert list(project.people.waiting("ben", 10)) == []
    with pytest.raises(BadInput):
        project.people.ask_twice(9, 0.5)


def test_a_share_of_the_items_is_the_same_items_each_time(project: OpenProject) -> None:
    for item in range(1, 7):
        project.labelling.label(item, "cat", "ann", saw=None)
    project.people.ask_twice(2, 0.5)
    first = [i.id for i in project.people.waiting("ben", 10)]
    assert first == [i.id for i in project.people.waiting("cleo", 10)]
    project.people.ask_twice(2, 0.0)
    assert project.people.waiting("ben", 10) == ()


def test_agreement_counts_who_said_what_of_the_same_items(project: OpenProject) -> None:
    for item, ann, ben in ((1, "cat", "cat"), (2, "dog", "dog"), (3, "cat", "dog"), (4, "cat", "cat")):
        project.labelling.label(item, ann, "ann", saw=None)
        project.labelling.label(item, ben, "ben", saw=None)
    project.labelling.none_of_these(5, "ann", saw=None)
    found = project.people.agreement()
    kappa = found.pairs["ann", "ben"]
    assert (kappa.items, kappa.observed) == (4, 0.75)
    assert kappa.value == pytest.approx((0.75 - 0.5) / 0.5)  # 3/4·1/2 + 1/4·1/2 by chance
    assert found.all is not None and found.all.items == 4
    assert (found.confused, found.disputes) == ((("cat", "dog", 1),), 1)
    (dispute,) = project.people.disputed()
    assert [(o.author, o.said) for o in dispute.opinions] == [("ann", "cat"), ("ben", "dog")]
    project.people.settle(3, NONE_OF_THESE, "ann")
    assert project.people.disputes() == 0
    assert project.labelling.item(3).none
    project.labelling.undo("ann")
    assert (project.people.disputes(), project.labelling.item(3).label) == (1, "cat")


def test_a_name_is_written_as_its_person_wrote_it_first(project: OpenProject) -> None:
    project.labelling.label(1, "cat", "Ann Lee")
    assert [project.people.spelling(name) for name in ("ann lee", "Ann Lee", "Ann")] == ["Ann Lee", "Ann Lee", "Ann"]
    project.people.leases.renew("Zoë", [])
    assert project.people.spelling("ZOË") == "Zoë"
