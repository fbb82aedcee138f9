"""Live answers and comparisons of one open project: zero-shot, few-shot and fine-tuned, side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from math import isfinite

from studio.core.errors import BadInput, CannotRun
from studio.core.interfaces import Progress, Task
from studio.core.results.answers import PredictionTable, Ranking
from studio.core.results.comparison import Best, Comparison
from studio.core.results.evidence import Abstention, StrengthRow, Strengths
from studio.core.results.projects import Missing
from studio.core.threads import apart
from studio.core.types import Item
from studio.data.kept import checked, kept
from studio.data.project import Project
from studio.workspace.answers import comparison_from
from studio.workspace.classifying import Classifying
from studio.workspace.libraries import libraries
from studio.workspace.question import ACCEPTED, Question, Questions
from studio.workspace.retrieval import Retrieval

Leaks = Callable[[Collection[int], Collection[int]], int]
LEAKING = (
    "No claim: items that judge and are nearly the same as ones that were learnt from: {}. Look at them under Data, Check the "
    "data: keep both where they are two things, else drop one and train and compare again."
)
"""A verdict, in place of what figures say that may only be remembered."""

FEWEST = 10
"""Held-out items below which a comparison says nothing."""


class Testing:
    """One project's tests. Imports torch only when one runs."""

    def __init__(self, project: Project, task: Task, questions: Questions, leaks: Leaks = lambda learnt, judged: 0) -> None:
        """`leaks(learnt, judged)`: how many items that judge are nearly the same as ones that were learnt from."""
        self._store, self._questions = project.store, questions
        self._leaks = leaks
        self._classifying = Classifying(questions) if task.classifies else None
        self._retrieval = None if task.classifies else Retrieval(questions)

    @apart
    def predict(
        self,
        inputs: Sequence[Mapping[str, bytes | str]],
        model: str,
        run: str | None = None,
        shots: int | None = None,
        seed: int | None = None,
        phrases: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
        strength: float | None = None,
    ) -> list[PredictionTable]:
        """For each input (`{"image": file bytes}` or `{"text": …}`, `name` for what an error calls it) one table.

        `phrases` (one a class) and `templates` replace the project's for zero-shot alone. `run` None means the newest
        finished run with this model; `shots` and `seed` None mean that run's, or all labels; `strength` None means what
        the run chose of its adapter. Raises UnreadableItem, CannotRun.
        """
        if self._classifying is None:
            raise CannotRun("Pairs have no classes to predict.", "Use search and ranking instead.")
        question = self._questions.of(model, run, shots, seed, strength)
        tables = self._classifying.predict(inputs, question, phrases, templates)
        self._remember_use(any(answer.probabilities for table in tables for answer in table.answers))
        return tables

    @apart
    def suggest(self, item: int, model: str) -> PredictionTable:
        """What zero-shot says of one item, and few-shot from all training labels as they stand; it does not fine-tune.

        The item's features stay in the cache, so that to ask again after each label is cheap. Raises NotFound, and
        CannotRun for pairs.
        """
        if self._classifying is None:
            raise CannotRun("Pairs have no classes to suggest.", "Use search and ranking instead.")
        with self._questions.in_use(model):
            return self._classifying.suggest(self._store.item(item), self._questions.of_labels(model))

    @apart
    def search(
        self, text: str, model: str, run: str | None = None, k: int = 12, progress: Progress | None = None
    ) -> tuple[Ranking, ...]:
        """Text → pictures of the project, before and after tuning. Raises BadInput for a `k` below 1."""
        with self._questions.in_use(model):
            rankings = self._searching(k).search(text, self._questions.of(model, run), k, progress)
        self._remember_use(any(ranking.hits for ranking in rankings))
        return rankings

    @apart
    def rank(
        self, image: bytes, model: str, run: str | None = None, k: int = 12, progress: Progress | None = None
    ) -> tuple[Ranking, ...]:
        """Picture → the project's texts, before and after tuning. Raises BadInput for a `k` below 1."""
        with self._questions.in_use(model):
            rankings = self._searching(k).rank(image, self._questions.of(model, run), k, progress)
        self._remember_use(any(ranking.hits for ranking in rankings))
        return rankings

    def missing(self, model: str | None) -> Missing | None:
        """What to get before that model can be compared, in the order of the steps; None where nothing is missing."""
        return self._questions.missing(model)

    @apart
    def compare(
        self,
        model: str,
        run: str | None = None,
        shots: int | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
    ) -> Comparison:
        """All methods on the test split's labelled items, or the validation split's where there is no test split.

        None of these items takes part in learning. Raises CannotRun where there is none.
        """
        split, items = self._questions.held_out()
        judge = self._classifying or self._searching()
        with self._questions.in_use(model):
            question = self._questions.of(model, run, shots, seed)
            # of pairs nothing is chosen on a run's validation items
            items, caution = untouched(items, question.judged if self._classifying else ())
            found = judge.compare(split, items, question, progress)
            cautions = (caution, found.caution, _newer(self._questions.newer(question), question))
            found = replace(found, caution=" ".join(filter(None, cautions)))
            learnt = question.support if question.support is not None else self._store.all_items("train", labelled=True)
            sides = {"learnt": [i.id for i in learnt], "judged": [i.id for i in items]}
        self._store.set_meta("comparison", asdict(found))
        self._store.set_meta("compared", sides)
        return self._gated(found)

    @apart
    def best(self, model: str, run: str | None = None, seed: int = 0) -> Best:
        """The method to use, by the labels and the run's validation items alone; without a run, among the rungs alone, on all
        labels as they stand.

        Raises CannotRun where none can learn.
        """
        if self._classifying is None:
            raise CannotRun("Pairs have one method to learn with.", "Compare before and after tuning instead.")
        with self._questions.in_use(model):
            asked = self._questions.of(model, run) if run else self._questions.of_labels(model, seed)
            return self._classifying.best(asked)

    def strengths(
        self, model: str, run: str | None = None, shots: int | None = None, seed: int | None = None
    ) -> Strengths | None:
        """What each strength of the run's adapter did on its validation items; None where there is no choice.

        The run is the one that `predict` would take for fine-tuned. Loads no model.
        """
        folder = self._questions.run(model, run, shots, seed)
        report = folder.report() if folder is not None and folder.spec.tunes else {}
        rows = checked(report.get("strengths"), tuple[StrengthRow, ...]) or ()
        chosen, general = checked(report.get("strength"), float), checked(report.get("general"), str) or ""
        if folder is None or chosen is None or len(rows) < 2 or not all(isfinite(row.accuracy) for row in rows):
            return None
        return Strengths(folder.id, chosen, rows, general)

    def accepted_errors(self) -> float | None:
        """The share of wrong answers beyond which methods say "not sure"; None: they always answer."""
        return self._questions.accepted()

    def accept_errors(self, rate: float | None) -> None:
        """Keep that share for the project. Raises BadInput for what is no share."""
        if rate is not None and not 0 < rate < 1:
            raise BadInput(f"An error rate of {rate:g} is none.", "Give a share between 0 and 1, as 0.05.")
        self._store.set_meta(ACCEPTED, rate)

    def abstention(self, rate: float) -> Abstention | None:
        """Where the newest comparison's best method would say "not sure"; None where nothing was held out. Raises BadInput."""
        libraries()
        from studio.workspace.doubt import abstention

        last = self.last_comparison()
        return abstention(last, rate) if last else None

    def was_used(self) -> bool:
        """Whether any method ever answered an input or a search in this project."""
        return bool(self._store.meta("answered"))

    def last_comparison(self) -> Comparison | None:
        """The newest comparison of this project, also after a restart."""
        values = self._store.meta("comparison")
        try:
            return self._gated(comparison_from(values)) if values else None
        except ValueError:  # stored by another version: it is compared anew
            return None

    def _gated(self, found: Comparison) -> Comparison:
        """Without its claim, where items that judged are nearly the same as ones that were learnt from."""
        sides = kept(self._store, "compared", dict[str, list[int]]) or {}
        leaks = self._leaks(set(sides.get("learnt", ())), set(sides.get("judged", ())))
        return replace(found, verdict=LEAKING.format(leaks)) if leaks else found

    def forget(self, model_id: str) -> None:
        """A model is unloaded: keep nothing that would keep its weights in memory."""
        self._questions.forget()

    def _remember_use(self, answered: bool) -> None:
        """Once a project: live answers come several a second, and this is a write."""
        if answered and not self.was_used():
            self._store.set_meta("answered", True)

    def _searching(self, k: int = 1) -> Retrieval:
        if k < 1:
            raise BadInput(f"{k} answers are none.", "Ask for 1 or more.")
        if self._retrieval is None:
            raise CannotRun("Search needs pictures with texts.", "Use an image–text project.")
        return self._retrieval


def _newer(count: int, question: Question) -> str:
    if not count or question.run is None:
        return ""
    labels = "1 label is" if count == 1 else f"{count:,} labels are"
    return f"{labels} newer than {question.run.id}, and no method here has learnt from them: train again to use them."


def untouched(items: Sequence[Item], judged: Sequence[Item]) -> tuple[list[Item], str]:
    """(held-out items that a run was not judged by, a caution where too few are left and all have to do).

    The validation split serves for a comparison where there is no test split; a run's strength was chosen on some of it.
    """
    used = {item.id for item in judged}
    rest = [item for item in items if item.id not in used]
    if len(rest) >= FEWEST or len(rest) == len(items):
        return rest, ""
    said = "There is no test split, and the run was also judged by these items: its figures flatter. Import a test split."
    return list(items), said
