"""On PYTHONPATH, closes the network to a Python process: whatever does not go to loopback fails, and is written down in CALLS.

Wraps what every library ends in, so that none can call out unseen.
"""

import os
import socket

CALLS = os.environ["CALLS"]
LOOPBACK = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)


def _refuse(host: object) -> None:
    with open(CALLS, "a", encoding="utf-8") as file:
        file.write(f"{host}\n")
    raise OSError(f"The network is closed: {host}")


def _host(address: object) -> object:
    return address[0] if isinstance(address, tuple) else None  # a path is a socket of this machine


def _closed(name: str) -> None:
    inner = getattr(socket.socket, name)

    def connect(self: socket.socket, address: object) -> object:
        if (host := _host(address)) not in LOOPBACK:
            _refuse(host)
        return inner(self, address)

    setattr(socket.socket, name, connect)


_closed("connect")
_closed("connect_ex")
_resolve = socket.getaddrinfo


def _getaddrinfo(host: object, *rest: object, **more: object) -> object:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in LOOPBACK:
        _refuse(name)
    return _resolve(host, *rest, **more)  # type: ignore[arg-type]


socket.getaddrinfo = _getaddrinfo  # type: ignore[assignment]
