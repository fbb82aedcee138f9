import threading
import time
from pathlib import Path

import pytest

from studio.core.errors import RunError
from studio.runs.folder import RunFolder
from studio.runs.queue import RunQueue
from tests.runs.test_folder import SPEC


def test_runs_are_worked_one_at_a_time_in_their_order(tmp_path: Path) -> None:
    queue, worked, at_once = RunQueue(tmp_path / "device.lock"), [], []
    folders = [RunFolder.create(tmp_path, SPEC) for _ in range(3)]
    busy = threading.Semaphore(1)

    def work(folder: RunFolder) -> None:
        at_once.append(busy.acquire(blocking=False))
        worked.append(folder.id)
        time.sleep(0.02)
        busy.release()

    for folder in folders:
        queue.submit(folder, work)
    assert all(queue.wait(folder, 5) for folder in folders)
    assert worked == ["run-1", "run-2", "run-3"]
    assert all(at_once)
    queue.close()


def test_a_waiting_run_can_be_taken_out(tmp_path: Path) -> None:
    queue, go = RunQueue(tmp_path / "device.lock"), threading.Event()
    first, second = RunFolder.create(tmp_path, SPEC), RunFolder.create(tmp_path, SPEC)
    worked: list[str] = []

    def work(folder: RunFolder) -> None:
        go.wait(5)
        worked.append(folder.id)

    queue.submit(first, work)
    queue.submit(second, work)
    assert queue.take_out(second)
    assert second.snapshot().status == "stopped"
    go.set()
    assert queue.wait(first, 5)
    assert worked == ["run-1"]
    queue.close()


def test_a_run_is_not_queued_twice(tmp_path: Path) -> None:
    queue, go = RunQueue(tmp_path / "device.lock"), threading.Event()
    folder = RunFolder.create(tmp_path, SPEC)
    queue.submit(folder, lambda _: go.wait(5) and None)
    with pytest.raises(RunError, match="already"):
        queue.submit(folder, lambda _: None)
    go.set()
    queue.close()


def test_a_fault_in_one_run_leaves_the_next_its_turn(tmp_path: Path) -> None:
    queue, worked = RunQueue(tmp_path / "device.lock"), []

    def fail(_: RunFolder) -> None:
        raise ValueError("broken")

    first, second = RunFolder.create(tmp_path, SPEC), RunFolder.create(tmp_path, SPEC)
    queue.submit(first, fail)
    queue.submit(second, lambda folder: worked.append(folder.id))
    assert queue.wait(second, 5)
    assert worked == ["run-2"]
    queue.close()


def test_closing_leaves_waiting_runs_resumable(tmp_path: Path) -> None:
    queue, started = RunQueue(tmp_path / "device.lock"), threading.Event()
    first, second = RunFolder.create(tmp_path, SPEC), RunFolder.create(tmp_path, SPEC)

    def until_closing(_: RunFolder) -> None:
        started.set()
        while not queue.closing():
            time.sleep(0.01)

    queue.submit(first, until_closing)
    queue.submit(second, lambda _: None)
    started.wait(5)
    queue.close()
    assert second.snapshot().status == "interrupted"


def test_a_run_waits_while_another_process_has_the_device(tmp_path: Path) -> None:
    device, worked = tmp_path / "locks" / "device.lock", list[str]()
    here, elsewhere, go = RunQueue(device), RunQueue(device), threading.Event()
    first, second, third = (RunFolder.create(tmp_path, SPEC) for _ in range(3))
    elsewhere.submit(first, lambda _: go.wait(10) and None)
    while not device.exists():
        time.sleep(0.01)
    here.submit(second, lambda folder: worked.append(folder.id))
    here.submit(third, lambda folder: worked.append(folder.id))
    while "Another Studio" not in second.snapshot().note:
        time.sleep(0.01)
    second.ask_to_stop(False)
    assert here.wait(second, 10)
    assert (second.snapshot().status, worked) == ("stopped", [])
    go.set()
    assert here.wait(third, 10)
    assert worked == ["run-3"]
    here.close()
    elsewhere.close()
