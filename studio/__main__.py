"""`python -m studio …`."""

import os
import sys

from studio.cli import main
from studio.settings import NO_TELEMETRY
from studio.workspace.open_project import OpenProject


def report_page(project: OpenProject) -> str:
    """A report is made of the pages' parts: only the command that writes one imports them."""
    from studio.ui.report import report_page as page

    return page(project)


if __name__ == "__main__":
    os.environ.update(NO_TELEMETRY)  # read when Gradio and the hub's client are imported, which is later
    sys.exit(main(report_page=report_page))
