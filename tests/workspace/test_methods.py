"""Which methods answer, on a tiny real model."""

from __future__ import annotations

from pathlib import Path

from studio.core.types import ImportOptions
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.methods import LIVE_RUNG, MOST_LIVE, Climbed


def test_where_labels_are_many_a_live_answer_waits_for_one_rung_alone(tmp_path: Path, tiny_ids: dict[str, str]) -> None:
    rows = [f"{noun} {n},{noun},train" for noun in ("cat", "dog") for n in range(MOST_LIVE // 2 + 1)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label,split", *rows]))
    workspace = Workspace(Settings(home=tmp_path / "home", device="cpu", offline=True))
    project = workspace.create_project("Many", "text-classification")
    project.labelling.import_data(str(tmp_path / "rows.csv"), ImportOptions())
    (table,) = project.testing.predict([{"text": "cat 7"}], tiny_ids["bert"])
    few_shot = table.answers[1]
    assert few_shot.note.startswith("Linear head") and few_shot.probabilities
    question = project.testing._questions.of(tiny_ids["bert"])
    methods = project.testing._questions.methods
    whole = methods.climbed(question)
    assert isinstance(whole, Climbed)
    assert LIVE_RUNG in whole.ladder.classifiers and len(whole.ladder.classifiers) > 1
    assert methods.few_shot(question).note.startswith(whole.few_shot.reason.split(":")[0])
    workspace.close()
