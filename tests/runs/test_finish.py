"""After the last step: the adapter's strength is chosen on the validation items, and a change needs evidence."""

import torch

from studio.runs.finish import Candidate, chosen
from studio.workspace.open_project import OpenProject
from tests.runs.test_execution import finish

QUICK = {"steps": 6, "batch_size": 4}


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


def test_nothing_of_the_adapter_is_zero_shot(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
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
