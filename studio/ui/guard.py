"""Guard: who may talk to this server. An ASGI middleware over every route, Gradio's own included.

Foreign Host headers (DNS rebinding), unsafe requests from other sites (CSRF) and Gradio's proxy of remote URLs are refused.
It knows nothing of people or logins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

Refusal = tuple[int, str]


class Guard:
    """`hosts`: names this server answers to. `port`: gives the port it listens on, None while that is not known yet."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOOPBACK, port: Callable[[], int | None] = lambda: None) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, _with_security_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, words = refusal
            await PlainTextResponse(words, status_code=status)(scope, receive, _with_security_headers(send))

    def refusal(self, scope: Scope) -> Refusal | None:
        """Status and words of a refused request; None where it may pass."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not self._is_ours(host):
            return 400, "This server does not answer to that Host."
        if (scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS) and _cross_site(headers, host):
            return 403, "Requests from other sites are refused."
        path = unquote(scope["path"]).lower()
        if "/file=http:" in path or "/file=https:" in path or "/proxy=" in path:
            return 403, "Addresses elsewhere are not fetched."
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname, parts.port
        except ValueError:
            return False
        expected = self.port()
        return name in self.hosts and (expected is None or (port or 80) == expected)


def _cross_site(headers: dict[bytes, str], host: str) -> bool:
    origin = headers.get(b"origin")
    if origin is not None:
        return urlsplit(origin).netloc != host
    # browsers send one of the two with every unsafe request; scripts such as gradio_client send neither
    return headers.get(b"sec-fetch-site", "none") not in ("same-origin", "none")


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            mine: list[Any] = list(message.get("headers", []))
            present = {name.lower() for name, _ in mine}
            message["headers"] = mine + [pair for pair in SECURITY_HEADERS if pair[0] not in present]
        await send(message)

    return sending
