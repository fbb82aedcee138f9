"""Guard: who may talk to this server. An ASGI middleware over every route, Gradio's own included.

Foreign Host headers (DNS rebinding), unsafe requests from other sites (CSRF), bodies that are too large and Gradio's proxy of
remote URLs are refused; every answer says what its page may load. It knows nothing of people or logins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

UPLOADS = "/gradio_api/upload"
MEGABYTE = 1024 * 1024
LARGEST_BODY = 16 * MEGABYTE
"""Of every request but an upload."""

# Gradio's pages have inline scripts and make functions of text, so a script that got in could run; but nothing can get in through
# an attribute (`onerror=`), and nothing can be fetched from or sent to anywhere else
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "script-src-attr 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)

SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

TOO_LARGE = "That is more than this server takes at once."

Refusal = tuple[int, str]


class _TooLarge(Exception):
    """More of a body came than is taken."""


class Guard:
    """`hosts`: names this server answers to. `port`: gives the port it listens on, None while that is not known yet.
    `names`: those that others give it in front of it, with whatever port; one that begins with a dot stands for all that end so.
    `largest_upload`: bytes."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] = LOOPBACK,
        port: Callable[[], int | None] = lambda: None,
        names: Collection[str] = (),
        largest_upload: int = LARGEST_BODY,
    ) -> None:
        self.app = app
        self.hosts = frozenset(name.lower() for name in hosts)
        self.port = port
        self.names = frozenset(name.lower() for name in names)
        self.largest_upload = largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is None:
            await self._let_pass(scope, receive, _with_security_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, words = refusal
            await PlainTextResponse(words, status_code=status)(scope, receive, _with_security_headers(send))

    async def _let_pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body as it comes: a length that is said may be a lie."""
        taken, begun, largest = 0, False, self._largest(scope)

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:
                raise _TooLarge
            return message

        async def sending(message: Message) -> None:
            nonlocal begun
            if begun or taken <= largest:  # else it is what the app makes of a body that ended too early
                begun = True
                await send(message)

        with suppress(_TooLarge, ClientDisconnect):  # who has gone away hears no answer
            await self.app(scope, counted, sending)
        if taken > largest and not begun:
            await PlainTextResponse(TOO_LARGE, 413, {"connection": "close"})(scope, receive, send)

    def _largest(self, scope: Scope) -> int:
        return self.largest_upload if scope["path"].rstrip("/") == UPLOADS else LARGEST_BODY

    def refusal(self, scope: Scope) -> Refusal | None:
        """Status and words of a refused request; None where it may pass."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not self._is_ours(host):
            return 403, "This server does not answer to that Host."
        safe = scope["type"] == "http" and scope["method"] in SAFE_METHODS
        if _foreign_origin(headers, host) or (not safe and _cross_site(headers)):
            return 403, "Requests from other sites are refused."
        path = unquote(scope["path"]).lower()
        if "/file=http:" in path or "/file=https:" in path or "/proxy=" in path:
            return 403, "Addresses elsewhere are not fetched."
        said = headers.get(b"content-length", "0")
        if not said.isdecimal() or int(said) > self._largest(scope):
            return 413, TOO_LARGE
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname, parts.port
        except ValueError:
            return False
        expected = self.port()
        if name in self.hosts and (expected is None or (port or 80) == expected):
            return True
        return any(name == own or (own.startswith(".") and (name or "").endswith(own)) for own in self.names)


def _foreign_origin(headers: dict[bytes, str], host: str) -> bool:
    try:
        origin = headers.get(b"origin")
        return origin is not None and urlsplit(origin).netloc != host
    except ValueError:  # an address that is none
        return True


def _cross_site(headers: dict[bytes, str]) -> bool:
    """Browsers say this or their origin with every unsafe request; scripts such as gradio_client say neither. A link that is
    followed from another site says it too, and may be."""
    return b"origin" not in headers and headers.get(b"sec-fetch-site", "none") not in ("same-origin", "none")


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            mine: list[Any] = list(message.get("headers", []))
            present = {name.lower() for name, _ in mine}
            message["headers"] = mine + [pair for pair in SECURITY_HEADERS if pair[0] not in present]
        await send(message)

    return sending
