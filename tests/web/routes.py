"""Every route of the app as it is served, which here is made and not served; one JSON list of [method, path] on stdout."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes(found: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route, with something in the place of each parameter; what is mounted included."""
    for route in found:
        path = prefix + re.sub(r"{[^}]*}", "x", getattr(route, "path", ""))
        # what is mounted, and FastAPI's included routers, which keep their routes and their prefix to themselves
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from routes(included.routes, prefix + route.include_context.prefix)
            continue
        if inner := getattr(route, "routes", None):
            yield from routes(inner, path)
        for method in getattr(route, "methods", None) or METHODS:
            yield method, path or "/"
    yield "GET", prefix + "/nothing-of-that-name"


def main() -> None:
    from gradio.routes import App

    from studio.settings import Settings
    from studio.ui import build
    from studio.ui.server import add_media_route, app_kwargs
    from studio.workspace import Workspace

    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Settings(home=Path(home), offline=True))
        app = App.create_app(build(workspace), app_kwargs=app_kwargs(80))
        add_media_route(app, workspace)
        json.dump(sorted(set(routes(app.routes))), sys.stdout)
        workspace.close()


if __name__ == "__main__":
    main()
