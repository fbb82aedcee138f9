"""What each command of `python -m studio` does: one call of the workspace. Says nothing itself but progress, on stderr."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from getpass import getpass
from pathlib import Path
from typing import Any

from studio.cli_progress import show_run, show_search
from studio.cli_text import comparison_json, plain
from studio.core.errors import BadInput, CannotRun
from studio.core.types import NONE_OF_THESE, ImportOptions, ItemFilter
from studio.workspace import Workspace
from studio.workspace.accounts import Accounts
from studio.workspace.labelling import modality_names
from studio.workspace.open_project import OpenProject
from studio.workspace.people import person
from studio.workspace.picking import CHOSEN_BY_MODEL


def _samples(workspace: Workspace, a: argparse.Namespace) -> Any:
    return {"samples": [asdict(sample) for sample in workspace.samples()]}


def _new(workspace: Workspace, a: argparse.Namespace) -> Any:
    name = a.name or Path(a.project).name
    if a.sample:
        project = workspace.open_sample(a.sample, name, a.project, _progress)
    else:
        project = workspace.create_project(name, a.task, a.project)
    return {"project": project.id, "name": project.name, "task": project.task, "path": project.path}


def _import(workspace: Workspace, a: argparse.Namespace) -> Any:
    given = {name: getattr(a, name) for name in modality_names()}
    options = ImportOptions(
        columns={name: column for name, column in given.items() if column},
        label=a.label,
        split_column=a.split_column,
        split=a.split,
        keep_labels=not a.no_labels,
        test_share=a.test_share,
    )
    return workspace.open_project(a.project).labelling.import_data(a.source, options, _progress)


def _models(workspace: Workspace, a: argparse.Namespace) -> Any:
    return {"models": [asdict(entry) for entry in workspace.models.catalog()]}


def _items(workspace: Workspace, a: argparse.Namespace) -> Any:
    project = workspace.open_project(a.project)
    if a.order in CHOSEN_BY_MODEL:
        return _picked(project, a)
    wanted = ItemFilter(a.split, a.label, False if a.unlabelled else None, search=a.search)
    page = project.labelling.page(wanted, limit=a.limit, mixed=a.order == "mixed")
    return {"items": [asdict(item) for item in page.items], "total": page.total}


def _picked(project: OpenProject, a: argparse.Namespace) -> Any:
    """What to label next, by a model's choice."""
    model = a.model or project.model()
    if model is None or a.split or a.label or a.search:
        raise BadInput(
            "A model chooses among all unlabelled items.", "Name it with --model, and leave --split, --label and --search out."
        )
    project.picking.read(model, _progress)
    counts = project.labelling.counts()
    return {"items": [asdict(i) for i in project.picking.pick(model, a.order, a.limit)], "total": counts.total - counts.labelled}


def _check(workspace: Workspace, a: argparse.Namespace) -> Any:
    project = workspace.open_project(a.project)
    found = project.auditing.audit(a.model or project.model(), _progress)
    return {**asdict(found), "leaks": found.leaks}


def _label(workspace: Workspace, a: argparse.Namespace) -> Any:
    labelling, who = workspace.open_project(a.project).labelling, _person(workspace, a)
    known = {c.name for c in labelling.classes()}
    for name in a.label if a.new else ():
        if name not in known:
            labelling.add_class(name)
    said = a.label if len(a.label) > 1 else a.label[0]
    event = labelling.none_of_these(a.item, who) if said == NONE_OF_THESE else labelling.label(a.item, said, who)
    return {"item": event.item, "label": event.after, "before": event.before, "event": event.id}


def _note(workspace: Workspace, a: argparse.Namespace) -> Any:
    event = workspace.open_project(a.project).labelling.note(a.item, a.text, _person(workspace, a))
    return {"item": event.item, "note": event.after, "before": event.before, "event": event.id}


def _guideline(workspace: Workspace, a: argparse.Namespace) -> Any:
    labelling = workspace.open_project(a.project).labelling
    labelling.set_guideline(a.label, a.text)
    return {"classes": [{"name": c.name, "guideline": c.guideline} for c in labelling.classes()]}


def _history(workspace: Workspace, a: argparse.Namespace) -> Any:
    return {"events": [plain(event) for event in workspace.open_project(a.project).labelling.history(a.item)]}


def _agreement(workspace: Workspace, a: argparse.Namespace) -> Any:
    people = workspace.open_project(a.project).people
    found = people.agreement()
    pairs = [{"one": one, "other": other, **asdict(kappa)} for (one, other), kappa in found.pairs.items()]
    return {**asdict(replace(found, pairs={})), "pairs": pairs, "to_settle": [asdict(d) for d in people.disputed()]}


def _person(workspace: Workspace, a: argparse.Namespace) -> str:
    return person(a.author) if a.author else workspace.settings.author


def _label_for_me(workspace: Workspace, a: argparse.Namespace) -> Any:
    return workspace.open_project(a.project).labelling.label_for_me(a.per_class, a.seed, workspace.settings.author)


def _train(workspace: Workspace, a: argparse.Namespace) -> Any:
    settings: dict[str, Any] = {}
    for pair in a.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"--set {pair} has no '='.", "Write it as --set rank=8.")
        settings[name] = value
    settings |= {k: v for k, v in (("shots", a.shots), ("seed", a.seed)) if v is not None}
    project = workspace.open_project(a.project)
    return _follow(project, project.training.start(a.model, a.method, settings))


def _runs(workspace: Workspace, a: argparse.Namespace) -> Any:
    return {"runs": [plain(run) for run in workspace.open_project(a.project).training.runs()]}


def _resume(workspace: Workspace, a: argparse.Namespace) -> Any:
    project = workspace.open_project(a.project)
    project.training.resume(a.run)
    return _follow(project, a.run)


def _cancel(workspace: Workspace, a: argparse.Namespace) -> Any:
    training = workspace.open_project(a.project).training
    training.stop(a.run, a.keep)
    return {"run": a.run, "asked": "stop and keep" if a.keep else "stop", "status": training.run(a.run).status}


def _auto(workspace: Workspace, a: argparse.Namespace) -> Any:
    search = workspace.open_project(a.project).auto
    if a.resume:
        search.resume()
    else:
        search.start(a.model, a.minutes, a.seed or 0)
    said = ""
    try:
        while not search.wait():
            said = show_search(search.state(), said)
    except KeyboardInterrupt:
        search.stop()
        search.wait(30)
    return plain(search.state())


def _compare(workspace: Workspace, a: argparse.Namespace) -> Any:
    testing = workspace.open_project(a.project).testing
    return comparison_json(testing.compare(a.model, a.run, a.shots, a.seed, _progress))


def _predict(workspace: Workspace, a: argparse.Namespace) -> Any:
    project = workspace.open_project(a.project)
    tables = project.testing.predict([_input(project, i) for i in a.inputs], a.model, a.run, a.shots, a.seed)
    return {"predictions": [{"input": i, **plain(t)} for i, t in zip(a.inputs, tables, strict=True)]}


def _search(workspace: Workspace, a: argparse.Namespace) -> Any:
    testing = workspace.open_project(a.project).testing
    path = Path(a.query)
    if len(a.query) < 1000 and path.is_file():
        found = testing.rank(path.read_bytes(), a.model, a.run, a.k, _progress)
    else:
        found = testing.search(a.query, a.model, a.run, a.k, _progress)
    return {ranking.method: {k: v for k, v in plain(ranking).items() if k != "method"} for ranking in found}


def _export(workspace: Workspace, a: argparse.Namespace) -> Any:
    project, folder = workspace.open_project(a.project), Path(a.to).expanduser()
    if a.what == "labels":
        made = project.sharing.labels(folder, a.format, _progress)
    elif a.what == "model":
        made = project.sharing.model(folder, a.run)
    elif a.report_page is None:
        raise CannotRun("Reports are not made from here.", "Use `python -m studio export PROJECT report`.")
    else:
        made = project.sharing.report(folder, a.report_page(project))
    return {"file": str(made.absolute())}


def _backup(workspace: Workspace, a: argparse.Namespace) -> Any:
    made = workspace.open_project(a.project).sharing.backup(Path(a.to).expanduser(), _progress)
    return {"file": str(made.absolute())}


def _restore(workspace: Workspace, a: argparse.Namespace) -> Any:
    project = workspace.restore(a.file, a.to, _progress)
    return {"project": project.id, "name": project.name, "task": project.task, "path": project.path}


def _account(workspace: Workspace, a: argparse.Namespace) -> Any:
    accounts = Accounts(workspace.settings.accounts)
    if a.remove:
        if a.name is None:
            raise BadInput("Nobody was named.", "Write `account NAME --remove`.")
        accounts.remove(a.name)
    elif a.name is not None:
        accounts.set(a.name, _password())
    return {"accounts": list(accounts.names())}


def _password() -> str:
    """Asked for twice at a terminal; else the first line that comes in. Never an argument: others could read it there."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("Once more: ") != password:
        raise BadInput("The two are not the same.", "Try again.")
    return password


def _doctor(workspace: Workspace, a: argparse.Namespace) -> Any:
    return workspace.doctor()


def _input(project: OpenProject, given: str) -> dict[str, bytes | str]:
    modality = project.modalities[0]
    if not (project.asks_by_file and project.classifies):
        return {modality: given}
    try:
        return {modality: Path(given).expanduser().read_bytes(), "name": given}
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"{given} cannot be read: {str(why).lower()}.", f"Give the path of a file with the {modality}.") from error


def _follow(project: OpenProject, run_id: str) -> dict[str, Any]:
    """Wait for a run of this process, its progress on stderr."""
    said = ""
    try:
        while not project.training.wait(run_id):
            said = show_run(project.training.run(run_id), said)
    except KeyboardInterrupt:
        project.training.stop(run_id)
        project.training.wait(run_id, 30)
    run = project.training.run(run_id)
    show_run(run, said)
    print(file=sys.stderr)
    return {"run": run.id, **{k: v for k, v in plain(run).items() if k not in {"id", "config"}}}


def _progress(done: int, total: int, what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}: {done}{f' of {total}' if total else ''}", end="", file=sys.stderr, flush=True)
        if done == total:
            print(file=sys.stderr)


ACTS: Mapping[str, Callable[[Workspace, argparse.Namespace], Any]] = {
    "samples": _samples,
    "new": _new,
    "import": _import,
    "models": _models,
    "items": _items,
    "label": _label,
    "note": _note,
    "guideline": _guideline,
    "history": _history,
    "agreement": _agreement,
    "label-for-me": _label_for_me,
    "train": _train,
    "auto": _auto,
    "runs": _runs,
    "compare": _compare,
    "predict": _predict,
    "search": _search,
    "export": _export,
    "check": _check,
    "backup": _backup,
    "restore": _restore,
    "account": _account,
    "doctor": _doctor,
    "resume": _resume,
    "cancel": _cancel,
}
"""What each command does."""
