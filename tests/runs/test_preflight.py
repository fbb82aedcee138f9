"""Pre-flight: what a run will take is measured on the run's own path, and a batch that does not fit is cut before it starts."""

import pytest
import torch

from studio.learning.zero_shot import StartingPoint
from studio.runs import preflight as measuring
from studio.runs.preflight import preflight
from studio.workspace.open_project import OpenProject
from tests.runs.test_execution import finish

QUICK = {"steps": 6, "batch_size": 4}


def test_a_run_says_what_it_will_take_before_its_first_step(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    run = pictures.training.start(tiny_ids["open_clip-vit"], settings=QUICK)
    finish(pictures, run)
    found = pictures.training.folder(run).preflight()
    assert found is not None and found.steps == 6 and found.device == "cpu" and found.micro_batch == 0
    assert found.step_s > 0 and found.memory_mb > 0 and found.total_s >= found.step_s * 6
    events, _ = pictures.training.events(run)
    kinds = [e.kind for e in events]
    said = [n for n, e in enumerate(events) if str(e.values.get("message", "")).startswith("Measured:")]
    assert len(said) == 1 and said[0] < kinds.index("step")


def test_what_is_measured_leaves_the_run_as_it_was(pictures: OpenProject, tiny_ids: dict[str, str]) -> None:
    one, two = (pictures.training.start(tiny_ids["open_clip-vit"], settings=QUICK) for _ in range(2))
    finish(pictures, one)
    finish(pictures, two)
    losses = [[e.values["loss"].hex() for e in pictures.training.events(r)[0] if e.kind == "step"] for r in (one, two)]
    assert losses[0] == losses[1] and len(losses[0]) == 6


def test_a_batch_that_would_not_fit_goes_through_in_parts(
    pictures: OpenProject, tiny_ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pictures.training.start(tiny_ids["open_clip-vit"], settings={**QUICK, "batch_size": 8})
    finish(pictures, run)
    folder = pictures.training.folder(run)
    data = pictures.training.snapshot(folder)
    from studio.models import load_model
    from studio.tasks import task

    model = load_model(tiny_ids["open_clip-vit"])
    prior = StartingPoint(folder.spec.classes, folder.spec.prompts)
    monkeypatch.setattr(measuring, "_free_mb", lambda device: 1.0)  # the one thing that no test can take away: memory
    monkeypatch.setattr(measuring, "_rise_mb", lambda device, resident: 1.0)
    found = preflight(model, task("image-classification"), data, prior, folder.spec.train, False)
    assert 1 <= found.micro_batch < 8
    assert torch.isfinite(torch.tensor(found.step_s))
