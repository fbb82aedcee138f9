"""The whole table of faults with its full numbers; what was measured is written into README.md beside this file.

    python -m tests.faults                                  # every part, one after the other
    python -m tests.faults kills-while-labelling --repeats 20

A part that finds something wrong, or misses a limit, is written down as it is, and the exit code is 1. Rows of parts that were
not asked for stay.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.load import one_loop_ms
from tests.faults.table import PARTS, Part

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->"
HEAD = ("| Part | Tries | Found | Seconds | Day |\n", "|---|---|---|---|---|\n")


def measure(part: Part, tries: int) -> tuple[str, bool]:
    """(a row of the table, whether nothing is wrong or missed)."""
    loop_ms = round(one_loop_ms())
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = part.tried(Path(folder).resolve(), tries)
    said, good = judged(part, {**found, "loop_ms": loop_ms} if part.limits else found)
    day = time.strftime("%Y-%m-%d")
    return f"| {part.name} | {tries} | {said} | {time.monotonic() - started:.0f} | {day} |\n", good


def judged(part: Part, found: Mapping[str, int | float]) -> tuple[str, bool]:
    """(the figures in words, each limit beside its own, whether nothing is wrong or missed)."""
    wrong = {name for name in part.has_to_be_0 if found[name]}
    missed = {name for name, limit in part.limits.items() if not found[name] < limit}
    words = []
    for name, value in found.items():
        limit = f" (< {part.limits[name]:.10g})" if name in part.limits else ""
        figure = f"{value:.10g}{limit}"
        words.append(f"{name.replace('_', ' ')} " + (f"**{figure}**" if name in wrong | missed else figure))
    verdict = " and ".join(word for word, names in (("wrong", wrong), ("missed", missed)) if names)
    return (f"**{verdict}:** " if verdict else "") + ", ".join(words), not verdict


def write(rows: dict[str, str]) -> None:
    """Put these rows into the README's table, in the order of the parts."""
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    known = {found[1]: f"{line}\n" for line in table.splitlines() if (found := re.match(r"\| ([a-z-]+) \|", line))}
    known |= rows
    lines = [*HEAD, *(known[name] for name in PARTS if name in known)]
    machine = f"\nThe newest on {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n"
    README.write_text(f"{before}{BEGIN}{''.join(lines)}{machine}{END}{after}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=str(__doc__).partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--repeats", type=int, help="fewer tries than the table asks for")
    flags = parser.parse_args()
    if unknown := set(flags.parts) - set(PARTS):
        parser.error(f"there is no part {min(unknown)!r}")
    well = True
    for name in flags.parts or PARTS:
        part = PARTS[name]
        row, good = measure(part, min(part.full, flags.repeats or part.full))
        print(row, end="", flush=True)
        write({name: row})
        well = well and good
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
