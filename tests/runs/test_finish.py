"""After the last step: the adapter's strength is chosen on the validation items, and a change needs evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from studio.core.interfaces import AdaptedModel, Inputs, Snapshot
from studio.core.types import Item
from studio.models import load_model
from studio.runs import finish as ending
from studio.runs.finish import Candidate, chosen
from studio.tasks import task
from studio.workspace.open_project import OpenProject
from tests.runs.test_execution import finish

pytestmark = pytest.mark.slow  # it trains

QUICK = {"steps": 6, "batch_size": 4}


@dataclass
class Scarce:
    """A snapshot whose training items never fit into memory."""

    whole: Snapshot

    @property
    def hash(self) -> str:
        return self.whole.hash

    @property
    def train(self) -> Sequence[Item]:
        return self.whole.train

    @property
    def held_out(self) -> Sequence[Item]:
        return self.whole.held_out

    def payload(self, item: Item, modality: str) -> Any:
        return self.payloads([item], modality)[0]

    def payloads(self, items: Iterable[Item], modality: str) -> list[Any]:
        asked = list(items)
        if asked[0] in self.train:
            raise torch.OutOfMemoryError("out of memory")
        return self.whole.payloads(asked, modality)


@dataclass
class Watched:
    """An adapted model that notes in which form it gets what was kept."""

    model: AdaptedModel
    seen: set[tuple[str, torch.dtype]] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def encode(self, modality: str, inputs: Inputs) -> Tensor:
        if modality == "image":
            self.seen |= {(tensor.device.type, tensor.dtype) for tensor in inputs.values() if tensor.is_floating_point()}
        return self.model.encode(modality, inputs)


def candidate(strength: float, likelihood: list[float]) -> Candidate:
    zeros = torch.zeros(len(likelihood), 2)
    return Candidate(strength, None, zeros, torch.tensor(likelihood), 1.0, 0.5, 0.0)


def test_the_whole_adapter_counts_unless_another_strength_is_surely_better() -> None:
    whole = candidate(1.0, [-1.0, -1.0, -1.0, -1.0])
    lucky = candidate(0.5, [-4.0, -0.5, -0.5, 1.1])  # better on average, by chance
    better = candidate(0.25, [-0.8, -0.9, -0.8, -0.9])
    assert chosen([whole, lucky]).strength == 1.0
    assert chosen([whole, lucky, better]).strength == 0.25
    assert chosen([whole]).strength == 1.0


def test_a_run_says_what_each_strength_did(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = pictures.training.start(tiny_ids["open_clip-vit"], settings=QUICK)
    finish(pictures, run)
    swept = pictures.testing.strengths(tiny_ids["open_clip-vit"], run)
    assert swept is not None and swept.run == run
    assert [row.strength for row in swept.rows] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert swept.rows[4].drift < 1e-5 < swept.rows[0].drift
    assert all(0 <= row.accuracy <= 1 and row.nll > 0 and row.temperature > 0 for row in swept.rows)


def test_where_a_head_is_chosen_every_strength_has_one_so_that_like_is_shown_beside_like(
    pictures: OpenProject, tiny_ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "chosen", lambda found: found[-1])  # the head comes last
    run = pictures.training.start(tiny_ids["open_clip-vit"], settings=QUICK)
    finish(pictures, run)
    swept = pictures.testing.strengths(tiny_ids["open_clip-vit"], run)
    assert swept is not None and len(swept.rows) == 5 and {row.answers for row in swept.rows} == {"head"}
    heads = pictures.training.folder(run).adapter / "heads"
    assert len(list(heads.iterdir())) == 5


def test_nothing_of_the_adapter_is_zero_shot(
    pictures: OpenProject, tiny_ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "MOST_SWEPT", 0)  # no heads
    model = tiny_ids["open_clip-vit"]
    finish(pictures, pictures.training.start(model, settings={**QUICK, "lr": 0.01}))
    picture = pictures.labelling.picture(pictures.labelling.item(1).key("image"), 240)

    (table,) = pictures.testing.predict([{"image": picture}], model, strength=0.0)
    plain, none_of_it = (torch.tensor(table.answers[column].probabilities).log() for column in (0, 2))
    swept = pictures.testing.strengths(model)
    assert swept is not None
    temperature = swept.rows[-1].temperature  # its own, not that of the strength which the run chose
    assert torch.allclose((plain / temperature).log_softmax(0), none_of_it, atol=1e-3)


def test_a_text_run_has_a_head_for_every_strength(messages: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = messages.training.start(tiny_ids["bert"], settings=QUICK)
    finish(messages, run)
    heads = messages.training.folder(run).adapter / "heads"
    assert sorted(float(place.name) for place in heads.iterdir()) == [0.0, 0.25, 0.5, 0.75, 1.0]
    for strength in (0.0, 0.5, 1.0):
        (table,) = messages.testing.predict([{"text": "the small cat"}], tiny_ids["bert"], strength=strength)
        assert table.answers[2].probabilities is not None


def test_a_run_of_the_older_form_asks_to_be_trained_again(messages: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = messages.training.start(tiny_ids["bert"], settings=QUICK)
    finish(messages, run)
    adapter = messages.training.folder(run).adapter
    (adapter / "heads" / "1" / "classifier.safetensors").rename(adapter / "head.safetensors")
    (table,) = messages.testing.predict([{"text": "the small cat"}], tiny_ids["bert"])
    assert table.answers[2].probabilities is None
    assert table.answers[2].why_not and "Train again." in table.answers[2].why_not


def test_a_run_that_has_trained_is_kept_where_its_end_does_not_fit(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = pictures.training.start(tiny_ids["open_clip-vit"], settings=QUICK)
    finish(pictures, run)
    folder = pictures.training.folder(run)
    model = load_model(tiny_ids["open_clip-vit"]).adapted(folder.spec.train.lora, folder.adapter)
    data = Scarce(pictures.training.snapshot(folder))
    outcome = ending.finish(model, task("image-classification"), data, folder.spec, None, lambda *_: None)
    assert (outcome.strength, outcome.rows, outcome.judged) == (1.0, (), None)
    assert outcome.note.startswith("Out of memory")


@pytest.mark.parametrize(("precision", "dtype"), [("auto", torch.bfloat16), ("fp32", torch.float32)])
def test_what_is_kept_at_the_end_takes_the_room_that_the_run_allows(
    pictures: OpenProject, tiny_ids: dict[str, str], precision: str, dtype: torch.dtype
) -> None:
    run = pictures.training.start(tiny_ids["open_clip-vit"], settings={**QUICK, "layers": "top-1"})
    finish(pictures, run)
    folder = pictures.training.folder(run)
    model = Watched(load_model(tiny_ids["open_clip-vit"]).adapted(folder.spec.train.lora, folder.adapter))
    spec = replace(folder.spec, train=folder.spec.train.with_settings({"precision": precision}))
    ending.finish(model, task("image-classification"), pictures.training.snapshot(folder), spec, None, lambda *_: None)
    assert model.seen == {("cpu", dtype)}
