"""How fast the Label page is: from a key to the next picture painted, to its label shown as saved; and keys faster than anybody.

    python -m tests.bench.keys                 # 200 labels in headless chromium
    python -m tests.bench.keys --training      # while a run trains

Pictures of this script's own, the model that comes with Studio, its answers and its pick at work, as people have it. A key
counts from the browser's own time of the event to the moment after the frame in which the next picture, decoded, was drawn;
"saved" to the page's word that the label is on disk. Then 60 keys 25 ms apart, which have to label 60 different items. The
floor is an empty page's handler, measured in the same run. Says so and exits with 0 where Debian's chromium is absent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from studio.models.catalog import demo_id
from tests.e2e.real_app import CHROMIUM, chromium, running_app
from tests.e2e.walk import go, new_project

LABELS, FAST, PAUSE_MS, FAST_MS = 200, 60, 150, 25
PICTURES = 400
REACH = {"paint_p95": (30.0, 40.0), "saved_p95": (50.0, 80.0)}
"""Milliseconds, and while a run trains."""
WATCH = """
window.seen = [];
const after = (then) => requestAnimationFrame(() => {
  const c = new MessageChannel();
  c.port1.onmessage = then; c.port2.postMessage(0);
});
addEventListener("keydown", (e) => {
  if (!/^[12]$/.test(e.key)) return;
  const one = { down: e.timeStamp };
  window.seen.push(one);
  after(() => {
    const img = document.querySelector(".lb-box img");
    one.paint = performance.now(); one.ready = !img || img.complete;
  });
}, true);
window.watchSaved = () => new MutationObserver(() => {
  const said = document.querySelector(".lb-live").textContent, one = window.seen.find((s) => s.saved === undefined);
  if (one && said.startsWith("Saved ")) one.saved = performance.now();
}).observe(document.querySelector(".lb-live"), { childList: true, characterData: true, subtree: true });
null; // a function as the last value would be called
"""


def pictures(folder: Path, count: int = PICTURES) -> None:
    rng = np.random.default_rng(0)
    for n in range(count):
        where = folder / "train" / ("round", "square")[n % 2]
        where.mkdir(parents=True, exist_ok=True)
        made = Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)).resize((640, 480))
        draw = ImageDraw.Draw(made)
        x, y, size = (int(v) for v in rng.integers(20, 250, 3))
        (draw.ellipse if n % 2 == 0 else draw.rectangle)([x, y, x + size, y + size], fill="white")
        made.save(where / f"{n:03}.jpg", quality=85)


def measure(page: Any, source: Path, training: bool) -> dict[str, float]:
    new_project(page, "Keys", source, labels=False)
    go(page, "models")
    page.locator(".md-card", has_text="Demo CLIP").get_by_role("button").first.click()
    page.locator(".md-card.used").wait_for()
    floor = _floor(page)
    go(page, "label")
    page.locator(".lb-order-note", has_text="stands for most").wait_for()
    if training:
        for n in range(20):
            page.keyboard.press(str(n % 2 + 1))
        page.locator(".lb-done", has_text=f"20 of {PICTURES}").wait_for()
        go(page, "train")
        page.locator("#train-start:not([disabled])").click()
        page.locator(".lr-status.running").wait_for()
        go(page, "label")
        page.locator(".lb-order-note", has_text="stands for most").wait_for()
    page.evaluate(WATCH)
    page.evaluate("watchSaved(), null")
    for n in range(LABELS):
        page.keyboard.press(str(n % 2 + 1))
        page.wait_for_timeout(PAUSE_MS)
    page.wait_for_function("window.seen.every((one) => one.saved !== undefined)")
    seen = page.evaluate("window.seen")
    before = _labelled(page)
    for n in range(FAST):
        page.keyboard.press(str(n % 2 + 1))
        page.wait_for_timeout(FAST_MS)
    page.locator(".lb-done", has_text=f"{before + FAST} of").wait_for()
    page.wait_for_function("window.seen.every((one) => one.saved !== undefined)")
    page.reload()  # as the server has it
    page.locator(".lb-done").wait_for()
    paint = sorted(one["paint"] - one["down"] for one in seen)
    saved = sorted(one["saved"] - one["down"] for one in seen)
    found = {"floor_p95": floor, "paint_p50": statistics.median(paint), "paint_p95": paint[round(0.95 * len(paint)) - 1]}
    found |= {"saved_p50": statistics.median(saved), "saved_p95": saved[round(0.95 * len(saved)) - 1]}
    return {**found, "undecoded": sum(not one["ready"] for one in seen), "fast_labelled": _labelled(page) - before}


def _floor(page: Any) -> float:
    """What the browser itself takes from a key to the frame after it."""
    page.goto("about:blank")
    page.evaluate(WATCH)
    for _ in range(60):
        page.keyboard.press("1")
        page.wait_for_timeout(PAUSE_MS // 3)
    took = sorted(one["paint"] - one["down"] for one in page.evaluate("window.seen"))
    return float(took[round(0.95 * len(took)) - 1])


def _labelled(page: Any) -> int:
    return int(page.inner_text(".lb-done").split(" of ")[0].replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--training", action="store_true", help="while a run trains")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not CHROMIUM.exists() or demo_id() is None:
        print("Debian's chromium or the model that comes with Studio is not here: nothing to measure.")
        return
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder) / "source")
        with running_app(Path(folder).resolve() / "home") as address:
            page = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address).new_page()
            page.set_default_timeout(300_000)
            found = {name: round(value, 1) for name, value in measure(page, Path(folder) / "source", flags.training).items()}
    if flags.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        reach = REACH.get(name, (None, None))[flags.training]
        print(f"{name:<14}{value:8.1f}{f'   reach {reach:g} ms' if reach else ''}")


if __name__ == "__main__":
    main()
