import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from studio.core.config import TrainConfig
from studio.core.errors import NotFound, RunError
from studio.core.types import TrainEvent
from studio.runs.folder import RunFolder, RunSpec
from studio.runs.result import JUDGED, judged

SPEC = RunSpec("text-classification", "hf:x/y", "lora", TrainConfig(shots=4), ("a", "b"), (("a",), ("b",)), "python …", 1.0)


def test_a_run_reads_back_what_it_was_asked(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    assert RunFolder.open(tmp_path, folder.id).spec == SPEC


def test_runs_are_numbered_and_listed_newest_first(tmp_path: Path) -> None:
    for _ in range(11):
        RunFolder.create(tmp_path, SPEC)
    assert [f.id for f in RunFolder.all(tmp_path)][:2] == ["run-11", "run-10"]


@pytest.mark.parametrize("name", ["run-9", "../run-1", "run-1/..", "", "run-"])
def test_a_run_that_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    RunFolder.create(tmp_path, SPEC)
    with pytest.raises(NotFound, match="run-1"):
        RunFolder.open(tmp_path, name)


def test_a_run_whose_process_is_gone_is_not_shown_as_running(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    folder.update(status="running")
    assert folder.snapshot().status == "running"
    state = json.loads((folder.path / "state.json").read_text())
    state["process"]["started"] -= 100  # another process that once had our number
    (folder.path / "state.json").write_text(json.dumps(state))
    found = folder.snapshot()
    assert (found.status, found.resumable) == ("interrupted", True)
    state["process"]["pid"] = 2**22 + os.getpid()
    (folder.path / "state.json").write_text(json.dumps(state))
    assert folder.snapshot().status == "interrupted"


def test_events_are_read_from_where_the_reader_stands(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    folder.append(TrainEvent("step", 0, 3, 0.0, {"loss": 1.0}))
    _, place = folder.events()
    for step in (1, 2):
        folder.append(TrainEvent("step", step, 3, 0.0, {"loss": 1.0}))
    found, place = folder.events(place)
    assert [e.step for e in found] == [1, 2]
    with (folder.path / "events.jsonl").open("a") as file:
        file.write('{"kind": "st')  # a line still being written
    assert folder.events(place) == ((), place)


STRANGE = ("5", "[1, 2]", "[" * 200_000, "{}", '{"status": [1]}', '{"status": "running", "process": 5}', "null",
    f'{{"status": "done", "accuracy": 1{"0" * 400}}}',
    '{"status": "running", "process": {"pid": 1e999, "started": 1, "boot": 1}}',
    f'{{"status": "running", "process": {{"pid": 1, "started": 1{"0" * 400}, "boot": 1.5}}}}',
    '{"status": "done", "eta_s": 1e999}', r'{"status": "done", "note": "\ud800"}',
    '{"status": "done", "x": 1}', '{"status": "done", "step": "many"}', '{"status": "done", "error": {}}')  # fmt: skip


@pytest.mark.parametrize("said", STRANGE, ids=range(len(STRANGE)))
def test_a_state_that_studio_did_not_write_is_no_state(tmp_path: Path, said: str) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    (folder.path / "state.json").write_text(said)
    (folder.path / "control.json").write_text(said)
    (folder.path / "events.jsonl").write_text(f"{said}\n")
    shown = folder.snapshot()
    assert (shown.status, shown.step, shown.error) == ("interrupted", 0, None)
    (folder.path / "preflight.json").write_text(said)
    assert folder.events()[0] == () and folder.wish() == "stop" and folder.preflight() is None


def test_a_number_that_is_none_is_not_shown(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    folder.update(status="done", accuracy=float("nan"), eta_s=float("inf"), loss=0.5)
    shown = folder.snapshot()
    assert (shown.status, shown.accuracy, shown.eta_s, shown.loss) == ("done", None, None, 0.5)


ODD_EVENTS = (
    {"at": math.nan}, {"at": math.inf}, {"at": None}, {"step": math.nan}, {"step": "1"}, {"total": 10**400}, {"total": True},
    {"kind": 5}, {"values": 3}, {"values": None}, {"values": {"message": "\ud800"}}, {"values": {"loss": 10**400}}, {"more": 1},
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD_EVENTS, ids=range(len(ODD_EVENTS)))
def test_an_event_that_studio_did_not_write_is_passed_over(tmp_path: Path, odd: dict[str, object]) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    event = {"kind": "eval", "step": 1, "total": 2, "at": 1.0, "values": {"loss": math.inf}}
    lines = [json.dumps(event), json.dumps({**event, **odd}), json.dumps({**event, "step": 2})]
    (folder.path / "events.jsonl").write_text("\n".join(lines) + "\n")
    assert [event.step for event in folder.events()[0]] == [1, 2]


ODD_SPECS = (
    {"created": "x"}, {"created": 1e300}, {"classes": [[1]]}, {"model": "\ud800"}, {"train": {"lora": {"rank": 10**400}}},
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD_SPECS, ids=range(len(ODD_SPECS)))
def test_settings_that_studio_did_not_write_are_no_run(tmp_path: Path, odd: dict[str, object]) -> None:
    good, bad = RunFolder.create(tmp_path, SPEC), RunFolder.create(tmp_path, SPEC)
    config = json.loads((bad.path / "config.json").read_text())
    (bad.path / "config.json").write_text(json.dumps({**config, **odd}))
    assert [folder.id for folder in RunFolder.all(tmp_path)] == [good.id]


def test_old_checkpoints_make_room(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    for step in (50, 100, 150):
        folder.publish_checkpoint({"state": str(step).encode()}, step)
    assert (folder.checkpoints()[0] / "state").read_text() == "150"
    assert len(list((folder.path / "checkpoints").iterdir())) == 2


def test_a_damaged_or_foreign_folder_does_not_hide_the_other_runs(tmp_path: Path) -> None:
    good = RunFolder.create(tmp_path, SPEC)
    (tmp_path / "run-1 (copy)").mkdir()
    (tmp_path / "run-1 (copy)" / "config.json").write_text("{}")
    for number, text in enumerate(("{", "[]", '{"train": {"colour": 1}}', '{"train": {"lora": {"colour": 1}}}'), start=2):
        (tmp_path / f"run-{number}").mkdir()
        (tmp_path / f"run-{number}" / "config.json").write_text(text)
    assert [f.id for f in RunFolder.all(tmp_path)] == [good.id]
    with pytest.raises(RunError, match="run-3"):
        RunFolder.open(tmp_path, "run-3").snapshot()


JUDGEMENTS = {
    "labels out of range": (torch.zeros(3, 2), torch.tensor([0, 1, 2])),
    "labels below zero": (torch.zeros(3, 2), torch.tensor([0, 1, -1])),
    "no numbers": (torch.full((3, 2), float("nan")), torch.tensor([0, 1, 0])),
    "more labels than logits": (torch.zeros(3, 2), torch.tensor([0, 1, 0, 1])),
    "logits of three sides": (torch.zeros(3, 2, 2), torch.tensor([0, 1, 0])),
    "labels of another shape": (torch.zeros(3, 2), torch.zeros(3, 3)),
}


@pytest.mark.parametrize("what", JUDGEMENTS)
def test_judgements_that_no_run_writes_are_none(tmp_path: Path, what: str) -> None:
    folder = RunFolder.create(tmp_path, SPEC)
    folder.adapter.mkdir()
    save_file({"logits": torch.zeros(3, 2), "labels": torch.tensor([0, 1, 1])}, folder.adapter / JUDGED)
    assert judged(folder) is not None
    logits, labels = JUDGEMENTS[what]
    save_file({"logits": logits, "labels": labels}, folder.adapter / JUDGED)
    assert judged(folder) is None
