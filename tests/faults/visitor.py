"""One browser over HTTP: it opens pages as their scripts do, keeps the connection of an open page, asks, clicks and saves files.

Draws nothing, so that twenty of them leave the processor to the server.
"""

from __future__ import annotations

import http.client
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from tests.faults.labelling import post

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Site:
    """What the app's configuration says of its pages."""

    port: int
    components: dict[str, int]
    """{elem_id: number}."""
    loads: dict[str, list[int]]
    """{page: what it asks when it is opened}."""
    events: dict[tuple[int, str], int]
    """{(component, event): what the page asks then}."""

    @classmethod
    def at(cls, address: str) -> Site:
        port = int(urlsplit(address).port or 80)
        config = json.loads(_get(port, "/config"))
        asked = {one["id"]: one["targets"] for one in config["dependencies"]}
        return cls(
            port,
            {one["props"]["elem_id"]: one["id"] for one in config["components"] if one["props"].get("elem_id")},
            {
                page: [n for n in parts["dependencies"] if any(event == "load" for _, event in asked[n])]
                for page, parts in config["page"].items()
            },
            {(component, event): n for n, targets in asked.items() for component, event in targets},
        )


class Visitor:
    """`name` is who sits there. Raises HTTPException, OSError and RuntimeError where the server does not answer as it should."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name = site, name
        self._session = ""
        self._heartbeat: http.client.HTTPConnection | None = None
        self._cached: set[str] = set()

    def open(self, page: str) -> None:
        """Load or reload it, in place of what is open: a session of its own, all that it asks on load, its heartbeat."""
        self.close()
        self._session = secrets.token_hex(6)
        _get(self.site.port, f"/{page}")
        self._heartbeat = _connection(self.site.port)
        self._heartbeat.request("GET", f"/gradio_api/heartbeat/{self._session}")
        self._heartbeat.getresponse()
        for n in self.site.loads[page]:
            self._event("run/predict", n, [])

    def close(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.close()
            self._heartbeat = None

    def ask(self, elem_id: str, function: str, **payload: Any) -> dict[str, Any]:
        """As a widget's script asks its own functions."""
        data = {"author": self.name, **payload}
        body = {"data": data, "component_id": self.site.components[elem_id], "fn_name": function, "session_hash": self._session}
        return post(self.site.port, json.dumps(body))

    def happen(self, elem_id: str, event: str, *given: Any) -> list[Any]:
        """An event that goes through the queue; what it gives to the page's components. A state of the page is given as None."""
        self._event("queue/join", self.site.events[self.site.components[elem_id], event], list(given))
        connection = _connection(self.site.port)
        try:
            connection.request("GET", f"/gradio_api/queue/data?session_hash={self._session}")
            for line in connection.getresponse():
                said = json.loads(line.removeprefix(b"data:")) if line.startswith(b"data:") else {}
                if said.get("msg") == "process_completed":
                    if not said["success"]:
                        raise RuntimeError(f"{elem_id} {event}: {said['output']}")
                    return list(said["output"]["data"])
        finally:
            connection.close()
        raise RuntimeError(f"{elem_id} {event} was not answered")

    def file(self, path: str) -> bytes:
        """One that Studio has made."""
        return _get(self.site.port, f"/gradio_api/file={quote(path)}")

    def picture(self, project: str, sha: str, size: int) -> None:
        """Each once: a browser keeps them."""
        address = f"/studio/media/{project}/{sha}/{size}"
        if address not in self._cached:
            _get(self.site.port, address)
            self._cached.add(address)

    def _event(self, path: str, n: int, given: list[Any]) -> dict[str, Any]:
        body = {"data": given, "event_data": None, "fn_index": n, "trigger_id": 0, "session_hash": self._session}
        return post(self.site.port, json.dumps(body), path)


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)


def _get(port: int, path: str) -> bytes:
    connection = _connection(port)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise http.client.HTTPException(f"{path}: {answer.status}: {said[:200]!r}")
        return said
    finally:
        connection.close()
