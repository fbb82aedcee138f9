"""Takes the README's screenshots anew: the parts sample, the model that comes with Studio, a LoRA run, in chromium at 1440 × 900.

    python -m tests.e2e.screenshots                      # writes assets/screenshots/*.png
    python -m tests.e2e.screenshots --phone FOLDER       # and every page at 390 × 844 into a folder

The home of that Studio is shown as `~/.studio`. Needs Debian's chromium; says so and exits with 0 where it is absent.
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.e2e.real_app import CHROMIUM, ROOT, chromium, running_app
from tests.e2e.walk import ask_about, compare, go, shown

SAMPLE = ROOT / "assets" / "samples" / "parts"
OUT = ROOT / "assets" / "screenshots"
MOST_BYTES = 250_000
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LABELLED = 14
RENAME = """(shown_as) => {
  const renamed = (text) => Object.entries(shown_as).reduce((said, [path, name]) => said.replaceAll(path, name), text);
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) words.currentNode.data = renamed(words.currentNode.data);
  for (const field of document.querySelectorAll("input, textarea")) if (field.type !== "file") field.value = renamed(field.value);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--phone", type=Path, metavar="FOLDER", help="also write phone-sized ones, of every page")
    flags = parser.parse_args()
    if not CHROMIUM.exists():
        print("Debian's chromium is not here: nothing to take.")
        return
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve() / "home"
        with running_app(home) as address:
            page = browser.new_context(viewport=DESKTOP, base_url=address).new_page()
            page.set_default_timeout(300_000)
            take(page, Camera(page, {str(home): "~/.studio"}, flags.phone))


def take(page: Any, camera: Camera) -> None:
    """The guided first run: label by hand, let the sample label the rest, train, ask, compare."""
    with (SAMPLE / "items.csv").open() as table:
        truth = {Path(row["image"]).name: row["label"] for row in csv.DictReader(table)}
    go(page, "")
    page.locator(".sm-card[data-name=parts]").click()
    page.wait_for_url("**/label")
    page.locator(".lb-said", has_text="Zero-shot").wait_for()
    for n in range(LABELLED):
        label_truly(page, truth, n)
    camera.shoot("label")
    camera.walk(["label"])
    for more in (48, 96):
        page.get_by_role("button", name="Label 8 per class for me").click()
        page.locator(".lb-done", has_text=f"{120 + LABELLED + more} of 300").wait_for()

    go(page, "train")
    page.locator("#train-start:not([disabled])").click()
    page.locator(".lr-status.done").wait_for(timeout=900_000)

    ask_telling(page, truth)
    camera.shoot("test")
    compare(page)
    camera.shoot("compare")
    camera.walk(["", "data", "models", "train", "test", "compare", "share"])


def label_truly(page: Any, truth: dict[str, str], n: int) -> None:
    """The n-th label, by the button of the true class; returns once both methods have answered for the next picture."""
    page.locator(".lb-classes button", has_text=truth[shown(page)]).click()
    page.locator(".lb-suggest:not(.busy)", has_text=f"of {n + 1} times").wait_for()


def ask_telling(page: Any, truth: dict[str, str]) -> None:
    """Ask about a test picture that zero-shot gets wrong and fine-tuned right: it shows why there are three columns."""
    with (SAMPLE / "items.csv").open() as table:
        test = [row["image"] for row in csv.DictReader(table) if row["split"] == "test"]
    for image in test:
        ask_about(page, SAMPLE / image)
        won = page.locator(".lr-answers tbody tr").evaluate_all(
            "rows => [0, 2].map((k) => rows.find((row) => row.cells[k + 1].matches('.won')).cells[0].innerText)"
        )
        if won[0] != truth[Path(image).name] == won[1]:
            return


class Camera:
    """Takes pictures of a page. `shown_as`: what stands in them for this machine's paths."""

    def __init__(self, page: Any, shown_as: dict[str, str], phone: Path | None) -> None:
        self.page = page
        self.shown_as = shown_as
        self.phone = phone

    def shoot(self, name: str) -> None:
        """One picture for the README, and the same page on a phone where those are wanted."""
        self.page.mouse.move(0, 0)
        size = self.save(OUT / f"{name}.png")
        print(f"{name}.png  {size / 1000:.0f} kB" + ("  TOO LARGE" if size > MOST_BYTES else ""))
        if self.phone:
            self.page.set_viewport_size(PHONE)
            self.save(self.phone / f"{name}-seen.png")
            self.page.set_viewport_size(DESKTOP)

    def walk(self, names: list[str]) -> None:
        """Pages as they open on a phone, where those are wanted."""
        if not self.phone:
            return
        self.page.set_viewport_size(PHONE)
        for name in names:
            go(self.page, name)
            self.save(self.phone / f"{name or 'start'}.png")
        self.page.set_viewport_size(DESKTOP)

    def save(self, path: Path) -> int:
        """Write what the screen shows, once its pictures are there; in few colours where it would be too large. Its bytes."""
        self.page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
        self.page.evaluate(RENAME, self.shown_as)
        picture = Image.open(io.BytesIO(self.page.screenshot(animations="disabled"))).convert("RGB")
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:
            picture.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
        return path.stat().st_size


if __name__ == "__main__":
    main()
