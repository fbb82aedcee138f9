import threading

import pytest

from studio.core.errors import BadInput, NotFound
from studio.core.interfaces import Progress
from studio.workspace.activities import Activities


def ended(activities: Activities, activity_id: str) -> None:
    for _ in range(500):
        if activities.get(activity_id).state != "running":
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not end")


def test_progress_is_seen_with_the_time_left_and_then_the_result() -> None:
    activities, go, seen = Activities(), threading.Event(), threading.Event()

    def work(progress: Progress) -> str:
        progress(1, 4, "Reading")
        seen.set()
        go.wait(5)
        return "all read"

    activity_id = activities.start("import", "Importing", work)
    seen.wait(5)
    now = activities.get(activity_id)
    assert (now.state, now.done, now.total, now.what) == ("running", 1, 4, "Reading")
    assert now.eta_s is not None and now.eta_s >= 0
    assert activities.running("import") == (now,)
    go.set()
    ended(activities, activity_id)
    assert activities.get(activity_id).result == "all read"
    assert activities.running() == ()


def test_an_error_of_the_house_is_kept_with_its_hint() -> None:
    activities = Activities()

    def work(progress: Progress) -> None:
        raise BadInput("No such column.", "Choose another.")

    activity_id = activities.start("import", "Importing", work)
    ended(activities, activity_id)
    found = activities.newest("import")
    assert found is not None
    assert (found.state, found.error, found.hint) == ("failed", "No such column.", "Choose another.")


def test_an_unknown_activity_is_not_found() -> None:
    with pytest.raises(NotFound):
        Activities().get("import-1")
