"""The real app in a process of its own, and how Debian's chromium is started: for the browser tests, benches and screenshots."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class DidNotStart(Exception):
    """The app ended before it said where it is; the message is what it printed."""


@contextmanager
def running_app(home: Path, *flags: str, calls: Path | None = None) -> Iterator[str]:
    """Start `app.py` offline on the CPU over a home of its own; its address. Ends it after. Raises DidNotStart.

    With `calls`, the network is closed to it, and every host beyond loopback that it tries is a line of that file.
    """
    # a port of its own: two that start at once would both take the first that is free
    port = () if "--port" in flags else ("--port", str(free_port()))
    command = [sys.executable, "app.py", "--home", str(home), "--offline", "--device", "cpu", *port, *flags]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if calls:
        environment |= closed(calls)
    # a file, not a pipe: a pipe that nobody reads would stop a talkative app
    with (home.parent / f"{home.name}.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://\S+", line):
                    yield found[0].rstrip("/")
                    break
            else:
                log.seek(0)
                raise DidNotStart(log.read())
        finally:
            process.terminate()
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def closed(calls: Path) -> dict[str, str]:
    """The environment of a Python process to which the network is closed."""
    calls.touch()
    return {"PYTHONPATH": str(Path(__file__).parent / "closed"), "CALLS": str(calls)}


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser of Playwright's; check that CHROMIUM exists first."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
