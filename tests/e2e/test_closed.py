"""What the browser tests mean by a closed network, tried on an address that is there: this machine's own beyond loopback."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.real_app import ROOT, closed

pytestmark = pytest.mark.browser
ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])"


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Answers, and writes down that it was asked."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Not on the terminal."""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """(its address, what it was asked)."""
    found = [a.address for every in psutil.net_if_addrs().values() for a in every if a.family == socket.AF_INET]
    beyond = next((address for address in found if not address.startswith("127.")), None)
    if beyond is None:
        pytest.skip("this machine has no address but loopback")
    server = http.server.ThreadingHTTPServer((beyond, 0), Elsewhere)
    server.asked = list[str]()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{beyond}:{server.server_port}", server.asked  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_closed_process_reaches_nothing_and_is_written_down(elsewhere: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = elsewhere
    with urllib.request.urlopen(address):
        assert asked == ["/"]
    calls = tmp_path / "calls"
    tried = subprocess.run([sys.executable, "-c", ASK, f"{address}/closed"], env={**os.environ, **closed(calls)}, stderr=-1)
    assert tried.returncode == 1 and b"The network is closed" in tried.stderr
    assert asked == ["/"] and calls.read_text().split() == [address.split("/")[2].split(":")[0]]


def test_the_browser_reaches_nothing(elsewhere: tuple[str, list[str]], browser: Any) -> None:
    from playwright.sync_api import Error

    address, asked = elsewhere
    page = browser.new_page()
    for there in (address, "http://studio.example"):
        with pytest.raises(Error, match="ERR_"):
            page.goto(there)
    page.close()
    assert asked == []


@pytest.mark.slow
@pytest.mark.parametrize(("offline", "called", "said"), [("1", set(), "nobody"), ("", {"huggingface.co"}, "the hub alone")])
def test_doctor_says_who_is_called_and_calls_nobody_else(offline: str, called: set[str], said: str, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    mine = {"STUDIO_HOME": str(tmp_path / "home"), "STUDIO_OFFLINE": offline, "HF_HUB_OFFLINE": "", "STUDIO_DEVICE": "cpu"}
    environment = {**os.environ, **mine, **closed(calls)}
    command = [sys.executable, "-m", "studio", "doctor", "--json"]
    found = json.loads(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout)
    assert found["calls_out_to"].startswith(said) and found["telemetry"] == "off"
    assert set(calls.read_text().split()) == called
