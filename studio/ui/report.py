"""A project's report: what Compare found as one page that needs nothing beside it, for people who do not use Studio."""

from __future__ import annotations

import base64
import re
import time

from studio.core.errors import CannotRun, StudioError
from studio.ui import theme
from studio.ui.widgets.comparison import comparison_report
from studio.ui.widgets.evidence import calibration_section, curve_section
from studio.ui.widgets.markup import Markup, plural, tag
from studio.workspace.open_project import OpenProject

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may load for it: nothing."""

PICTURE = 240
"""Pixels a side."""


def report_page(project: OpenProject) -> str:
    """The whole HTML file, styles and pictures inside, every section unfolded. Raises CannotRun before the first comparison."""
    last = project.testing.last_comparison()
    if last is None:
        raise CannotRun("There is no comparison to report yet.", "Compare the methods first.")

    def picture(sha: str) -> str:
        try:
            data = base64.b64encode(project.labelling.picture(sha, PICTURE)).decode()
        except StudioError:  # gone, or damaged: its name stands there instead
            return "data:,"
        return f"data:image/jpeg;base64,{data}"

    sections, model = (calibration_section(last), curve_section(last)), project.model_title(last.model)
    found = comparison_report(last, *sections, picture=picture, model=model)
    title = f"{project.name}: report"
    head = Markup(
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">{theme.HEAD}'
        f"{tag('title', title)}<style>{_styles()}</style>"
    )
    # what people wrote is escaped, so that this can only be the element
    unfolded = Markup(found.replace("<details", "<details open"))
    body = tag("body", tag("main", _top(project), unfolded, tag("p", "Made with Studio.", class_="st-note")), class_="sr-page")
    return f'<!doctype html><html lang="en"><head>{head}</head>{body}</html>'


def _top(project: OpenProject) -> Markup:
    counts = project.labelling.counts()
    facts = [project.task_title, plural(counts.total, "item"), f"{counts.labelled:,} labelled"]
    facts += [f"Classes: {len(counts.by_class):,}"] if project.classifies else []
    today = time.strftime("%d %B %Y").lstrip("0")
    return tag("header", tag("h1", project.name), tag("p", " · ".join([today, *facts]), class_="st-note"))


def _styles() -> str:
    """The theme's colours and the pages' style sheets, without files: a font that is not installed has a substitute."""
    colours = re.sub(r"@font-face\s*{[^}]*}", "", theme.theme()._get_theme_css())
    alone = [line for line in colours.splitlines() if "url(" not in line]
    return "\n".join([*alone, *(sheet.read_text("utf-8") for sheet in theme.style_sheets())])
