"""Takes the README's screenshots anew: a real project, a real model, a short LoRA run, in chromium at 1440 × 900.

    python -m tests.e2e.screenshots                      # writes assets/screenshots/*.png
    python -m tests.e2e.screenshots --phone FOLDER       # and every page at 390 × 844 into a folder

Paths of this machine are shown as `~/.studio` and `../shared`.
Needs ../shared beside the project and Debian's chromium; says so and exits with 0 where one is absent.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.e2e.real_app import CHROMIUM, ROOT, chromium, running_app
from tests.e2e.walk import ask_about, compare, go, label_shown, load_model, new_project, start_lora

SHARED = ROOT.parent / "shared"
OUT = ROOT / "assets" / "screenshots"
MOST_BYTES = 250_000
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
CLASSES = ["cardboard", "glass", "metal", "paper", "plastic", "trash"]
LABELLED = 14
RENAME = """(shown_as) => {
  const renamed = (text) => Object.entries(shown_as).reduce((said, [path, name]) => said.replaceAll(path, name), text);
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) words.currentNode.data = renamed(words.currentNode.data);
  for (const field of document.querySelectorAll("input, textarea")) if (field.type !== "file") field.value = renamed(field.value);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60, help="of the LoRA run, 32 pictures each")
    parser.add_argument("--phone", type=Path, metavar="FOLDER", help="also write phone-sized ones, of every page")
    flags = parser.parse_args()
    data, model = SHARED / "data" / "trashnet", SHARED / "models" / "miniclip"
    if not CHROMIUM.exists() or not data.is_dir() or not model.is_dir():
        print("The pictures, the model or Debian's chromium is not here: nothing to take.")
        return
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve() / "home"
        with running_app(home) as address:
            context = browser.new_context(viewport=DESKTOP, base_url=address)
            page = context.new_page()
            page.set_default_timeout(120_000)
            camera = Camera(page, {str(home): "~/.studio", str(SHARED): "../shared"}, flags.phone)
            take(page, camera, data, f"open_clip:local-dir:{model}", flags.steps)


def take(page: Any, camera: Camera, data: Path, model: str, steps: int) -> None:
    """Label in one project, train, test and compare in another that came with its labels."""
    new_project(page, "Waste, labelled by hand", data / "train", labels=False)
    go(page, "label")
    for _ in range(LABELLED):
        label_shown(page, CLASSES)
    camera.shoot("label")
    camera.walk(["label"])

    new_project(page, "Waste sorting", data, labels=True)
    load_model(page, model)
    start_lora(page, steps, 32)
    page.locator(".lr-status.done").wait_for(timeout=900_000)

    ask_telling(page, data / "test")
    camera.shoot("test")
    compare(page)
    camera.shoot("compare")
    camera.walk(["", "data", "models", "train", "test", "compare", "share"])


def ask_telling(page: Any, test: Path) -> None:
    """Ask about a picture that zero-shot gets wrong and fine-tuned right: it shows why there are three columns."""
    for picture in sorted(test.glob("*/*.jpg"))[:: len(CLASSES) + 1]:
        ask_about(page, picture)
        won = page.locator(".lr-answers tbody tr").evaluate_all(
            "rows => [0, 2].map((k) => rows.find((row) => row.cells[k + 1].matches('.won')).cells[0].innerText)"
        )
        if won[0] != picture.parent.name == won[1]:
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
