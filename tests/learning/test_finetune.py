"""What a run computes once: that it changes nothing but the time, and that it is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.core.config import LoraConfig, TrainConfig
from studio.core.types import Item, TrainEvent
from studio.learning.checkpoint import Checkpoint
from studio.learning.finetune import fit
from studio.learning.zero_shot import StartingPoint
from studio.models import load_model
from studio.tasks import task as task_named

CLASSES = ("red", "blue")
LORA = LoraConfig(rank=4, alpha=8, dropout=0.2, layers="top-1")
CONFIG = TrainConfig(LORA, lr=0.01, steps=12, batch_size=4, precision="fp32", views=2)


@dataclass
class Pictures:
    """Ten pictures in memory; counts how often each is decoded."""

    hash: str = "pictures"
    decoded: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        items = [Item(n, {"image": f"picture {n}"}, "train", str(n), CLASSES[n % 2]) for n in range(10)]
        self.train: Sequence[Item] = items[:6]
        self.held_out: Sequence[Item] = items[6:]

    def payload(self, item: Item, modality: str) -> Any:
        self.decoded.append(item.id)
        noise = np.random.default_rng(item.id).integers(0, 60, (40, 56, 3))
        noise[..., 0 if item.label == "red" else 2] += 180
        return Image.fromarray(noise.astype(np.uint8))

    def payloads(self, items: Iterable[Item], modality: str) -> list[Any]:
        return [self.payload(item, modality) for item in items]


def run(
    model_id: str,
    config: TrainConfig,
    scratch: Path,
    data: Pictures | None = None,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] | None = None,
    beat: Callable[[], None] = lambda: None,
) -> list[TrainEvent]:
    data = data or Pictures()
    model = load_model(model_id, "cpu", True).adapted(config.lora, seed=config.seed)
    task = task_named("image-classification")
    prior = StartingPoint(CLASSES, (("a red sky",), ("a blue sky",)), None)
    objective = task.objective(model, data.train, prior, config)
    return list(fit(model, task, objective, data, config, resume, save, scratch=scratch, beat=beat))


def losses(events: Sequence[TrainEvent]) -> list[float]:
    return [event.values["loss"] for event in events if event.kind == "step"]


def test_no_picture_is_decoded_twice(tiny_ids: dict[str, str], tmp_path: Path) -> None:
    for views in (0, 2):
        data = Pictures()
        run(tiny_ids["open_clip-vit"], CONFIG.with_settings({"views": views}), tmp_path, data)
        assert sorted(data.decoded) == list(range(10)), f"views={views}"


@pytest.mark.parametrize("kind", ["open_clip-vit", "open_clip-conv", "hf-clip", "siglip"])
def test_kept_states_learn_what_the_whole_tower_learns(tiny_ids: dict[str, str], tmp_path: Path, kind: str) -> None:
    """Without crops there is one view, and only rounding tells the two apart."""
    config = CONFIG.with_settings({"augment": False, "steps": 6})
    kept = run(tiny_ids[kind], config, tmp_path)
    assert kept[0].values["prefixes"] == ("image",)
    plain = run(tiny_ids[kind], config.with_settings({"layers": "all"}), tmp_path)
    assert plain[0].values["prefixes"] == ()
    assert losses(kept)[0] == pytest.approx(losses(plain)[0], abs=1e-4)  # the adapters differ, the first features do not
    assert losses(kept)[-1] < losses(kept)[0]


def test_a_pass_sees_its_own_view_and_views_come_back(tiny_ids: dict[str, str], tmp_path: Path) -> None:
    """Six items in batches of six: with two views and no learning, passes 0, 2, 4 see the same pictures, and 1 others."""
    settings = {"batch_size": 6, "lr": 1e-8, "dropout": 0.0, "steps": 4}
    first, second, third, fourth = losses(run(tiny_ids["open_clip-vit"], CONFIG.with_settings(settings), tmp_path))
    assert third == pytest.approx(first, abs=1e-5) and fourth == pytest.approx(second, abs=1e-5)
    assert abs(first - second) > 1e-4


def test_a_tower_adapted_from_its_first_block_on_says_that_nothing_is_kept(tiny_ids: dict[str, str], tmp_path: Path) -> None:
    events = run(tiny_ids["open_clip-vit"], CONFIG.with_settings({"layers": "all", "steps": 1}), tmp_path)
    assert any("each step computes all of them" in event.values.get("message", "") for event in events)


def test_a_look_at_many_held_out_items_can_be_ended_in_its_middle(
    tiny_ids: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Exception):
        pass

    looked: list[int] = []

    def beat() -> None:
        looked.append(1)
        if len(looked) == 2:
            raise Stop

    monkeypatch.setattr("studio.learning.loop.EVALUATION_BATCH", 1)
    with pytest.raises(Stop):
        run(tiny_ids["open_clip-vit"], CONFIG, tmp_path, beat=beat)
    assert len(looked) == 2


def test_a_run_that_was_cut_off_after_its_last_step_is_judged_when_it_goes_on(tiny_ids: dict[str, str], tmp_path: Path) -> None:
    saved: list[Checkpoint] = []
    whole = run(tiny_ids["open_clip-vit"], CONFIG, tmp_path, save=saved.append)
    again = run(tiny_ids["open_clip-vit"], CONFIG, tmp_path, resume=saved[-1])
    assert saved[-1].step == CONFIG.steps and losses(again) == []
    looks = [[e.values for e in events if e.kind == "eval"] for events in (whole, again)]
    assert len(looks[1]) == 1 and looks[1][0] == pytest.approx(looks[0][-1])
