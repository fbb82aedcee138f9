"""How fast the Data page turns its pages: from a click on Next to the next 200 items painted, in headless chromium.

    python -m tests.bench.grid                       # 1,000 pictures of this script's own
    python -m tests.bench.grid --project FOLDER      # a project that is there, as `tests.bench.million --keep` leaves one

Counts from the browser's own time of the click to the moment after the frame in which the next page stood. Pictures come as they
are decoded: those that are in sight are waited for too, as a second figure. Says so and exits with 0 where Debian's chromium is
absent.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import keys
from tests.e2e.real_app import CHROMIUM, chromium, running_app
from tests.e2e.walk import field, go, new_project

PICTURES, PAGES, REACH_MS = 1_000, 20, 350.0
TURN = """async (next) => {
  const after = () => new Promise((done) => requestAnimationFrame(() => {
    const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0);
  }));
  const said = () => document.querySelector(".gd-pager span").textContent, before = said();
  const button = [...document.querySelectorAll(".gd-pager button")].find((one) => one.textContent.includes(next));
  const began = performance.now();
  button.click();
  while (said() === before) {
    await after();
    if (performance.now() - began > 20000) throw new Error("the page did not turn");
  }
  await after();
  const painted = performance.now() - began, items = document.querySelectorAll(".gd-cell").length;
  const seen = [...document.querySelectorAll(".gd-cell img")].filter((img) => img.getBoundingClientRect().top < innerHeight);
  await Promise.all(seen.map((img) => img.decode().catch(() => null)));
  await after();
  return { painted, pictured: performance.now() - began, items };
}"""


def measure(page: Any) -> dict[str, Any]:
    go(page, "data")
    turns = []
    for n in range(PAGES):
        turns.append(page.evaluate(TURN, "Next" if n % 6 < 3 else "Previous"))
        page.wait_for_timeout(300)
    found: dict[str, Any] = {"items": max(turn["items"] for turn in turns)}
    for name in ("painted", "pictured"):
        waits = sorted(turn[name] for turn in turns)
        found |= {f"{name}_p50": statistics.median(waits), f"{name}_p95": waits[round(0.95 * len(waits)) - 1]}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--project", type=Path)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not CHROMIUM.exists():
        print("Debian's chromium is not here: nothing to measure.")
        return
    with chromium() as browser, tempfile.TemporaryDirectory() as folder, running_app(Path(folder) / "home") as address:
        page = browser.new_page(base_url=address, viewport={"width": 1440, "height": 900})
        if flags.project:
            go(page, "")
            page.get_by_text("Open a project's folder", exact=False).click()
            field(page, "open-path").fill(str(flags.project.resolve()))
            page.click("#open-folder")
            page.wait_for_url(re.compile("/(data|label)$"))
        else:
            keys.pictures(Path(folder) / "source", PICTURES)
            new_project(page, "Grid", Path(folder) / "source", labels=True)
        found = measure(page)
    if flags.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<16}{value:>10,.0f}" + (f"  aim < {REACH_MS:g} ms" if name == "painted_p95" else ""))


if __name__ == "__main__":
    main()
