"""What each command of `python -m studio` takes. Does nothing with it."""

from __future__ import annotations

import argparse
from typing import NoReturn

from studio.core.errors import BadInput
from studio.core.types import NONE_OF_THESE, SPLITS, ImportOptions
from studio.workspace.labelling import modality_names
from studio.workspace.picking import ORDERS
from studio.workspace.sharing import label_formats
from studio.workspace.shelf import ModelShelf
from studio.workspace.training import methods


class _Parser(argparse.ArgumentParser):
    """A mistake in the arguments is an error of the house, so that `--json` answers with JSON."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`.")


def parser() -> argparse.ArgumentParser:
    """Of every command; what was asked for stands in `command`."""
    whole = _Parser(prog="python -m studio", description="Specialise a foundation model without writing code.")
    commands = whole.add_subparsers(dest="command", required=True)

    def command(name: str, help: str, *, project: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        if project:
            sub.add_argument("project", help="the project's folder, name or id")
        return sub

    command("samples", "list the sample projects that came with Studio", project=False)
    new = command("new", "create a project, empty or as a copy of a sample")
    kind = new.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--task", help="image-classification, image-multi-label, text-classification, text-multi-label or image-text"
    )
    kind.add_argument("--sample", metavar="NAME", help="fill it with a copy of this sample")
    new.add_argument("--name", help="what people see; the folder's name by default")
    _import_arguments(command("import", "import a folder, zip, CSV, JSONL, Parquet or hub data set"))
    command("models", "list what can be loaded here, offline included", project=False)
    items = command("items", "list items with their numbers, as `label` takes them")
    items.add_argument("--split", choices=SPLITS)
    items.add_argument("--label", help="those with this label")
    items.add_argument("--unlabelled", action="store_true", help="those without a label")
    items.add_argument("--search", default="", help="words in the text or the name")
    items.add_argument("--limit", type=int, default=60)
    items.add_argument(
        "--order", choices=ORDERS, default="imported", help="pick and unsure: unlabelled ones, as --model would have them"
    )
    items.add_argument("--model", help="which model chooses")
    label = command("label", "label one item")
    label.add_argument("item", type=int)
    label.add_argument("label", nargs="+", help=f"a class, or '{NONE_OF_THESE}'; in a multi-label project all that it is of")
    label.add_argument("--new", action="store_true", help="add the class where the project has none of that name")
    note = command("note", "write something beside an item; an empty text takes it away")
    note.add_argument("item", type=int)
    note.add_argument("text")
    for sub in (label, note):
        sub.add_argument("--as", dest="author", metavar="NAME", help="who says so")
    guideline = command("guideline", "say what belongs to a class, for people who label")
    guideline.add_argument("label", metavar="class")
    guideline.add_argument("text")
    history = command("history", "who did what with an item, oldest first")
    history.add_argument("item", type=int)
    command("agreement", "how far the people who label agree, and the items of which they say different things")
    given = command("label-for-me", "in a copy of a sample: label items with what the sample knows")
    given.add_argument("--per-class", type=int, default=8, help="items of each class (default: 8)")
    given.add_argument("--seed", type=int, default=0, help="which items")
    train = command("train", "train and wait, with progress on stderr")
    _model_arguments(train)
    train.add_argument("--method", default="lora", choices=methods(), help="lora, a rung of the ladder, or best")
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any setting, as in rank=8")
    auto = command("auto", "search for the best settings within a time budget, then choose among all methods")
    _model_arguments(auto, shots=False)
    auto.add_argument("--minutes", type=float, default=10.0, help="time for the trials")
    auto.add_argument("--resume", action="store_true", help="go on with the project's search that was stopped")
    command("runs", "list the runs")
    for name in ("resume", "cancel"):
        sub = command(name, f"{name} a run")
        sub.add_argument("run")
        if name == "cancel":
            sub.add_argument("--keep", action="store_true", help="keep the adapter as it stands")
    compare = command("compare", "compare every method on the held-out items, and say which to use")
    _model_arguments(compare)
    compare.add_argument("--run", help="the run to compare; the newest finished one by default")
    predict = command("predict", "predict texts, or pictures and other files by their paths")
    _model_arguments(predict)
    predict.add_argument("--run")
    predict.add_argument("inputs", nargs="+", metavar="INPUT")
    search = command("search", "image–text projects: pictures for a text, or texts for a picture (by path)")
    search.add_argument("--model", required=True)
    search.add_argument("--run")
    search.add_argument("-k", type=int, default=5, help="answers shown")
    search.add_argument("query", metavar="TEXT|PICTURE")
    export = command("export", "write a file to pass on: a trained model (zip), the labels (in several formats), a report (HTML)")
    export.add_argument("what", choices=("model", "labels", "report"))
    export.add_argument("--format", default="csv", choices=label_formats(), help="labels: in what form")
    export.add_argument("--run", help="model: the run; the newest finished LoRA run by default")
    export.add_argument("--to", default=".", metavar="FOLDER", help="where to write it; here by default")
    check = command("check", "look for items that are there twice and for labels that look wrong")
    check.add_argument("--model", help="which model says what labels look wrong; the project's by default")
    backup = command("backup", "the whole project as one file, while others go on working in it")
    backup.add_argument("--to", default=".", metavar="FOLDER", help="where to write it; here by default")
    restore = command("restore", "a project from such a file, every byte checked", project=False)
    restore.add_argument("file")
    restore.add_argument("--to", metavar="FOLDER", help="the project's new folder; one under Studio's home by default")
    account = command("account", "who may sign in where Studio is started with --auth", project=False)
    account.add_argument("name", nargs="?", help="make this account, or give it another password, which is asked for")
    account.add_argument("--remove", action="store_true", help="take it away, and sign it out everywhere")
    command("doctor", "versions, device, SQLite, what is offline, who is called", project=False)
    return whole


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source")
    for part in modality_names():
        parser.add_argument(f"--{part}", dest=part, metavar="COL", help=f"column with the {part}")
    parser.add_argument("--label", metavar="COL", help="column with the label")
    parser.add_argument("--split-column", metavar="COL", help="column with the split")
    parser.add_argument("--split", metavar="NAME", choices=SPLITS, help="put everything into this split")
    share = ImportOptions().test_share
    held_out = f"share held out where the source says no split; {share:g} by default"
    parser.add_argument("--test-share", type=float, default=share, metavar="SHARE", help=held_out)
    parser.add_argument("--no-labels", action="store_true", help="take the class names, but no labels")


def _model_arguments(parser: argparse.ArgumentParser, shots: bool = True) -> None:
    parser.add_argument("--model", required=True, help=ModelShelf.forms())
    if shots:
        parser.add_argument("--shots", type=int, help="labels per class; all by default")
    parser.add_argument("--seed", type=int, help="which labels, and every random draw")
