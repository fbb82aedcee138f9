"""What a person does on each page, as steps for the browser tests and the screenshots. Waits for what is seen, never for time."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

READY = {
    "": ".sp-list, .sp .st-empty",
    "data": ".gd-cell, .gd .st-empty",
    "models": ".md-card",
    "label": ".lb-box img, .lb-box .lb-text, .lb .st-empty",
    "train": ".lr-status:not(:empty)",
    "test": "#test-examples [data-pick]",
    "compare": "#compare-start",
    "share": ".sr-card .st-note, .sr-missing",
    "groups": ".gp-row, .gp .st-empty",
    "check": ".ck-top",
    "agreement": ".ag-ask",
}
"""What each page shows when its script and the server have met."""

TOO_WIDE = """async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(done));
  await drawn(); await drawn();  // charts follow a new width one picture later
  const scrolls = (node) => {
    for (let n = node.parentElement; n && n !== document.body; n = n.parentElement)
      if (/auto|scroll/.test(getComputedStyle(n).overflowX)) return true;
    return false;
  };
  const outside = (node) => {
    const box = node.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && (box.right > innerWidth + 1 || box.left < -1);
  };
  return [...document.body.querySelectorAll("*")]
    .filter((node) => outside(node) && !scrolls(node) && node.checkVisibility({ visibilityProperty: true }))
    .map((node) => node.tagName + "." + node.className + " to " + Math.round(node.getBoundingClientRect().right));
}"""


def go(page: Any, name: str) -> None:
    """Open a page of the project and wait until it is alive."""
    page.goto(f"/{name}")
    page.locator(READY[name]).first.wait_for()


def new_project(page: Any, name: str, source: Path, labels: bool) -> None:
    """Create an image project and import `source`, with its labels or with its class names only."""
    go(page, "")
    field(page, "new-name").fill(name)
    page.click("#new-create")
    page.wait_for_url("**/data")
    import_from(page, source, labels)


def import_from(page: Any, source: Path, labels: bool, split: str = "As the source says") -> None:
    """Import on the Data page, whose form is open; wait for the report and the grid."""
    field(page, "import-path").fill(str(source))
    if not labels:
        page.get_by_label("Take the class names only: I label myself").check()
    page.get_by_label(split).check()
    page.click("#import-start")
    page.locator("#import-report", has_text=str(source)).wait_for()
    page.locator(".gd-cell").first.wait_for()


def import_more(page: Any, source: Path, labels: bool, split: str) -> None:
    """Import into a project that holds something already, so that the form has to be unfolded."""
    go(page, "data")
    page.locator("#import-report .dt-report").wait_for()  # the form is folded together with it
    page.locator("#import-form button").first.click()
    import_from(page, source, labels, split)


def load_model(page: Any, model: str) -> None:
    """Type a model's name on the Models page and wait until it is loaded."""
    go(page, "models")
    page.fill(".md-own input", model)
    page.click(".md-own button")
    page.locator(".md-card.used .st-badge", has_text=re.compile("^loaded$")).wait_for()


def shown(page: Any) -> str:
    """The name of the picture on the labelling desk."""
    return str(page.get_attribute(".lb-box img", "alt"))


def label_shown(page: Any, classes: Sequence[str]) -> None:
    """Press the digit of the class that the picture's file name begins with; wait until it is saved."""
    name = shown(page)
    label = re.sub(r"\d+\.\w+$", "", name)
    page.keyboard.press(str(classes.index(label) + 1))
    page.locator(".lb-live", has_text=f"Saved {name} as {label}").wait_for()


def start_lora(page: Any, steps: int, batch_size: int) -> None:
    """Start a short run with the preset's other settings and wait until it runs."""
    go(page, "train")
    page.locator("#train-start:not([disabled])").wait_for()
    page.get_by_label("Length").fill(str(steps))
    page.get_by_label("Batch size").fill(str(batch_size))
    # the command names what differs from the preset
    page.wait_for_function(f"document.querySelector('#train-command textarea').value.includes('steps={steps}')")
    page.click("#train-start")
    page.locator(".lr-status.running").wait_for()


def step(page: Any) -> int:
    """The training step that the status card shows."""
    found = re.search(r"Step\s+(\d+) of", page.inner_text(".lr-facts"))
    assert found
    return int(found[1])


PASTE = """(content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)), pasted = new DataTransfer();
  pasted.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: pasted, bubbles: true, cancelable: true }));
}"""


def ask_about(page: Any, picture: Path) -> None:
    """Drop a picture on the Test page and wait for the table of answers."""
    go(page, "test")
    page.set_input_files("#test-picture input[type=file]", str(picture))
    page.locator("#test-answers .lr-answers").wait_for()


def paste(page: Any, picture: Path) -> None:
    """Paste a picture somewhere on the Test page, and wait for the answer to it."""
    with page.expect_response(lambda r: "/upload" in r.url and r.ok):
        page.evaluate(PASTE, base64.b64encode(picture.read_bytes()).decode())
    page.locator("#test-answers .lr-answers").wait_for()


def compare(page: Any) -> str:
    """Press Compare; the words of the report, or of what stands in its way."""
    go(page, "compare")
    page.locator("#compare-start:not([disabled])").wait_for()
    page.click("#compare-start")
    outcome = page.locator(".lr-report, #compare-progress [role=alert]").first
    outcome.wait_for(timeout=180_000)
    return str(outcome.inner_text())


def share(page: Any, what: str) -> Any:
    """Click a card's button on the Share page; the download."""
    with page.expect_download(timeout=180_000) as saved:
        page.click(f"#share-{what}")
    return saved.value


def too_wide(page: Any) -> list[str]:
    """What reaches beyond the screen's sides. Gradio cuts it off there, so the document's own width does not tell."""
    found: list[str] = page.evaluate(TOO_WIDE)
    return found


def field(page: Any, elem_id: str) -> Any:
    """The input inside one of Gradio's text boxes."""
    return page.locator(f"#{elem_id} textarea, #{elem_id} input")
