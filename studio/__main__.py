"""`python -m studio …`."""

import os
import sys

from studio.cli import main
from studio.workspace.open_project import OpenProject


def report_page(project: OpenProject) -> str:
    """A report is made of the pages' parts: only the command that writes one imports them."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # Gradio reads it when it is imported
    from studio.ui.report import report_page as page

    return page(project)


if __name__ == "__main__":
    sys.exit(main(report_page=report_page))
