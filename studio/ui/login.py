"""Login: nobody passes who is not signed in. An ASGI middleware over every route, inside the guard.

Owns the page to sign in and its cookie; whom it lets in, `Accounts` says. Slows down who guesses. Knows nothing of projects.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from html import escape
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.core.errors import StudioError
from studio.ui.guard import LOOPBACK
from studio.workspace.accounts import SESSION_S, Accounts

log = logging.getLogger(__name__)

PATH, OUT = "/login", "/logout"
STARTED = "/gradio_api/startup-events"
"""Gradio asks this of itself, once, before it says that it serves."""
LONGEST_FORM = 8_192
"""Bytes of a name and a password."""
TRIES, TRIES_OF_ALL, WITHIN_S = 10, 100, 60.0
"""Wrong passwords from one address before it has to wait, and from all of them before everybody has to: which address a request
comes from is what a proxy says."""
MOST_ADDRESSES = 10_000


class Login:
    """`port` is in the cookie's name: the cookies of one host are shared between its ports."""

    def __init__(self, app: ASGIApp, accounts: Accounts, port: int) -> None:
        self.app = app
        self.accounts = accounts
        self.cookie = f"studio_session_{port}"
        self._started = False
        self._tries, self._all_tries = _Tries(TRIES), _Tries(TRIES_OF_ALL)
        self._one_at_a_time = asyncio.Semaphore(1)  # argon2 takes 64 MB each time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        name, answer, token = None, None, self._token(scope)
        try:
            name = self.accounts.signed_in(token) if token else None
            if scope["type"] == "http" and scope["path"] in (PATH, OUT):
                answer = await self._door(Request(scope, receive), name, token)
        except (StudioError, OSError) as error:  # nobody is let in on a guess
            log.error("Nobody can sign in: %s", error)
            answer = PlainTextResponse("Who may sign in cannot be read. The terminal where Studio was started says why.", 503)
        if answer is not None and scope["type"] == "http":
            await answer(scope, receive, send)
        elif name is not None and token is not None:
            stays = _WhileSignedIn(lambda: self.accounts.signed_in(token) is not None, receive, send)
            await self.app(scope, stays.receive, stays.send)
        elif self._is_start(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refused(Request(scope, receive))(scope, receive, send)

    async def _door(self, request: Request, name: str | None, token: str | None) -> Response:
        if request.url.path == OUT and request.method == "POST":
            if token:
                await run_in_threadpool(self.accounts.sign_out, token)
            answer: Response = RedirectResponse(PATH, 303)
            answer.delete_cookie(self.cookie)
            return answer
        if request.method == "POST" and request.url.path == PATH:
            return await self._signing_in(request)
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Not so.", 405)
        return HTMLResponse(_signed_in_page(name)) if name else HTMLResponse(_form(request.query_params.get("next", "/")))

    async def _signing_in(self, request: Request) -> Response:
        address = request.client.host if request.client else ""
        form = await _form_of(request)
        if form is None:
            return PlainTextResponse("That is more than a name and a password.", 413)
        on = _within(form.get("next", "/"))
        if wait := max(self._tries.wait(address), self._all_tries.wait("")):
            words = f"Too many wrong passwords. Try again in {round(wait)} s."
            return HTMLResponse(_form(on, words), 429, {"retry-after": str(round(wait))})
        for tries, whose in ((self._tries, address), (self._all_tries, "")):
            tries.count(whose)  # before the answer is known: who asks many times at once is counted each time
        async with self._one_at_a_time:
            token = await run_in_threadpool(self.accounts.sign_in, form.get("name", "").strip(), form.get("password", ""))
        if token is None:
            return HTMLResponse(_form(on, "The name or the password is wrong."), 401)
        self._tries.forgive(address)
        self._all_tries.forgive("")
        answer = RedirectResponse(on, 303)
        answer.set_cookie(
            self.cookie, token, max_age=SESSION_S, httponly=True, samesite="lax", secure=request.url.scheme == "https"
        )
        return answer

    def _token(self, scope: Scope) -> str | None:
        return Request({**scope, "type": "http"}).cookies.get(self.cookie)

    def _is_start(self, scope: Scope) -> bool:
        if self._started or scope.get("path") != STARTED or scope.get("method") != "GET":
            return False
        client, server = scope.get("client"), scope.get("server")
        if not client or client[0] not in {*LOOPBACK, server[0] if server else ""}:  # this computer alone
            return False
        self._started = True
        return True


class _WhileSignedIn:
    """A connection that ends with its session: an answer that is streamed, as an act's progress, may be open for hours."""

    def __init__(self, signed_in: Callable[[], bool], receive: Receive, send: Send) -> None:
        self._signed_in, self._receive, self._send = signed_in, receive, send
        self._over = False

    async def receive(self) -> Message:
        return {"type": "http.disconnect"} if self._over else await self._receive()

    async def send(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.body" and message.get("more_body") and not self._still():
            self._over = True
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    def _still(self) -> bool:
        with suppress(StudioError, OSError):  # who may sign in cannot be read: nobody is kept on a guess
            return self._signed_in()
        return False


class _Tries:
    """When each address has tried, newest last; `most` times within a while."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._at: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=most))

    def wait(self, address: str) -> float:
        """Seconds until it may try again; 0 for now."""
        tried: Sequence[float] = self._at.get(address, ())
        return max(0.0, tried[0] + WITHIN_S - time.monotonic()) if len(tried) == self._most else 0.0

    def count(self, address: str) -> None:
        while len(self._at) >= MOST_ADDRESSES:
            self._at.pop(next(iter(self._at)))
        self._at[address].append(time.monotonic())

    def forgive(self, address: str) -> None:
        """The newest: it was none."""
        if self._at.get(address):
            self._at[address].pop()


async def _form_of(request: Request) -> Mapping[str, str] | None:
    """The fields that were sent; None where there is too much."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return None
    try:
        found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
    except ValueError:  # more fields than that
        return None
    return {name: values[0] for name, values in found.items()}


def _refused(request: Request) -> Response:
    """The page to sign in, for who looks at a page; one line for a script."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        on = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return HTMLResponse(_form(on), 401)
    return PlainTextResponse("Sign in first.", 401)


def _within(path: str) -> str:
    """Where to go on: a page of this server, never another one."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\", PATH, OUT)) and path.isprintable()
    return quote(path, safe="/?=&%+") if inside else "/"


def _form(on: str, problem: str = "") -> str:
    said = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return _page(
        f'{said}<form method="post" action="{PATH}"><input type="hidden" name="next" value="{escape(_within(on))}">'
        '<label>Name <input name="name" autocomplete="username" required autofocus maxlength="60"></label>'
        '<label>Password <input name="password" type="password" autocomplete="current-password" required></label>'
        "<button>Sign in</button></form>"
    )


def _signed_in_page(name: str) -> str:
    return _page(
        f'<p>Signed in as <b>{escape(name)}</b>.</p><p><a href="/">Go to the projects</a></p>'
        f'<form method="post" action="{OUT}"><button>Sign out</button></form>'
    )


_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f8fafc, #0b0f19); }
main { width: min(360px, calc(100vw - 32px)); }
h1 { margin: 0 0 16px; font-size: 24px; }
form, label { display: grid; gap: 6px; }
form { gap: 16px; }
input, button { font: inherit; min-height: 44px; padding: 6px 12px; border: 1px solid #64748b; border-radius: 8px; }
button { background: #0f766e; border-color: #0f766e; color: white; font-weight: 700; cursor: pointer; }
[role=alert] { color: light-dark(#b91c1c, #fca5a5); }
a { color: light-dark(#0f766e, #5eead4); }
"""


def _page(inside: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Studio</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>Studio</h1>{inside}</main></body></html>"
    )
