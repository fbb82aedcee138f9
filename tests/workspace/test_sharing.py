"""What leaves a project: files that others can use without it, and that say nothing of this machine."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from studio.core.errors import BadInput, CannotRun, ModelError, NotFound
from studio.core.results.comparison import Best, Comparison, Score
from studio.core.types import ImportOptions
from studio.models.catalog import DEMO
from studio.workspace import Workspace
from studio.workspace.model_card import beside
from studio.workspace.open_project import OpenProject
from studio.workspace.shared_model import SharedModel

pytestmark = pytest.mark.slow  # it trains

NOUNS = ("cat", "dog")


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> OpenProject:
    made = workspace.create_project("Pets & <more>", "text-classification")
    rows = [
        {"text": f"{n} {noun}", "label": noun, "split": "test" if n == "three" else "train"}
        for n in ("one", "two", "small", "big", "red", "three")
        for noun in NOUNS
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    made.labelling.import_data(str(tmp_path / "rows.jsonl"), ImportOptions())
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def train(project: OpenProject, model: str, **settings: object) -> str:
    run = project.training.start(model, settings={"steps": 3, "rank": 2, **settings})
    while not project.training.wait(run):
        pass
    assert project.training.run(run).status == "done"
    return run


def unpack(file: Path, out: Path) -> Path:
    with ZipFile(file) as packed:
        packed.extractall(out)
    return out / file.stem


def test_the_shared_model_answers_as_the_project_does(project: OpenProject, out: Path, tiny_ids: dict[str, str]) -> None:
    model = tiny_ids["bert"]
    train(project, model)
    asked = ["a small cat", "the big dog"]
    tables = project.testing.predict([{"text": text} for text in asked], model)
    folder = unpack(project.sharing.model(out), out)
    shared = SharedModel.load(folder, base=model, device="cpu", offline=True)
    assert shared.classes == NOUNS
    for table, answer in zip(tables, shared.predict(asked), strict=True):
        assert answer.probabilities == pytest.approx(table.answers[2].probabilities, abs=1e-5)


@pytest.mark.parametrize("kind", ["text-classification", "image-classification", "image-text"])
def test_the_snippet_of_the_readme_runs(
    kind: str,
    workspace: Workspace,
    tmp_path: Path,
    out: Path,
    tiny_ids: dict[str, str],
    pictures: list[Image.Image],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = workspace.create_project("Snippet", kind)
    rows = []
    for n, picture in enumerate(pictures):
        picture.save(tmp_path / f"{n}.png")
        row = {"label": NOUNS[n % 2], "split": "train"}
        rows.append(row | {part: f"{n}.png" if part == "image" else f"{n} {NOUNS[n % 2]}" for part in project.modalities})
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    options = ImportOptions(label="label" if project.classifies else None, test_share=0)
    project.labelling.import_data(str(tmp_path / "rows.jsonl"), options)
    model = tiny_ids["bert" if kind.startswith("text") else "open_clip-vit"]
    train(project, model)
    folder = unpack(project.sharing.model(out), out)
    snippet = snippet_of(folder)
    assert "PATH/TO" in snippet
    pictures[0].save(out / "picture.jpg")
    monkeypatch.chdir(out)
    exec(snippet.replace("PATH/TO", str(Path(model.split(":")[-1]).parent)), {})
    said = capsys.readouterr().out
    assert said.startswith(NOUNS) if project.classifies else "tensor" in said


def snippet_of(folder: Path) -> str:
    found = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_the_readme_names_an_installed_text_model_as_others_find_it(
    project: OpenProject, out: Path, minilm: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train(project, f"hf:{minilm.resolve()}", steps=1)
    folder = unpack(project.sharing.model(out), out)
    name = "hf:sentence-transformers/all-MiniLM-L6-v2"
    readme = (folder / "README.md").read_text("utf-8")
    assert f"(`{name}`)" in readme and 'base="hf:PATH/TO/all-MiniLM-L6-v2"' in readme
    assert json.loads((folder / "config.json").read_text("utf-8"))["model"] == name
    snippet = snippet_of(folder)
    assert "PATH/TO" not in snippet
    monkeypatch.chdir(out)
    exec(snippet.replace(f'"{folder.name}"', f'"{folder.name}", base="hf:{minilm}"'), {})
    assert capsys.readouterr().out.startswith(NOUNS)


def test_the_readme_says_that_the_demo_model_comes_with_studio(
    workspace: Workspace, out: Path, tmp_path: Path, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (DEMO / "open_clip_model.safetensors").is_file():
        pytest.skip("the demo model is not made")
    for n, picture in enumerate(pictures):
        (tmp_path / "pictures" / NOUNS[n % 2]).mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / "pictures" / NOUNS[n % 2] / f"{n}.png")
    project = workspace.create_project("Pictures", "image-classification")
    project.labelling.import_data(str(tmp_path / "pictures"), ImportOptions(test_share=0))
    train(project, f"open_clip:local-dir:{DEMO}", steps=1)
    folder = unpack(project.sharing.model(out), out)
    assert "comes with Studio, in `assets/demo-clip`" in (folder / "README.md").read_text("utf-8")
    pictures[0].save(out / "picture.jpg")
    monkeypatch.chdir(out)
    exec(snippet_of(folder).replace("PATH/TO", str(DEMO.parents[1])), {})


def test_nothing_that_is_shared_says_where_it_lay(
    project: OpenProject, out: Path, tiny_ids: dict[str, str], tmp_path: Path
) -> None:
    model = tiny_ids["bert"]
    train(project, model)
    folder = unpack(project.sharing.model(out), out)
    lay = Path(model.removeprefix("hf:")).parent
    for file in (file for file in folder.rglob("*") if file.is_file()):
        data = file.read_bytes()
        assert str(tmp_path).encode() not in data and str(lay).encode() not in data, file.name


def test_the_readme_has_the_score_of_a_comparison_of_this_run_alone(
    project: OpenProject, out: Path, tiny_ids: dict[str, str]
) -> None:
    model = tiny_ids["bert"]
    first = train(project, model)

    def readme(run: str | None = None) -> str:
        return (unpack(project.sharing.model(out, run), out) / "README.md").read_text("utf-8")

    assert "has not been compared" in readme()
    found = project.testing.compare(model, first).score("lora")
    assert found is not None and found.accuracy is not None
    assert f"Accuracy {100 * found.accuracy:.1f} % (95 % interval " in readme()
    assert f"this adapter had {100 * found.accuracy:.1f} %" in readme()
    assert f"run 1 had {100 * found.accuracy:.1f} %" in project.sharing.finding()
    second = train(project, model, seed=1)
    assert "has not been compared" in readme(second) and "95 % interval" in readme(first)
    assert "# Pets \\& \\<more\\>" in readme() and "- cat\n- dog" in readme()


FEW = Score("linear", "Linear head", "80 labels", 120, 0.625, (0.5, 0.7))
TUNED = Score("lora", "Fine-tuned", "LoRA r=8, run-2", 120, 0.558, (0.4, 0.6))


@pytest.mark.parametrize(
    ("best", "few", "said"),
    [
        (
            "linear",
            FEW,
            "had 62.5 %, this adapter had 55.8 %. By the labels alone, without these items, few-shot was chosen.",
        ),
        ("lora", FEW, "this adapter had 55.8 %. By the labels alone, without these items, this adapter was chosen."),
        (None, FEW, "On 120 held-out items few-shot (Linear head) had 62.5 %, this adapter had 55.8 %."),
    ],
)
def test_beside_the_adapter_stands_what_the_comparison_found(best: str | None, few: Score, said: str) -> None:
    found = Comparison("m", "test", NOUNS, (few, TUNED), "", "linear", Best(best, "", "") if best else None)
    assert beside(found, "run-2").endswith(said)
    assert beside(found, "run-1") == beside(replace(found, scores=(few,)), "run-2") == ""


def test_pairs_are_told_beside_zero_shot() -> None:
    before, after = (replace(TUNED, accuracy=None, recall={"image_to_text@1": r}) for r in (0.25, 0.5))
    found = Comparison("m", "test", (), (replace(before, method="zero_shot"), after), "")
    assert beside(found, "run-2", "run 2") == "On 120 held-out items zero-shot had 25.0 %, run 2 had 50.0 %."


def test_a_shared_model_is_refused_on_other_weights(project: OpenProject, out: Path, tiny_ids: dict[str, str]) -> None:
    train(project, tiny_ids["bert"])
    folder = unpack(project.sharing.model(out), out)
    with pytest.raises(ModelError):
        SharedModel.load(folder, base=tiny_ids["distilbert"], device="cpu", offline=True)
    with pytest.raises(NotFound, match="no shared model"):
        SharedModel.load(out)


def test_without_a_finished_fine_tuning_there_is_no_model_to_share(
    project: OpenProject, out: Path, tiny_ids: dict[str, str]
) -> None:
    with pytest.raises(CannotRun, match="no finished fine-tuning"):
        project.sharing.model(out)
    rung = project.training.start(tiny_ids["bert"], "linear")
    while not project.training.wait(rung):
        pass
    with pytest.raises(CannotRun, match="no adapter to share"):
        project.sharing.model(out, rung)
    with pytest.raises(NotFound):
        project.sharing.model(out, "run-9")
    assert list(out.iterdir()) == []


def test_a_search_s_trial_is_shared_only_where_somebody_names_it(
    project: OpenProject, out: Path, tiny_ids: dict[str, str]
) -> None:
    trial = project.training.start(tiny_ids["bert"], settings={"steps": 2}, trial=True)
    assert project.training.wait(trial, 60)
    with pytest.raises(CannotRun, match="was chosen"):
        project.sharing.model(out)
    assert project.sharing.model(out, trial).stem.endswith(trial)
    own = train(project, tiny_ids["bert"])
    later = project.training.start(tiny_ids["bert"], settings={"steps": 2}, trial=True)
    assert project.training.wait(later, 60)
    assert project.sharing.model(out).stem.endswith(own)


def test_an_empty_project_has_no_labels_to_export(workspace: Workspace, out: Path) -> None:
    with pytest.raises(CannotRun, match="nothing to export"):
        workspace.create_project("Empty", "text-classification").sharing.labels(out)


def test_what_cannot_be_written_is_no_share(project: OpenProject, out: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        project.sharing.labels(out / "absent")
    assert not project.sharing.was_used()
    project.sharing.labels(out)
    assert project.sharing.was_used()
