"""Runs from start to end on tiny real models: what is published, and that stopping or dying loses nothing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import BadInput, CannotRun, RunError
from studio.core.types import ImportOptions, ItemFilter
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject

pytestmark = pytest.mark.slow  # it trains

ROOT = Path(__file__).resolve().parents[2]

QUICK = {"steps": 8, "batch_size": 4, "checkpoint_every": 3, "precision": "fp32", "dropout": 0.2, "lr": 0.01}


def finish(project: OpenProject, run_id: str) -> None:
    assert project.training.wait(run_id, 60)


def losses(project: OpenProject, run_id: str) -> dict[int, str]:
    """The newest loss of each step, to the last bit."""
    events, _ = project.training.events(run_id)
    return {e.step: float(e.values["loss"]).hex() for e in events if e.kind == "step"}


def adapter_hash(project: OpenProject, run_id: str) -> str:
    path = Path(project.path, "runs", run_id, "adapter", "adapter_model.safetensors")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["open_clip-vit", "open_clip-conv", "siglip"])
def test_a_run_on_pictures_ends_with_an_adapter_that_answers(pictures: OpenProject, tiny_ids: dict[str, str], kind: str) -> None:
    run_id = pictures.training.start(tiny_ids[kind], settings=QUICK)
    finish(pictures, run_id)
    run = pictures.training.run(run_id)
    assert (run.status, run.step, run.has_adapter, run.error) == ("done", 8, True, None)
    assert run.note == "" or run.note.startswith("The adapter counts")
    assert run.accuracy is not None
    found = pictures.testing.compare(tiny_ids[kind])
    ladder = ["zero_shot", "instant", "tip", "gda", "prolip", "linear", "lora"]
    assert sorted(s.method for s in found.scores) == sorted(ladder) and {s.n for s in found.scores} == {6}
    assert found.scores[0].method == "zero_shot" and found.scores[-1].method == "lora"
    assert found.few_shot in ladder and found.best is not None and found.best.rung in ladder and found.best.reason
    # SigLIP's picture tower ends in an attention pool, so that there is no last projection to learn
    assert [s.method for s in found.scores if s.accuracy is None] == (["prolip"] if kind == "siglip" else [])
    again = pictures.testing.compare(tiny_ids[kind])  # every feature is cached by now
    assert all(s.milliseconds for s in (*found.scores, *again.scores) if s.accuracy is not None)
    assert pictures.testing.last_comparison() == again


def test_tuning_learns_what_its_labels_say(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run_id = pictures.training.start(tiny_ids["open_clip-vit"], settings={**QUICK, "steps": 40, "augment": False})
    finish(pictures, run_id)
    steps = [e.values["loss"] for e in pictures.training.events(run_id)[0] if e.kind == "step"]
    assert steps[-1] < 0.5 * steps[0]
    lora = pictures.testing.compare(tiny_ids["open_clip-vit"]).score("lora")
    assert lora is not None and lora.accuracy == 1.0


def test_a_run_on_texts_trains_a_head_beside_the_adapter(messages: OpenProject, tiny_ids: dict[str, str]) -> None:
    run_id = messages.training.start(tiny_ids["bert"], settings=QUICK)
    finish(messages, run_id)
    assert messages.training.run(run_id).status == "done"
    assert Path(messages.path, "runs", run_id, "adapter", "heads", "1", "classifier.safetensors").is_file()
    (table,) = messages.testing.predict([{"text": "the small cat"}], tiny_ids["bert"])
    assert [a.method for a in table.answers] == ["zero_shot", "few_shot", "lora"]
    assert all(a.probabilities and sum(a.probabilities) == pytest.approx(1) for a in table.answers)


def test_a_model_of_two_towers_learns_texts_in_its_text_tower(messages: OpenProject, tiny_ids: dict[str, str]) -> None:
    run_id = messages.training.start(tiny_ids["open_clip-vit"], settings=QUICK)
    finish(messages, run_id)
    run = messages.training.run(run_id)
    assert run.status == "done", run.error
    assert run.config["lora"]["towers"] == "text"


def test_live_answers_do_not_change_while_a_copy_learns(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    item = pictures.labelling.item(1)
    data = pictures.labelling.picture(item.key("image"), 240)
    (before,) = pictures.testing.predict([{"image": data}], model)
    finish(pictures, pictures.training.start(model, settings=QUICK))
    (after,) = pictures.testing.predict([{"image": data}], model)
    assert before.answers[0].probabilities == after.answers[0].probabilities
    assert before.answers[2].probabilities is None
    assert after.answers[2].probabilities is not None


@pytest.mark.parametrize("mode", ["best", "fast"])
def test_a_run_that_was_stopped_and_resumed_learns_the_same_to_the_last_bit(
    pictures: OpenProject, tiny_ids: dict[str, str], mode: str
) -> None:
    model = tiny_ids["open_clip-vit"]
    settings = {**QUICK, "steps": 30, "mode": mode}
    whole = pictures.training.start(model, settings=settings)
    finish(pictures, whole)
    cut = pictures.training.start(model, settings=settings)
    while pictures.training.run(cut).step < 4:
        time.sleep(0.005)
    pictures.training.stop(cut)
    finish(pictures, cut)
    stopped = pictures.training.run(cut)
    assert (stopped.status, stopped.resumable, stopped.has_adapter) == ("stopped", True, False)
    assert stopped.step < 30
    pictures.training.resume(cut)
    finish(pictures, cut)
    assert pictures.training.run(cut).status == "done"
    assert losses(pictures, cut) == losses(pictures, whole)
    assert adapter_hash(pictures, cut) == adapter_hash(pictures, whole)


def test_stop_and_keep_publishes_what_was_learnt(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run_id = pictures.training.start(tiny_ids["open_clip-vit"], settings={**QUICK, "steps": 5000})
    while pictures.training.run(run_id).step < 2:
        time.sleep(0.01)
    pictures.training.stop(run_id, keep=True)
    finish(pictures, run_id)
    run = pictures.training.run(run_id)
    assert (run.status, run.has_adapter) == ("done", True)
    assert 0 < run.step < 5000
    assert run.note == f"Stopped at step {run.step}, and kept" or run.note.startswith("The adapter counts")


def test_smaller_parts_give_the_same_gradient(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    settings = {**QUICK, "dropout": 0.0, "steps": 3}
    whole = pictures.training.start(tiny_ids["open_clip-vit"], settings=settings)
    parts = pictures.training.start(tiny_ids["open_clip-vit"], settings={**settings, "micro_batch": 1})
    finish(pictures, parts)
    one, other = losses(pictures, whole), losses(pictures, parts)
    for step, loss in one.items():
        assert float.fromhex(other[step]) == pytest.approx(float.fromhex(loss), abs=1e-4)


def test_a_run_whose_model_is_gone_fails_with_what_to_do(pictures: OpenProject, tiny_ids: dict[str, str], tmp_path: Path) -> None:
    import shutil

    folder = Path(tiny_ids["open_clip-vit"].removeprefix("open_clip:local-dir:"))
    shutil.copytree(folder, tmp_path / "model")
    model = f"open_clip:local-dir:{tmp_path / 'model'}"
    (tmp_path / "model" / "open_clip_model.safetensors").write_bytes(b"not a model")
    run_id = pictures.training.start(model, settings=QUICK)
    finish(pictures, run_id)
    run = pictures.training.run(run_id)
    assert (run.status, run.resumable) == ("failed", True)  # its model may come back
    assert run.error and run.hint
    assert "Traceback" not in run.error


def test_what_cannot_run_says_why_before_it_starts(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    plan = pictures.training.plan(tiny_ids["bert"])
    assert plan.why_not and "image classification" in plan.why_not
    with pytest.raises(CannotRun):
        pictures.training.start(tiny_ids["bert"])


def test_a_finished_run_cannot_be_stopped_or_resumed(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run_id = pictures.training.start(tiny_ids["open_clip-vit"], "few-shot")
    finish(pictures, run_id)
    with pytest.raises(RunError, match="is done"):
        pictures.training.resume(run_id)
    with pytest.raises(RunError, match="is done"):
        pictures.training.stop(run_id)


def test_the_plan_says_what_would_be_used_and_its_command(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    plan = pictures.training.plan(tiny_ids["open_clip-vit"], settings={"shots": 2, "rank": 3})
    assert plan.per_class == {"blue": 2, "red": 2}
    assert plan.validation_items == 8
    assert plan.command.startswith("python -m studio train ")
    assert "--shots 2" in plan.command and "--set rank=3" in plan.command


def test_pairs_are_trained_compared_searched_and_ranked(pairs: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    finish(pairs, pairs.training.start(model, settings={**QUICK, "steps": 30, "towers": "both"}))
    found = pairs.testing.compare(model)
    assert [s.method for s in found.scores] == ["zero_shot", "lora"]
    for score in found.scores:
        assert score.n == 4
        assert score.recall is not None and score.recall["image_to_text@5"] == 1.0
    assert pairs.testing.last_comparison() == found
    before, after = pairs.testing.search("the big house", model, k=3)
    assert len(before.hits) == len(after.hits) == 3
    assert {h.item.id for h in before.hits} <= {i.id for i in pairs.labelling.page(ItemFilter()).items}
    item = pairs.labelling.item(1)
    ranked = pairs.testing.rank(pairs.labelling.picture(item.key("image"), 240), model, k=12)
    assert sorted(ranked[1].hits, key=lambda hit: -hit.score) == list(ranked[1].hits)
    own = [next(n for n, hit in enumerate(r.hits) if hit.item.id == 1) for r in ranked]
    assert own[1] <= own[0]  # it learnt this very pair


def test_few_shot_learns_from_the_labels_that_the_run_learnt_from(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    finish(pictures, pictures.training.start(model, settings=QUICK))
    run = pictures.training.plan(model, settings=QUICK)
    few_shot = pictures.testing.compare(model).scores[1]
    assert few_shot.note == f"{run.train_items} labels"
    assert run.validation_items > 0  # all labels were asked for, and these took no part


def test_a_comparison_of_other_labels_does_not_take_this_run(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    finish(pictures, pictures.training.start(model, settings={**QUICK, "shots": 2, "seed": 1}))
    assert pictures.testing.compare(model, shots=2, seed=1).score("lora").accuracy is not None
    other = pictures.testing.compare(model, shots=2, seed=0).score("lora")
    assert other.accuracy is None and other.why_not


def test_a_model_that_a_run_uses_is_not_unloaded(workspace: Workspace, pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    run_id = pictures.training.start(model, settings={**QUICK, "steps": 3000})
    while pictures.training.run(run_id).step < 1:
        time.sleep(0.01)
    with pytest.raises(BadInput, match="in use"):
        workspace.models.unload(model)
    pictures.training.stop(run_id)
    finish(pictures, run_id)
    workspace.models.unload(model)
    assert workspace.models.loaded() == ()


def test_a_damaged_checkpoint_costs_steps_and_not_the_run(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["open_clip-vit"]
    run_id = pictures.training.start(model, settings={**QUICK, "steps": 60})
    while pictures.training.run(run_id).step < 8:
        time.sleep(0.005)
    pictures.training.stop(run_id)
    finish(pictures, run_id)
    newest, older = sorted(Path(pictures.path, "runs", run_id, "checkpoints").glob("step-*"), reverse=True)
    (newest / "state.safetensors").write_bytes(b"\x08")
    pictures.training.resume(run_id)
    finish(pictures, run_id)
    said = [e.values["message"] for e in pictures.training.events(run_id)[0] if e.kind == "log"]
    assert f"Going on from step {int(older.name.removeprefix('step-'))}" in said
    assert pictures.training.run(run_id).status == "done"


def test_a_killed_run_is_found_dead_and_resumes_to_the_same_adapter(
    workspace: Workspace, pictures: OpenProject, tiny_ids: dict[str, str]
) -> None:
    model = tiny_ids["open_clip-vit"]
    settings = {**QUICK, "steps": 40, "checkpoint_every": 5}
    whole = pictures.training.start(model, settings=settings)
    finish(pictures, whole)
    arguments = [f"--set={name}={value}" for name, value in settings.items()]
    environment = {**os.environ, "STUDIO_HOME": str(workspace.settings.home), "STUDIO_OFFLINE": "1", "STUDIO_DEVICE": "cpu"}
    command = [sys.executable, "-m", "studio", "train", pictures.path, "--model", model, *arguments]
    child = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cut = "run-2"
    while not Path(pictures.path, "runs", cut, "checkpoints", "step-00000005").is_dir():
        assert child.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    child.kill()
    child.wait()
    dead = pictures.training.run(cut)
    assert (dead.status, dead.resumable) == ("interrupted", True)
    pictures.training.resume(cut)
    finish(pictures, cut)
    assert losses(pictures, cut) == losses(pictures, whole)
    assert adapter_hash(pictures, cut) == adapter_hash(pictures, whole)


def test_pairs_whose_longest_captions_are_of_one_picture_can_be_trained(
    workspace: Workspace, tmp_path: Path, tiny_ids: dict[str, str]
) -> None:
    """The first measured step sees these two alone: each is a right answer to the other's picture, so nothing is to be learnt."""
    rows = ["image,caption,split"]
    for n in range(6):
        Image.new("RGB", (40, 40), (40 * n, 200 - 40 * n, 90)).save(tmp_path / f"plain-{n}.png")
        rows += [f"plain-{n}.png,the {'very ' * (30 if n == 2 else 1)}{size} house {n},train" for size in ("small", "big")]
    (tmp_path / "captions.csv").write_text("\n".join(rows))
    project = workspace.create_project("Twice", "image-text")
    project.labelling.import_data(str(tmp_path / "captions.csv"), ImportOptions())
    run = project.training.start(tiny_ids["open_clip-vit"], settings={"steps": 3, "batch_size": 2})
    finish(project, run)
    assert project.training.run(run).status == "done"
