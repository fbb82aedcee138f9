"""Takes the README's screenshots anew: a real project, a real model, a short LoRA run, in chromium at 1440 × 900.

    python -m tests.e2e.screenshots                      # writes assets/screenshots/*.png
    python -m tests.e2e.screenshots --phone FOLDER       # and every page at 390 × 844 into a folder

Needs ../shared beside the project and Debian's chromium; says so and exits with 0 where one is absent.
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.e2e.real_app import CHROMIUM, ROOT, chromium, running_app
from tests.e2e.walk import ask_about, compare, go, label_shown, load_model, new_project, start_lora

SHARED = ROOT.parent / "shared"
OUT = ROOT / "assets" / "screenshots"
MOST_BYTES = 250_000
COLOURS = 256
CLASSES = ["cardboard", "glass", "metal", "paper", "plastic", "trash"]
LABELLED = 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60, help="of the LoRA run, 32 pictures each")
    parser.add_argument("--phone", type=Path, metavar="FOLDER", help="also write phone-sized ones, of every page")
    flags = parser.parse_args()
    data, model = SHARED / "data" / "trashnet", SHARED / "models" / "miniclip"
    if not CHROMIUM.exists() or not data.is_dir() or not model.is_dir():
        print("The pictures, the model or Debian's chromium is not here: nothing to take.")
        return
    with chromium() as browser, tempfile.TemporaryDirectory() as home, running_app(Path(home) / "home") as address:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address)
        page = context.new_page()
        page.set_default_timeout(120_000)
        take(page, data, f"open_clip:local-dir:{model}", flags.steps, flags.phone)


def take(page: Any, data: Path, model: str, steps: int, phone: Path | None) -> None:
    """Label in one project, train, test and compare in another that came with its labels."""
    new_project(page, "Waste, labelled by hand", data / "train", labels=False)
    go(page, "label")
    for _ in range(LABELLED):
        label_shown(page, CLASSES)
    shoot(page, "label")
    if phone:
        shoot_phone(page, ["label"], phone)

    new_project(page, "Waste sorting", data, labels=True)
    load_model(page, model)
    start_lora(page, steps, 32)
    late = re.compile(rf"Step\s+({'|'.join(str(n) for n in range(int(0.7 * steps), steps + 1))}) of")
    page.locator(".lr-facts", has_text=late).wait_for(timeout=900_000)
    shoot(page, "train")
    page.locator(".lr-status.done").wait_for(timeout=900_000)

    picture = sorted((data / "test" / "metal").iterdir())[3]
    ask_about(page, picture)
    shoot(page, "test")
    if phone:
        phone_sized(page)
        save(page, phone / "test-answered.png")
        desktop_sized(page)
    compare(page)
    shoot(page, "compare")
    if phone:
        shoot_phone(page, ["", "data", "models", "train", "test", "compare"], phone)


def shoot(page: Any, name: str) -> None:
    """One picture for the README; Gradio's toasts and the pointer are out of the way."""
    page.mouse.move(0, 0)
    size = save(page, OUT / f"{name}.png")
    print(f"{name}.png  {size / 1000:.0f} kB" + ("  TOO LARGE" if size > MOST_BYTES else ""))


def shoot_phone(page: Any, names: list[str], folder: Path) -> None:
    phone_sized(page)
    for name in names:
        go(page, name)
        save(page, folder / f"{name or 'start'}.png")
    desktop_sized(page)


def phone_sized(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})


def desktop_sized(page: Any) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})


def save(page: Any, path: Path) -> int:
    """Write what the screen shows, once its pictures are there, in few colours; the file's bytes."""
    page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    return path.stat().st_size


if __name__ == "__main__":
    main()
