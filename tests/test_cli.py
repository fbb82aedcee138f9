"""Every command on a real small project: its JSON, its exit code, its errors."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from studio.cli import main
from studio.cli_text import as_text

ROOT = Path(__file__).resolve().parents[1]
ROWS = ["text,label,split"]
ROWS += [f"{w} cat {n},cat,train\n{w} car {n},car,train" for n, w in enumerate(("small", "big", "red", "blue"))]
ROWS += ["one cat,cat,test", "two car,car,test"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STUDIO_OFFLINE", "1")
    monkeypatch.setenv("STUDIO_DEVICE", "cpu")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command with `--json`; (exit code, the one object on stdout)."""

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([arguments[0], "--json", *arguments[1:]])
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        return code, json.loads(out)

    return run


@pytest.fixture
def project(tmp_path: Path, said: Any) -> str:
    (tmp_path / "rows.csv").write_text("\n".join(ROWS))
    assert said("new", str(tmp_path / "messages"), "--task", "text-classification")[0] == 0
    code, report = said("import", str(tmp_path / "messages"), str(tmp_path / "rows.csv"))
    assert (code, report["added"], report["rejected"]) == (0, 10, 0)
    return str(tmp_path / "messages")


@pytest.mark.slow
def test_the_whole_loop_headless(project: str, said: Any, tiny_ids: dict[str, str]) -> None:
    model = ("--model", tiny_ids["bert"])
    code, run = said("train", project, *model, "--shots", "2", "--seed", "1", "--set", "steps=3", "--set", "rank=2")
    assert (code, run["status"], run["step"]) == (0, "done", 3)
    assert "--set steps=3" in run["command"]
    code, runs = said("runs", project)
    assert [r["id"] for r in runs["runs"]] == [run["run"]]
    code, found = said("compare", project, *model, "--run", run["run"])
    assert code == 0
    assert {found[m]["n"] for m in ("zero_shot", "few_shot", "lora")} == {2}
    assert all(len(found[m]["ci95"]) == 2 for m in ("zero_shot", "few_shot", "lora"))
    assert found["few_shot"]["note"].startswith("4 labels")
    code, answers = said("predict", project, *model, "a small cat", "the big car")
    assert code == 0
    assert [p["input"] for p in answers["predictions"]] == ["a small cat", "the big car"]
    assert len(answers["predictions"][0]["answers"]) == 3


@pytest.mark.slow
def test_what_is_exported_is_a_file(project: str, said: Any, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    there = ("--to", str(tmp_path))
    assert said("export", project, "labels", *there) == (0, {"file": str(tmp_path / "messages-labels.csv")})
    assert said("export", project, "model", *there)[1]["error"] == "There is no finished fine-tuning to share."
    said("train", project, "--model", tiny_ids["bert"], "--set", "steps=1")
    assert said("export", project, "model", "--run", "run-1", *there)[1]["file"].endswith("messages-run-1.zip")
    assert (tmp_path / "messages-run-1.zip").is_file()


@pytest.mark.slow
def test_a_report_is_exported_by_the_command_that_knows_the_pages(
    project: str, said: Any, tiny_ids: dict[str, str], tmp_path: Path
) -> None:
    def export() -> Any:
        command = [sys.executable, "-m", "studio", "export", project, "report", "--json", "--to", str(tmp_path)]
        return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout)

    assert "no comparison" in export()["error"]
    said("compare", project, "--model", tiny_ids["bert"])
    assert "Zero-shot" in Path(export()["file"]).read_text("utf-8")
    assert said("export", project, "report")[0] == 2


def test_a_search_with_few_labels_says_which_rung_and_why(project: str, said: Any, tiny_ids: dict[str, str]) -> None:
    code, found = said("auto", project, "--model", tiny_ids["bert"], "--minutes", "1", "--seed", "2")
    assert (code, found["status"], found["trials"], found["seed"]) == (0, "done", [], 2)
    assert found["best"]["rung"] != "lora" and found["best"]["reason"]
    assert "only the rungs are compared" in found["note"]


def test_items_are_listed_with_the_numbers_that_label_takes(project: str, said: Any) -> None:
    code, found = said("items", project, "--split", "test", "--limit", "1")
    assert (code, found["total"], len(found["items"])) == (0, 2, 1)
    said("label", project, str(found["items"][0]["id"]), "car")
    assert said("items", project, "--split", "test", "--label", "car")[1]["total"] == 2
    assert said("items", project, "--unlabelled")[1] == {"items": [], "total": 0}


def test_the_data_are_checked(project: str, said: Any, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text(
        "text,label,split\nA thing of which there are two!,cat,train\na thing of which there are two,cat,test\n"
    )
    said("import", project, str(tmp_path / "twice.csv"))
    code, found = said("check", project, "--model", tiny_ids["bert"])
    assert (code, found["leaks"]) == (0, 1)
    assert "of which there are two" in found["twins"][0]["first"]["content"]["text"]
    assert as_text("check", found).startswith("There twice: ")


def test_a_model_says_which_items_to_label_next(project: str, said: Any, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("text,split\n" + "\n".join(f"a new thing {n},train" for n in range(5)))
    said("import", project, str(tmp_path / "more.csv"))
    code, found = said("items", project, "--order", "pick", "--model", tiny_ids["bert"], "--limit", "3")
    assert (code, len(found["items"]), found["total"]) == (0, 3, 5)
    code, found = said("items", project, "--order", "unsure", "--model", tiny_ids["bert"], "--split", "test")
    assert code == 2 and "--split" in found["hint"]


@pytest.mark.slow
def test_a_run_that_was_stopped_is_no_success(project: str, said: Any, tiny_ids: dict[str, str]) -> None:
    def stop_soon() -> None:
        while (runs := said_quietly("runs", project)) is None or not runs["runs"] or runs["runs"][0]["step"] < 1:
            time.sleep(0.05)
        said_quietly("cancel", project, "run-1")

    def said_quietly(*arguments: str) -> Any:
        command = [sys.executable, "-m", "studio", arguments[0], "--json", *arguments[1:]]
        return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)

    thread = threading.Thread(target=stop_soon)
    thread.start()
    code, run = said("train", project, "--model", tiny_ids["bert"], "--set", "steps=100000")
    thread.join()
    assert (code, run["status"]) == (1, "stopped")


def test_labels_for_what_is_there_are_counted(tmp_path: Path, said: Any) -> None:
    project = str(tmp_path / "late")
    said("new", project, "--task", "text-classification")
    for name, rows in (("bare.csv", "text\na cat\na car"), ("labelled.csv", "text,label\na cat,cat\na car,car")):
        (tmp_path / name).write_text(rows)
        report = said("import", project, str(tmp_path / name))[1]
    assert (report["added"], report["duplicates"], report["labelled"], report["by_label"]) == (0, 2, 2, {"cat": 1, "car": 1})


def test_whoever_stops_reading_gets_no_traceback(project: str) -> None:
    command = [sys.executable, "-m", "studio", "items", project, "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ran:
        assert ran.stdout and ran.stderr
        ran.stdout.close()
        assert ran.stderr.read() == ""
    assert ran.returncode == 0


def test_a_sample_is_listed_opened_and_labelled(said: Any, tmp_path: Path) -> None:
    code, listed = said("samples")
    messages = next(sample for sample in listed["samples"] if sample["name"] == "messages")
    assert (code, messages["items"], messages["problem"], len(messages["quotes"])) == (0, 300, None, 3)
    code, made = said("new", str(tmp_path / "mine"), "--sample", "messages")
    assert (code, made["name"], made["task"], made["path"]) == (0, "mine", "text-classification", str(tmp_path / "mine"))
    code, given = said("label-for-me", made["path"], "--per-class", "2")
    assert (code, given["labelled"], given["author"]) == (0, 16, "sample")
    assert set(given["by_class"].values()) == {2}


def test_samples_read_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples"]) == 0
    assert "messages" in capsys.readouterr().out


def test_a_label_is_said_with_what_it_replaced(project: str, said: Any) -> None:
    code, event = said("label", project, "1", "car")
    assert (code, event["before"], event["label"]) == (0, "cat", "car")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("label", "{}", "1", "dog"), "dog"),
        (("label", "{}", "999", "cat"), "999"),
        (("label-for-me", "{}"), "cannot label for you"),
        (("new", "{}-copy", "--sample", "nothing"), "nothing"),
        (("new", "{}-copy"), "--sample"),
        (("import", "{}", "/no/such/source.csv"), "source"),
        (("train", "{}", "--model", "nonsense"), "nonsense"),
        (("train", "{}", "--model", "hf:org/absent-model"), "absent-model"),
        (("train", "{}", "--model", "hf:org/absent-model", "--set", "rank"), "rank"),
        (("cancel", "{}", "run-7"), "run-7"),
        (("resume", "{}", "run-7"), "run-7"),
        (("runs", "/no/such/project"), "project"),
        (("label", "{}", "one", "cat"), "one"),
        (("label", "{}", "99999999999999999999", "cat"), "99999999999999999999"),
        (("runs", "~nobody-here/x"), "nobody-here"),
        (("train", "{}"), "--model"),
        (("auto", "{}", "--model", "hf:a/b", "--minutes", "0"), "minutes"),
        (("auto", "{}", "--model", "hf:a/b", "--resume"), "no search to resume"),
        (("compare", "{}", "--model", "hf:a/b", "--shots", "few"), "few"),
    ],
)
def test_a_mistake_is_one_object_with_a_hint_and_code_2(project: str, said: Any, arguments: tuple[str, ...], word: str) -> None:
    code, answer = said(*(a.format(project) for a in arguments))
    assert code == 2
    message = answer.get("error")
    assert message and word in message
    assert answer["hint"]


def test_models_and_doctor_work_without_a_network(said: Any) -> None:
    code, models = said("models")
    assert code == 0
    assert all({"id", "download_mb", "licence", "good_for", "local"} <= set(m) for m in models["models"])
    code, facts = said("doctor")
    assert (code, facts["network"]) == (0, "off by choice")


def test_without_json_people_read_lines(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", project]) == 0
    assert capsys.readouterr().out.startswith("No runs yet.")
    assert main(["label", project, "1", "dog"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "dog" in captured.err


def test_columns_of_any_name_are_told_apart(tmp_path: Path, said: Any) -> None:
    rows = [f"words {n},{'ab'[n % 2]},{('train', 'test')[n % 2]}" for n in range(10)]
    (tmp_path / "rows.csv").write_text("\n".join(["said,kind,part", *rows]))
    assert said("new", str(tmp_path / "odd"), "--task", "text-classification")[0] == 0
    columns = ("--text", "said", "--label", "kind", "--split-column", "part")
    code, report = said("import", str(tmp_path / "odd"), str(tmp_path / "rows.csv"), *columns)
    assert (code, report["by_split"], report["by_label"]) == (0, {"train": 5, "test": 5}, {"a": 5, "b": 5})
    columns = ("--text", "said", "--split-column", "kind")
    assert said("import", str(tmp_path / "odd"), str(tmp_path / "rows.csv"), *columns)[1]["rejected"] == 10


@pytest.mark.parametrize(("share", "splits"), [("0", {"train"}), ("0.5", {"train", "test"})])
def test_the_share_that_is_held_out_can_be_said(tmp_path: Path, said: Any, share: str, splits: set[str]) -> None:
    (tmp_path / "rows.csv").write_text("\n".join(["text", *(f"text {n}" for n in range(40))]))
    assert said("new", str(tmp_path / "shared"), "--task", "text-classification")[0] == 0
    code, report = said("import", str(tmp_path / "shared"), str(tmp_path / "rows.csv"), "--test-share", share)
    assert code == 0 and set(report["by_split"]) == splits
    code, error = said("import", str(tmp_path / "shared"), str(tmp_path / "rows.csv"), "--test-share", "1.5")
    assert code == 2 and "test share" in error["error"]


def test_labelling_begins_headless_with_a_class_of_its_own(tmp_path: Path, said: Any) -> None:
    (tmp_path / "bare.csv").write_text("text\nfirst\nsecond")
    assert said("new", str(tmp_path / "bare"), "--task", "text-classification")[0] == 0
    assert said("import", str(tmp_path / "bare"), str(tmp_path / "bare.csv"))[0] == 0
    code, error = said("label", str(tmp_path / "bare"), "1", "good")
    assert code == 2 and "good" in error["error"]
    assert said("label", "--new", str(tmp_path / "bare"), "1", "good")[1]["label"] == "good"
    assert said("label", str(tmp_path / "bare"), "2", "good")[0] == 0


def test_offline_a_model_that_is_not_here_makes_no_run(project: str, said: Any) -> None:
    code, found = said("train", project, "--model", "hf:org/name")
    assert code == 2 and "not on this machine" in found["error"] and "online" in found["hint"]
    assert said("runs", project)[1] == {"runs": []}


def test_a_model_folder_that_is_not_there_makes_no_run(project: str, said: Any) -> None:
    code, error = said("train", project, "--model", "hf:/not/here")
    assert code == 2 and "/not/here" in error["error"]
    assert said("runs", project)[1]["runs"] == []


def test_pairs_say_that_they_have_no_classes(tmp_path: Path, said: Any, tiny_ids: dict[str, str]) -> None:
    assert said("new", str(tmp_path / "pairs"), "--task", "image-text")[0] == 0
    model = ("--model", tiny_ids["open_clip-vit"])
    code, error = said("predict", str(tmp_path / "pairs"), *model, "nothing.jpg")
    assert code == 2 and "search" in error["hint"]
    code, error = said("search", str(tmp_path / "pairs"), *model, "-k", "0", "a cat")
    assert code == 2 and "1 or more" in error["hint"]


def test_a_broken_picture_is_named_by_its_path(tmp_path: Path, said: Any, tiny_ids: dict[str, str]) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert said("new", str(tmp_path / "photos"), "--task", "image-classification")[0] == 0
    code, error = said("predict", str(tmp_path / "photos"), "--model", tiny_ids["open_clip-vit"], str(tmp_path / "broken.jpg"))
    assert code == 2 and "broken.jpg" in error["error"]
