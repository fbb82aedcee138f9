"""The training resumes to the same weights; what it exports loads in Studio; the folder in the repository is small."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.make import contrast, demo_clip, vocabulary, world
from assets.make.pool import CHUNK, Pool
from assets.make.render import render
from studio.core.config import LoraConfig
from studio.models import load_model

pytestmark = pytest.mark.slow  # it trains

PLAN = demo_clip.Plan(steps=6, hours=10, batch=8, pictures=2 * CHUNK, first=CHUNK, fresh=4)
CPU = torch.device("cpu")
trained = pytest.mark.skipif(
    not (demo_clip.OUT / "open_clip_model.safetensors").is_file(),
    reason="the demo model is not trained yet",
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    pool = Pool(tmp_path_factory.mktemp("pool"), PLAN.seed, demo_clip.SIZE, PLAN.pictures)
    for chunk in range(pool.capacity // CHUNK):
        pool.draw(chunk)
    return pool


@contextmanager
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def advance(training: demo_clip.Training, pool: Pool, steps: int) -> list[tuple[float, float]]:
    losses = []
    for _ in range(steps):
        numbers = training.numbers()
        batch = contrast.batch(pool.take(numbers), numbers, training.plan.seed, training.step, training.tokenizer)
        losses.append(training.learn(batch))
    return losses


def test_a_resumed_training_equals_one_that_was_never_stopped(pictures: Pool, tmp_path: Path) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    with one_thread():
        whole = demo_clip.Training(PLAN, tmp_path / "whole", CPU)
        expected = advance(whole, pictures, 6)
        first = demo_clip.Training(PLAN, tmp_path / "parts", CPU)
        found = advance(first, pictures, 3)
        first.save()
        second = demo_clip.Training(PLAN, tmp_path / "parts", CPU)
        assert second.resume() and second.step == 3
        found += advance(second, pictures, 3)
    assert [tuple(x.hex() for x in pair) for pair in found] == [tuple(x.hex() for x in pair) for pair in expected]
    assert all(torch.equal(a, b) for a, b in zip(whole.network.parameters(), second.network.parameters(), strict=True))


def test_a_checkpoint_of_another_plan_is_refused(tmp_path: Path) -> None:
    demo_clip.Training(PLAN, tmp_path, CPU).save()
    assert demo_clip.Training(replace(PLAN, hours=5), tmp_path, CPU).resume()
    with pytest.raises(SystemExit, match="another batch"):
        demo_clip.Training(replace(PLAN, batch=16), tmp_path, CPU).resume()


def test_no_batch_shows_a_held_out_combination(tmp_path: Path) -> None:
    training = demo_clip.Training(replace(PLAN, pictures=120_000, first=1024, batch=64), tmp_path, CPU)
    shown = set()
    for step in range(0, 600, 10):
        training.step = step
        shown |= {group.combination for n in training.numbers() for group in world.scene(0, int(n)).groups}
    assert len(shown) > 800 and not shown & world.held_out()


def test_what_is_exported_loads_offline_and_takes_adapters(tmp_path: Path) -> None:
    demo_clip.Training(PLAN, tmp_path, CPU).export(tmp_path / "out")
    model = load_model(f"open_clip:local-dir:{tmp_path / 'out'}", "cpu", offline=True)
    features = model.embed("text", ["a photo of a steel gear", "a photo of a red plastic gear", "zebra!"])
    assert features.shape == (3, 192) and bool(torch.isfinite(features).all())
    adapted = model.adapted(LoraConfig(rank=2, towers="both"))
    towers = [name.partition(".")[0] for name in adapted.adapted_modules]
    assert towers.count("visual") > 30 and towers.count("transformer") == 4 * 2
    adapted.close()
    model.close()


def test_the_loss_falls_where_features_fit() -> None:
    units, values = torch.eye(6), torch.eye(2, 6).repeat(6, 1)
    fits = torch.cat((torch.eye(6), values)).bool()  # six captions, then six attributes of two values
    parts, scale = (6, *(2,) * 6), torch.tensor(20.0)
    right = contrast.loss(units, torch.cat((units, values)), scale, fits, parts)
    wrong = contrast.loss(units, torch.cat((units.roll(1, 0), values.flip(0))), scale, fits, parts)
    assert all(float(a) < 0.1 < 1 < float(b) for a, b in zip(right, wrong, strict=True))


def test_where_a_twin_is_worn_is_seen_from_what_the_twins_differ_in() -> None:
    first = next(n for n in range(0, 200, 2) if world.scene(0, n).seed == world.scene(0, n + 1).seed)
    scenes = [world.scene(0, first), world.scene(0, first + 1)]
    pixels = np.stack([np.asarray(render(one, demo_clip.SIZE)) for one in scenes])
    sound, worn = contrast.where_worn(scenes, pixels)
    assert not sound.any()
    assert set(worn) == {0, world.DEFECTS.index(scenes[1].groups[0].defect)} and 0 < (worn > 0).mean() < 0.5
    alone = contrast.where_worn(scenes[1:], pixels[1:])
    assert (alone == contrast.UNKNOWN).all()


def test_places_that_fit_their_defects_cost_nothing_and_unknown_ones_do_not_count() -> None:
    texts = torch.eye(3)
    wear = torch.tensor([[0, 2, contrast.UNKNOWN]])
    right = torch.stack([texts[0], texts[2], texts[1]])[None]
    assert float(contrast.loss_of_places(right, texts, torch.tensor(30.0), wear)) < 0.01
    assert float(contrast.loss_of_places(right.flip(1), texts, torch.tensor(30.0), wear)) > 10


def test_every_text_ends_at_the_largest_token() -> None:
    tokenizer = vocabulary.learn(0, texts=300)
    ids = vocabulary.encode(tokenizer, ["a gear", "x" * 300, "", "Ünïcode 日本"])
    end = tokenizer.token_to_id(vocabulary.END)
    assert ids.shape == (4, vocabulary.LENGTH) and end == tokenizer.get_vocab_size() - 1
    assert ((ids == end).sum(1) == 1).all() and (ids.max(1) == end).all()


@trained
def test_the_model_in_the_repository_is_small_and_safe() -> None:
    files = [file for file in demo_clip.OUT.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 20e6
    assert {file.suffix for file in files} <= {".json", ".safetensors", ".md"}
    config = json.loads((demo_clip.OUT / "open_clip_config.json").read_text())["model_cfg"]
    assert config == demo_clip.model_config(config["text_cfg"]["vocab_size"])


@trained
def test_the_model_in_the_repository_answers_for_what_it_never_saw() -> None:
    from assets.make import captions, evaluate

    classes = evaluate.ten_combinations()
    assert len({shape for _, shape, _ in classes}) == 10 and set(classes) <= world.held_out()
    model = load_model(f"open_clip:local-dir:{demo_clip.OUT}", "cpu", offline=True)
    assert evaluate.zero_shot(model, classes, each=6) > 0.75
    prompts = model.embed("text", [f"a photo of a {captions.name_of(one)}" for one in classes])
    assert float(np.abs(np.asarray(prompts @ prompts.T) - np.eye(10)).max()) < 0.999
    model.close()
