"""Seconds from the process start to the first page interactive in chromium.

    python -m tests.bench.start
    python -m tests.bench.start --runs 9 --json

Interactive: the button that creates a project takes clicks, and the list of projects, which the page's script asks the
server for, is there. The browser runs before the clock starts. Needs Debian's chromium; says so and exits with 0 without it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.e2e.real_app import CHROMIUM, chromium, running_app

AIM_S = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not CHROMIUM.exists():
        print("Debian's chromium is not installed: nothing to measure.")
        return
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        # the first start writes byte code and fills the disk cache: it does not count
        starts = [start(browser, Path(folder) / f"home{n}") for n in range(flags.runs + 1)][1:]
    port, page = ([one[part] for one in starts] for part in ("serving_s", "interactive_s"))
    found = {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "runs": flags.runs,
        "serving_s": statistics.median(port),
        "interactive_s": statistics.median(page),
        "all_s": [round(seconds, 2) for seconds in page],
    }
    print(json.dumps(found) if flags.json else table(found))


def start(browser: Any, home: Path) -> dict[str, float]:
    """One start over an empty home: seconds until it says its address, and until the page can be used."""
    home.mkdir()
    began = time.perf_counter()
    with running_app(home) as address:
        serving = time.perf_counter() - began
        page = browser.new_page()
        page.goto(address, wait_until="commit")
        page.locator(".sp .st-empty").wait_for()
        page.locator("#new-create").click(trial=True)
        interactive = time.perf_counter() - began
        page.close()
    return {"serving_s": serving, "interactive_s": interactive}


def table(found: dict[str, Any]) -> str:
    return (
        f"{found['cores']} cores, load {found['load']}, median of {found['runs']} starts\n"
        f"serving      {found['serving_s']:.2f} s\n"
        f"interactive  {found['interactive_s']:.2f} s  (aim: under {AIM_S:g} s; each: {found['all_s']})"
    )


if __name__ == "__main__":
    main()
