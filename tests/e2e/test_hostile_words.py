"""Words that try to be HTML, in every field that a person or a file can fill: shown as they are on every page, and never run."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.core.types import ImportOptions, ItemFilter
from studio.settings import Settings
from studio.workspace import Workspace
from tests.e2e.walk import READY, field, go

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORDS = (
    "<script data-xss>alert(1)</script>",
    "<img data-xss src=x onerror=alert(2)>",
    "<svg data-xss onload=alert(3)></svg>",
    "\"'><b data-xss onmouseover=alert(4)>x</b>",
    "<iframe data-xss srcdoc='<script>alert(5)</script>'></iframe>",
    "[x](javascript:alert(6)) <a data-xss href=javascript:alert(7)>y</a>",
    "${alert(8)} {{constructor.constructor('alert(9)')()}}",
    "</textarea></title></style><style data-xss>*{display:none}</style>",
)
FOUND = "() => [...document.querySelectorAll('[data-xss], a[href^=javascript]')].map((node) => node.outerHTML)"


def filled(home: Path, folder: Path) -> None:
    """Three projects of such words: texts, pairs, and several classes an item; with notes, guidelines, phrases and disputes."""
    folder.mkdir()
    workspace = Workspace(Settings(home=home, device="cpu", offline=True))
    for task in ("text-multi-label", "image-text", "text-classification"):
        project = workspace.create_project(f"{task} {WORDS[0]} {WORDS[3]}", task)
        rows = []
        for n in range(24):
            words = WORDS[n % len(WORDS)]
            # a slash ends a file's name, so there the words are without
            picture = f"{n} {words.replace('/', '')[:80]}.png"
            label = WORDS[n % 3] if n < 18 else ""
            row = {"text": f"{n} {words}", "label": label, "split": "test" if n % 3 == 2 else "train"}
            if task == "image-text":
                Image.new("RGB", (40, 30), (n * 9, 99, 120)).save(folder / picture)
                row["image"] = picture
            rows.append(row)
        with (folder / f"{task}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        labelling = project.labelling
        assert labelling.import_data(str(folder / f"{task}.csv"), ImportOptions()).added == 24
        first, second, *_ = labelling.page(ItemFilter()).items
        labelling.note(first.id, WORDS[1])
        for info in labelling.classes():
            labelling.set_guideline(info.name, WORDS[2])
            labelling.set_phrase(info.name, WORDS[3])
        labelling.set_templates([f"{{}} {WORDS[4]}"])
        if project.classifies:
            names = [info.name for info in labelling.classes()]
            labelling.label(second.id, names[0], WORDS[1][:60])
            labelling.label(second.id, names[1], "ben", saw=None)
    workspace.close()


@pytest.fixture
def projects(tmp_path: Path) -> None:
    filled(tmp_path / "home", tmp_path / "rows")


@pytest.fixture
def page(projects: None, page: Any) -> Iterator[Any]:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield page
    assert not dialogs


def test_hostile_words_are_shown_as_they_are_on_every_page_and_never_run(page: Any) -> None:
    go(page, "")
    assert page.evaluate(FOUND) == [] and page.get_by_text(WORDS[0]).first.is_visible()
    for number in range(3):
        go(page, "")
        page.locator(".sp-list button", has_text="Open").or_(page.locator(".sp-list button", has_text="Go on")).nth(
            number
        ).click()
        page.wait_for_url(lambda url: not url.endswith("/"))
        for name in READY:
            if name and name != "test":  # without a model, nothing stands there to be picked
                page.goto(f"/{name}")
                page.locator(READY[name]).first.wait_for(state="attached")
                page.wait_for_timeout(300)  # a script of theirs would run now
                assert page.evaluate(FOUND) == [], name
        go(page, "data")
        page.get_by_text(WORDS[1]).filter(visible=True).first.wait_for()
        page.get_by_label("Search names and texts").fill(WORDS[1])
        page.wait_for_timeout(800)
        assert page.evaluate(FOUND) == []


def test_hostile_words_that_a_person_types_are_shown_as_they_are(page: Any) -> None:
    go(page, "label")
    page.locator(".lb-box .lb-text").wait_for()
    for words in WORDS[:3]:
        page.locator(".lb-new input").first.fill(words[:60])
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
        assert page.evaluate(FOUND) == []
    go(page, "")
    for words in WORDS:
        field(page, "new-name").fill(words)
        field(page, "new-folder").fill(f"/proc/{words}")  # is refused, in words that quote it
        page.click("#new-create")
        page.locator(".toast-wrap, .toast-body").first.wait_for()
        assert page.evaluate(FOUND) == []
        go(page, "")
