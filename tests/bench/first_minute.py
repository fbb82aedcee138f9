"""What a newcomer waits for: from `python app.py` to the page, the first answers, the end of fine-tuning, on the parts sample.

    python -m tests.bench.first_minute               # median of three, a new home each
    python -m tests.bench.first_minute --runs 1 --json

In a headless browser, offline, with the model that comes with Studio. Says so and exits with 0 where Debian's chromium or that
model is absent. "First zero-shot answer" begins with the click on the sample; "few-shot" with the key of the tenth label.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from studio.models.catalog import DEMO
from tests.e2e.real_app import CHROMIUM, chromium, running_app
from tests.e2e.walk import go

REACH = {"page": 5.0, "zero_shot": 8.0, "few_shot": 1.0, "lora": 60.0}
"""Seconds."""
SAID = {
    "page": "from `python app.py` to the page",
    "zero_shot": "from opening the sample to the first zero-shot answer",
    "few_shot": "from the tenth label to few-shot's answer with it",
    "lora": "LoRA on 48 labels, from Start to its end",
}


def first_minute(browser: Any, home: Path) -> dict[str, float]:
    """One newcomer: seconds of each wait."""
    found, begun = {}, time.perf_counter()
    with running_app(home) as address:
        page = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address).new_page()
        page.set_default_timeout(300_000)
        go(page, "")
        found["page"] = time.perf_counter() - begun
        begun = time.perf_counter()
        page.locator(".sm-card[data-name=parts]").click()
        page.locator(".lb-said", has_text="%").first.wait_for()
        found["zero_shot"] = time.perf_counter() - begun
        for n in range(9):
            _label(page, n)
        begun = time.perf_counter()
        _label(page, 9)
        found["few_shot"] = time.perf_counter() - begun
        page.get_by_role("button", name="Label 8 per class for me").click()
        page.locator(".lb-toast", has_text="Labelled 48").wait_for()
        go(page, "train")
        page.locator("#train-start:not([disabled])").click()
        begun = time.perf_counter()
        page.locator(".lr-status.done").wait_for()
        found["lora"] = time.perf_counter() - begun
        page.context.close()
    return found


def _label(page: Any, n: int) -> None:
    """The n-th label, by its key; returns once both methods have answered for the next picture."""
    page.keyboard.press(str(n % 6 + 1))
    page.locator(".lb-suggest:not(.busy)", has_text=f"of {n + 1} times").wait_for()


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    if not CHROMIUM.exists() or not list(DEMO.glob("*.safetensors")):
        print("Debian's chromium or the model that comes with Studio is not here: nothing to measure.")
        return
    seen = []
    with chromium() as browser:
        for _ in range(flags.runs):
            with tempfile.TemporaryDirectory() as folder:
                seen.append(first_minute(browser, Path(folder) / "home"))
    median = {name: round(statistics.median(one[name] for one in seen), 2) for name in REACH}
    if flags.json:
        print(json.dumps(median))
        return
    for name, seconds in median.items():
        print(f"{SAID[name]:60s} {seconds:6.2f} s   reach {REACH[name]:g} s{'' if seconds <= REACH[name] else '   MISSED'}")


if __name__ == "__main__":
    main()
