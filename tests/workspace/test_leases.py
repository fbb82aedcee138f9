"""Who holds which items: nobody is handed what somebody else has taken in hand."""

from __future__ import annotations

from studio.workspace.leases import AHEAD, Leases


def test_what_one_holds_another_is_not_granted() -> None:
    leases = Leases()
    assert leases.renew("ann", [1, 2, 3]) == frozenset()
    assert leases.renew("ben", [2, 3, 4]) == {2, 3}
    assert dict(leases.held("cleo")) == {1: "ann", 2: "ann", 3: "ann", 4: "ben"}
    assert dict(leases.others("ann")) == {"ben": 1}


def test_the_next_act_lets_go_of_what_came_before_and_holds_a_few_ahead() -> None:
    leases = Leases()
    leases.renew("ann", range(100))
    assert set(leases.held("ben")) == set(range(AHEAD))
    leases.renew("ann", [5, 5, 6])
    assert set(leases.held("ben")) == {5, 6}
    assert leases.renew("ben", [0, 5]) == {5}


def test_one_name_in_two_browsers_is_seen_until_one_of_them_goes_by_another() -> None:
    leases = Leases()
    assert [leases.sits("me", "a"), leases.sits("me", "a"), leases.sits("ann", "b")] == [False, False, False]
    assert leases.sits("me", "b") and leases.sits("me", "a")
    leases.renew("me", [1])
    leases.leave("me", "b")
    assert dict(leases.others("ann")) == {"me": 1} and not leases.sits("me", "a")
    leases.leave("me", "a")
    assert leases.others("ann") == {} and not leases.sits("me", "b")
