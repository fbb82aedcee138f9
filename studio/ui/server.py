"""The pages' server: the routes for pictures and for what the widgets' scripts ask, the middleware, and a port that is free.

Media go through the open project alone; no path of a file is ever taken from a request.
"""

from __future__ import annotations

import json
import math
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
import psutil
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from studio.core.errors import BadInput, StudioError
from studio.ui.guard import LARGEST_BODY, LOOPBACK, Guard
from studio.ui.login import Login
from studio.workspace import Workspace
from studio.workspace.accounts import Accounts

PICTURE_SIZES = frozenset({96, 240, 768})

MEDIA = "/studio/media"

FUNCTIONS = "/gradio_api/component_server"
"""Where Gradio's client asks for a widget's function, with a slash at the end."""

FUNCTIONS_AT_ONCE = 256
"""Threads in which pages' functions wait: one for each act, and one for each person who looks at a model's suggestion, which
comes after those of the others."""
PICTURES_AT_ONCE = 8
"""Those that were not yet made small take a core, and memory, each."""

EVERYWHERE = frozenset({"0.0.0.0", "::"})

_INTERNET = (socket.AF_INET, socket.AF_INET6)

_SHA256 = re.compile(r"[0-9a-f]{64}")

_PROJECT_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


def app_kwargs(
    port: int,
    host: str = "127.0.0.1",
    names: Sequence[str] = (),
    largest_upload: int = LARGEST_BODY,
    accounts: Accounts | None = None,
) -> dict[str, Any]:
    """Arguments for the FastAPI app: the guard around everything, the login within it where there are `accounts`; none of
    FastAPI's own descriptions and documentation pages."""
    around = [Middleware(Guard, hosts=hosts_of(host), port=lambda: port, names=names, largest_upload=largest_upload)]
    if accounts is not None:
        around.append(Middleware(Login, accounts=accounts, port=port))
    return {"middleware": around, "lifespan": _outermost, "openapi_url": None, "docs_url": None, "redoc_url": None}


@asynccontextmanager
async def _outermost(app: FastAPI) -> AsyncIterator[None]:
    """Gradio puts its own middleware around what it was given, and would answer other sites' preflights before the guard."""
    ours: tuple[Any, ...] = (Guard, Login)
    app.user_middleware.sort(key=lambda one: one.cls not in ours)
    app.middleware_stack = None  # made anew for the first request
    yield


def hosts_of(host: str) -> frozenset[str]:
    """Under which names a server at that address is reached: for one that listens everywhere, all of this computer's."""
    if host in LOOPBACK:
        return LOOPBACK
    if host not in EVERYWHERE:
        return LOOPBACK | {host}
    addresses = {a.address.partition("%")[0] for found in psutil.net_if_addrs().values() for a in found if a.family in _INTERNET}
    return LOOPBACK | addresses | {socket.gethostname(), socket.getfqdn()}


def add_media_route(app: FastAPI, workspace: Workspace) -> None:
    """`GET /studio/media/{project}/{sha256}/{size}`: a JPEG picture, cacheable for ever because its address is its content."""

    limiter = CapacityLimiter(PICTURES_AT_ONCE)

    async def media(request: Request) -> Response:
        parts = request.path_params
        return await run_sync(_picture, workspace, parts["project"], parts["sha"], parts["size"], limiter=limiter)

    _first(app, f"{MEDIA}/{{project}}/{{sha}}/{{size}}", media, "GET")


def add_functions_route(app: FastAPI, demo: gr.Blocks) -> None:
    """`POST /gradio_api/component_server`, for every label that is given and every picture that comes: what Gradio's own route
    answers, without most of its work.

    That one looks through a hundred routes, works out the function's signature and walks over the answer, each time anew, and
    opens a session; and its threads are those of everything else, so that acts wait where pictures or suggestions do. Here the
    functions are known beforehand. Takes JSON alone, no files.
    """
    limiter = CapacityLimiter(FUNCTIONS_AT_ONCE)
    functions = {
        (number, function.__name__): function
        for number, block in demo.blocks.items()
        for function in getattr(block, "server_fns", ())
    }

    async def answer(request: Request) -> Response:
        try:
            asked = await request.json()
            function = functions.get((asked["component_id"], asked["fn_name"]))
            data = asked["data"]
        except (ValueError, RecursionError, KeyError, TypeError):
            return PlainTextResponse("That names no function of a page.", status_code=400)
        if function is None:
            return PlainTextResponse("There is no such function.", status_code=404)
        return Response(await run_sync(lambda: _as_json(function(data)), limiter=limiter), media_type="application/json")

    for path in (FUNCTIONS, f"{FUNCTIONS}/"):
        _first(app, path, answer, "POST")


def _as_json(answer: Any) -> bytes:
    """With null for a number that is none, as JSON has no word for it, and a question mark for half a character."""
    try:
        written = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        written = json.dumps(_without_nan(answer), ensure_ascii=False, separators=(",", ":"))
    return written.encode("utf-8", "replace")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _first(app: FastAPI, path: str, answer: Callable[[Request], Awaitable[Response]], method: str) -> None:
    """Gradio answers every path, so this route has to be asked before its own."""
    app.router.routes.insert(0, Route(path, answer, methods=[method], include_in_schema=False))


def picture_at(project: str, sha: str, size: int = 240) -> str:
    """The address at which `add_media_route` serves that picture."""
    return f"{MEDIA}/{project}/{sha}/{size}"


def free_port(host: str, wanted: int | None, first: int = 7860, tries: int = 40) -> int:
    """The wanted port, or the first free one. Raises BadInput where the wanted one, or all of them, are in use."""
    candidates = range(first, first + tries) if wanted is None else [wanted]
    for port in candidates:
        if _is_free(host, port):
            return port
    what = f"Port {wanted} is in use" if wanted is not None else f"Ports {first} to {first + tries - 1} are all in use"
    raise BadInput(f"{what}.", "Another Studio may be running: look there first, or give a free one with --port.")


def _picture(workspace: Workspace, project_id: str, sha: str, size: str) -> Response:
    if not _PROJECT_ID.fullmatch(project_id) or not _SHA256.fullmatch(sha) or size not in map(str, PICTURE_SIZES):
        return PlainTextResponse("There is no such picture.", status_code=404)
    try:
        project = workspace.project(project_id)
        if project is None:
            return PlainTextResponse("There is no such project.", status_code=404)
        picture = project.labelling.picture(sha, int(size))
    except StudioError as error:
        return PlainTextResponse(str(error), status_code=404)
    # private: a shared cache must not keep one person's pictures
    headers = {"cache-control": "private, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(picture, media_type="image/jpeg", headers=headers)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
