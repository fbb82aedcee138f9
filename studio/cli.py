"""`python -m studio …`: the use cases of the pages, headless. With `--json`, one JSON object on stdout.

Progress goes to stderr. A StudioError becomes `{"error", "hint"}` and exit code 2. What a command takes stands in
`cli_arguments`, what it does in `cli_acts`, how it reads in `cli_text`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from studio.cli_acts import ACTS
from studio.cli_arguments import parser
from studio.cli_text import as_text, plain
from studio.core.errors import BadInput, RunError, StudioError
from studio.settings import Settings
from studio.workspace import Workspace
from studio.workspace.open_project import OpenProject


def main(argv: Sequence[str] | None = None, report_page: Callable[[OpenProject], str] | None = None) -> int:
    """Run one command; the exit code: 0, 2 for an error that was said, 1 where a run or search ended without a result.

    `report_page` draws a project's report: commands know no pages, so whoever starts them brings it.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in given
    try:
        arguments = parser().parse_args(given, argparse.Namespace(report_page=report_page))
    except BadInput as error:
        return _say_error(error, as_json)
    workspace = Workspace(Settings.from_environment())
    try:
        result = ACTS[arguments.command](workspace, arguments)
    except StudioError as error:
        return _say_error(error, as_json)
    except KeyboardInterrupt:
        return _say_error(RunError("Stopped by you.", "Whatever was running can be resumed."), as_json)
    except Exception as error:  # a script that reads JSON must get JSON; a person gets the traceback too
        if not as_json:
            traceback.print_exc()
        return _say_error(
            StudioError(f"{type(error).__name__}: {error}", "This is a fault in Studio; please report it."), as_json
        )
    finally:
        workspace.close()
    _say(json.dumps(plain(result), ensure_ascii=False) if arguments.json else as_text(arguments.command, plain(result)))
    status = result.get("status", "done") if arguments.command in ENDING else "done"
    return {"done": 0, "failed": 2}.get(status, 1)


ENDING = {"train", "resume", "auto"}
"""Commands that wait for an end, which may be another than `done`."""


def _say(words: str) -> None:
    try:
        print(words, flush=True)
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_error(error: StudioError, as_json: bool) -> int:
    if as_json:
        _say(json.dumps({"error": error.message, "hint": error.hint}, ensure_ascii=False))
    else:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
    return 2
